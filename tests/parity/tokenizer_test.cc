// The tokenizers of real models: ids by tiktoken and Hugging Face tokenizers (written by
// tools/compare_tokenizers.py), ids in Meta's own tests, and what must hold for any text. Needs
// vocabularies that may be absent: tools/fetch_test_data.sh brings Llama 3's,
// tools/fetch_default_model.sh SmolLM2's.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "checkpoint/checkpoint.h"
#include "engine/loaded_model.h"
#include "hub/model_store.h"
#include "text/chat_format.h"
#include "text/detokenizer.h"
#include "text/tokenizer_chunks.h"
#include "text/tokenizer_factory.h"
#include "text/utf8.h"

namespace cria::parity {
namespace {

using text::SpecialText;
using text::TokenId;
using text::Tokenizer;
using Ids = std::vector<TokenId>;

constexpr char kGoldenFolder[] = "tests/data/tokenizer/";

Ids Encode(const Tokenizer& tokenizer, std::string_view text,
           SpecialText special = SpecialText::kPlain) {
  Ids ids;
  const absl::Status status = tokenizer.Encode(text, special, &ids);
  EXPECT_TRUE(status.ok()) << status;
  return ids;
}

// nullptr where there is no vocabulary; anything else that goes wrong fails the test.
std::unique_ptr<const Tokenizer> OpenLlama3() {
  const char* named = std::getenv("CRIA_LLAMA3_TOKENIZER");
  for (const std::string path :
       {named != nullptr ? named : "", "../shared/data/llama3/tokenizer.model",
        "build/test-data/llama3/tokenizer.model"}) {
    if (path.empty() || !base::FileExists(path)) continue;
    const auto file = base::ReadFile(path, size_t{16} << 20);
    EXPECT_TRUE(file.ok()) << file.status();
    auto tokenizer = text::TokenizerFromTiktoken(*file);
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
    return *std::move(tokenizer);
  }
  return nullptr;
}

std::unique_ptr<const Tokenizer> OpenSmolLm2() {
  const char* named = std::getenv("CRIA_SMOLLM2");
  std::string path = named != nullptr ? named : "";
  if (path.empty()) {
    const auto store = hub::ModelStore::FromEnvironment();
    if (!store.ok()) return nullptr;
    const auto model = store->Resolve("smollm2:135m");
    if (!model.ok()) return nullptr;
    path = model->path;
  }
  const auto checkpoint = checkpoint::Checkpoint::Open(path);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  auto tokenizer = engine::MakeTokenizer((*checkpoint)->tokenizer(), (*checkpoint)->config());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

struct Source {
  const char* name;  // of the golden file
  const char* title;
  const char* script;
  std::unique_ptr<const Tokenizer> (*open)();
};
constexpr Source kLlama3 = {"llama3", "Llama 3's tokenizer.model", "tools/fetch_test_data.sh",
                            OpenLlama3};
constexpr Source kSmolLm2 = {"smollm2", "SmolLM2-135M", "tools/fetch_default_model.sh",
                             OpenSmolLm2};

struct Golden {
  std::string text;
  Ids ids;
};

std::vector<Golden> LoadGoldens(const std::string& name) {
  const auto file = base::ReadFile(kGoldenFolder + name + ".jsonl", size_t{1} << 20);
  EXPECT_TRUE(file.ok()) << file.status();
  std::vector<Golden> goldens;
  std::string_view rest = *file;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const auto line = base::ParseJson(rest.substr(0, end), name);
    EXPECT_TRUE(line.ok()) << line.status();
    Golden golden;
    golden.text = line->at("text").as_string();
    for (const auto& id : line->at("ids").as_array())
      golden.ids.push_back(static_cast<TokenId>(id.as_int64()));
    goldens.push_back(std::move(golden));
    rest.remove_prefix(end + 1);
  }
  return goldens;
}

class TokenizerTest : public testing::TestWithParam<Source> {
 protected:
  void SetUp() override { Open(GetParam()); }
  void Open(const Source& source) {
    tokenizer_ = source.open();
    if (tokenizer_ != nullptr || HasFailure()) return;
    GTEST_SKIP() << "SKIPPED: " << source.title << " is absent (" << source.script << " brings it)";
  }
  Ids Encode(std::string_view text, SpecialText special = SpecialText::kPlain) {
    return parity::Encode(*tokenizer_, text, special);
  }

  // `text` as the tokenizer can say it: SmolLM2's vocabulary lacks the bytes that its training text
  // never had, and drops them, as Hugging Face tokenizers does.
  std::string Spellable(std::string_view text) {
    if (!spellable_.has_value()) {
      spellable_.emplace();
      for (size_t byte = 0; byte < 256; ++byte)
        (*spellable_)[byte] = !Encode(std::string(1, static_cast<char>(byte))).empty();
    }
    std::string kept;
    for (const char c : text)
      if ((*spellable_)[static_cast<uint8_t>(c)]) kept += c;
    return kept;
  }

  std::unique_ptr<const Tokenizer> tokenizer_;

 private:
  std::optional<std::array<bool, 256>> spellable_;
};

INSTANTIATE_TEST_SUITE_P(Models, TokenizerTest, testing::Values(kLlama3, kSmolLm2),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(TokenizerTest, IdsAndTextsAreTheReferences) {
  const std::vector<Golden> goldens = LoadGoldens(GetParam().name);
  EXPECT_GT(goldens.size(), 100u);
  for (const Golden& golden : goldens) {
    EXPECT_EQ(Encode(golden.text), golden.ids) << testing::PrintToString(golden.text);
    EXPECT_EQ(tokenizer_->Decode(golden.ids, false), Spellable(golden.text));
  }
}

// Byte-level tokenizers keep bytes, valid UTF-8 or not.
TEST_P(TokenizerTest, RandomBytesComeBack) {
  base::Rng rng(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (uint32_t length = rng.Below(64); length > 0; --length)
      text += static_cast<char>(rng.Below(4) == 0 ? rng.Below(256) : 0x20 + rng.Below(0x60));
    EXPECT_EQ(tokenizer_->Decode(Encode(text), false), Spellable(text))
        << testing::PrintToString(text);
  }
}

// What a stream shows so far is always whole characters, and in the end all of the text.
void CheckStream(const Tokenizer& tokenizer, const Ids& ids) {
  text::StreamDetokenizer stream(tokenizer);
  std::string shown;
  for (const TokenId id : ids) {
    const std::string part = stream.Feed(id);
    ASSERT_TRUE(text::IsValidUtf8(part)) << testing::PrintToString(part);
    shown += part;
  }
  shown += stream.Finish();
  ASSERT_EQ(shown, text::ToValidUtf8(tokenizer.Decode(ids, false))) << testing::PrintToString(ids);
}

TEST_P(TokenizerTest, StreamNeverShowsHalfACharacter) {
  size_t cut = 0;  // texts of which some token ends inside a character
  for (const Golden& golden : LoadGoldens(GetParam().name)) {
    CheckStream(*tokenizer_, golden.ids);
    cut += std::any_of(golden.ids.begin(), golden.ids.end(), [&](TokenId id) {
      return !text::IsValidUtf8(tokenizer_->TokenBytes(id, false));
    });
  }
  EXPECT_GT(cut, 50u);
  base::Rng rng(5);
  for (int round = 0; round < 2000; ++round) {  // as a model might, at its worst
    Ids ids(rng.Below(20));
    for (TokenId& id : ids)
      id = static_cast<TokenId>(
          rng.Below(rng.Below(2) == 0 ? 256 : static_cast<uint32_t>(tokenizer_->vocab_size())));
    CheckStream(*tokenizer_, ids);
  }
}

TEST_P(TokenizerTest, SpecialTextIsTextUnlessParsed) {
  int special = 0;
  for (TokenId id = 0; id < tokenizer_->vocab_size(); ++id) {
    if (!tokenizer_->IsSpecial(id)) continue;
    ++special;
    const std::string name = tokenizer_->TokenBytes(id, true);
    EXPECT_EQ(tokenizer_->SpecialId(name), id);
    EXPECT_EQ(tokenizer_->TokenBytes(id, false), "");
    const std::string text = "a " + name + name + "b";
    EXPECT_EQ(Encode(text, SpecialText::kParse),
              (Ids{Encode("a ")[0], Encode("a ")[1], id, id, Encode("b")[0]}));
    const Ids plain = Encode(text);
    EXPECT_EQ(tokenizer_->Decode(plain, false), text);
    for (const TokenId part : plain) EXPECT_FALSE(tokenizer_->IsSpecial(part)) << name;
  }
  EXPECT_GT(special, 10);
}

// No text is quadratic: each of these has two hundred thousand characters, which would take
// minutes.
TEST_P(TokenizerTest, HugeRunsComeBack) {
  EXPECT_EQ(Spellable("\tZ\xE6\x97\xA5"), "\tZ\xE6\x97\xA5");
  for (const std::string unit : {"a", " ", "\n", "ab", "\u65E5", "0", "!", "\U0001F999", "\xFF"}) {
    std::string text;
    while (text.size() < 200'000 * unit.size()) text += unit;
    EXPECT_TRUE(tokenizer_->Decode(Encode(text), false) == Spellable(text)) << unit;
  }
}

class Llama3Test : public TokenizerTest {
 protected:
  void SetUp() override { Open(kLlama3); }
};
INSTANTIATE_TEST_SUITE_P(Llama3, Llama3Test, testing::Values(kLlama3),
                         [](const auto&) { return std::string("tiktoken"); });

// meta-llama/llama-models, models/llama3/tests; the others by tiktoken.
TEST_P(Llama3Test, PublishedIds) {
  const std::pair<std::string, Ids> cases[] = {
      {"This is a test sentence.", {2028, 374, 264, 1296, 11914, 13}},
      {"Hello world", {9906, 1917}},
      {"What is the capital of France?", {3923, 374, 279, 6864, 315, 9822, 30}},
      {"The quick brown fox", {791, 4062, 14198, 39935}},
      {"I'M don't IT'S", {40, 28703, 1541, 956, 8871, 13575}},
      {"1234567", {4513, 10961, 22}},
      {"a\r\nb", {64, 319, 65}},
      {"\u00A0x", {4194, 87}},
      {"  two  spaces\n\n  x", {220, 1403, 220, 12908, 271, 220, 865}},
      {"\u00E9t\u00E9 na\u00EFve", {39883, 95980, 588}},
      {"\u65E5\u672C\u8A9E", {102433, 102158}},
      {"\U0001F999", {9468, 99, 247}},
      {"Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
       {38766, 1303, 33025, 2696, 25,   6790,  220, 2366, 18, 198,
        15724, 2696, 25,    220,  1627, 10263, 220, 2366, 19, 271}},
      {"unsafe\nS1,S10", {39257, 198, 50, 16, 21861, 605}},
      {"brave_search.call(query=\"x\")", {1347, 525, 10947, 8692, 10974, 429, 87, 909}},
      {"user", {882}},
      {"system", {9125}},
      {"assistant", {78191}},
      {"ipython", {23799, 4690}},
      {" ipython", {6125, 27993}},
      {"\n", {198}},
      {"\n\n", {271}},
      {"\n\n\n", {1432}},
      {"safe", {19193}},
      {" safe", {6220}}};
  for (const auto& [text, ids] : cases) {
    EXPECT_EQ(Encode(text), ids) << text;
    EXPECT_EQ(tokenizer_->Decode(ids, false), text);
  }
}

TEST_P(Llama3Test, SpecialTokensHaveMetasIds) {
  const std::pair<const char*, TokenId> cases[] = {{"<|begin_of_text|>", 128000},
                                                   {"<|end_of_text|>", 128001},
                                                   {"<|reserved_special_token_0|>", 128002},
                                                   {"<|finetune_right_pad_id|>", 128004},
                                                   {"<|step_id|>", 128005},
                                                   {"<|start_header_id|>", 128006},
                                                   {"<|end_header_id|>", 128007},
                                                   {"<|eom_id|>", 128008},
                                                   {"<|eot_id|>", 128009},
                                                   {"<|python_tag|>", 128010},
                                                   {"<|image|>", 128011},
                                                   {"<|reserved_special_token_2|>", 128012},
                                                   {"<|reserved_special_token_245|>", 128255}};
  for (const auto& [name, id] : cases) EXPECT_EQ(tokenizer_->SpecialId(name), id) << name;
  EXPECT_EQ(tokenizer_->vocab_size(), 128256);
  EXPECT_EQ(tokenizer_->bos(), 128000);
  EXPECT_TRUE(tokenizer_->add_bos());
  EXPECT_EQ(Encode("<|begin_of_text|>x<|eot_id|>", SpecialText::kParse), (Ids{128000, 87, 128009}));
}

// Meta cuts runs of more than 25,000 characters, and all texts each 400,000 characters.
TEST_P(Llama3Test, ChunkLimits) {
  const auto repeated = [](std::string_view unit, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += unit;
    return text;
  };
  const auto joined = [&](std::initializer_list<std::string> parts) {
    Ids ids;
    for (const std::string& part : parts) {
      const Ids more = Encode(part);
      ids.insert(ids.end(), more.begin(), more.end());
    }
    return ids;
  };
  for (const std::string unit : {"a", "\u65E5", "\n", "\u00E9"}) {
    const std::string full = repeated(unit, text::kMaxChunkRun);
    EXPECT_EQ(Encode(full + unit), joined({full, unit})) << unit;
    EXPECT_EQ(Encode(full + unit + unit), joined({full, unit + unit})) << unit;
  }
  // A run that begins with a space begins anew with the letters.
  const std::string spaced = " " + repeated("a", text::kMaxChunkRun);
  EXPECT_EQ(Encode(spaced + "a"), joined({spaced, "a"}));
  // 400,000 characters without a long run; the 400,001st is a chunk of its own.
  const std::string words = repeated("abc ", text::kMaxChunkCharacters / 4 - 1) + "abcd";
  EXPECT_EQ(Encode(words + "efgh"), joined({words, "efgh"}));
  EXPECT_NE(Encode(words.substr(4) + "efgh"), joined({words.substr(4), "efgh"}));
}

text::Message UserOrSystem(text::Role role, std::string text) {
  text::Message message;
  message.role = role;
  message.content.emplace_back().text = std::move(text);
  return message;
}

// The dialogs of Meta's own tests (models/llama3/tests/api/test_tokenizer.py).
TEST_P(Llama3Test, DialogsHaveMetasIds) {
  const auto format = text::MakeChatFormat("", *tokenizer_);
  ASSERT_TRUE(format.ok()) << format.status();
  const auto dialog =
      (*format)->Encode({UserOrSystem(text::Role::kSystem, "You are a helpful assistant"),
                         UserOrSystem(text::Role::kUser, "Who are you?")},
                        {});
  ASSERT_TRUE(dialog.ok()) << dialog.status();
  EXPECT_EQ(dialog->ids, (Ids{128000, 128006, 9125,   128007, 271,    2675,   527,    264,
                              11190,  18328,  128009, 128006, 882,    128007, 271,    15546,
                              527,    499,    30,     128009, 128006, 78191,  128007, 271}));
  text::Message image = UserOrSystem(text::Role::kUser, "Describe this image in two sentences");
  text::ContentPart& picture = *image.content.emplace(image.content.begin());
  picture.type = text::ContentPart::Type::kImage;
  picture.image_url = "x.png";
  const auto seen = (*format)->Encode({image}, {});
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(seen->ids, (Ids{128000, 128006, 882, 128007, 271, 128256, 75885, 420, 2217, 304, 1403,
                            23719, 128009, 128006, 78191, 128007, 271}));
  // A body that begins with line feeds does not merge with the header's own.
  const auto breaks = (*format)->Encode({UserOrSystem(text::Role::kUser, "\n<|eot_id|>")}, {});
  ASSERT_TRUE(breaks.ok()) << breaks.status();
  EXPECT_EQ(breaks->ids[4], 271);
  EXPECT_EQ(breaks->ids[5], 198);
  EXPECT_EQ(std::count(breaks->ids.begin(), breaks->ids.end(), 128009), 1);
}

}  // namespace
}  // namespace cria::parity
