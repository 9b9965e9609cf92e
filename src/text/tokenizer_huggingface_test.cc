// tokenizer.json on small vocabularies, of both kinds: byte-level, and SentencePiece's with bytes
// for what no token spells.
#include "base/json.h"
#include "text/tokenizer_testing.h"

namespace cria::text {
namespace {

namespace json = base::json;

constexpr auto kDamaged = absl::StatusCode::kDataLoss;
constexpr auto kUnknown = absl::StatusCode::kUnimplemented;

json::object Parse(std::string_view text) {
  const auto value = base::ParseJson(text, "test");
  EXPECT_TRUE(value.ok()) << value.status() << text;
  return value->as_object();
}

// "\u0120" is a space in GPT-2's alphabet.
json::object ByteLevelFile() {
  return Parse(R"({
    "added_tokens": [
      {"id": 12, "content": "<s>", "special": true},
      {"id": 13, "content": "<end>", "special": true, "lstrip": true, "rstrip": true},
      {"id": 14, "content": "hello", "special": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "post_processor": {"type": "TemplateProcessing", "single": [
      {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "dropout": null, "unk_token": null, "byte_fallback": false,
      "vocab": {"a": 0, "b": 1, "c": 2, "\u0120": 3, "\u00C3": 4, "\u00A9": 5, "ab": 6, "bc": 7,
                "\u0120ab": 8, "\u00C3\u00A9": 9, "abc": 10, "!": 11},
      "merges": ["b c", "a b", "\u0120 ab", ["\u00C3", "\u00A9"]]}})");
}

// Llama 2's layout.
json::object SentencePieceFile() {
  json::object file = Parse(R"({
    "added_tokens": [{"id": 0, "content": "<unk>", "special": true},
                     {"id": 1, "content": "<s>", "special": true}],
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "\u2581"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
    "pre_tokenizer": null,
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
      {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
      "vocab": {"<unk>": 0, "<s>": 1, "\u2581": 258, "a": 259, "b": 260, "\u2581a": 261,
                "ab": 262, "\u2581ab": 263},
      "merges": ["\u2581 a", "a b", "\u2581a b"]}})");
  json::object& vocab = file["model"].as_object()["vocab"].as_object();
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    vocab[name] = 2 + byte;
  }
  return file;
}

StatusOrTokenizer Make(const json::object& file, std::string_view config = "") {
  return TokenizerFromHuggingFace(json::serialize(file), config);
}

std::unique_ptr<const Tokenizer> MustMake(const json::object& file, std::string_view config = "") {
  auto made = Make(file, config);
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

json::object& Model(json::object& file) { return file["model"].as_object(); }

// Anything that isn't UTF-8 would lose bytes without a word.
TEST(HuggingFaceTest, BytesThatNoTokenSpellsAreLeftOut) {
  const auto tokenizer = MustMake(ByteLevelFile());
  EXPECT_EQ(Encode(*tokenizer, "ab\xFF"), Encode(*tokenizer, "ab"));
  EXPECT_EQ(Encode(*tokenizer, "a\xC3"), (Ids{0, 4}));  // it has a token
  EXPECT_EQ(Encode(*tokenizer, "a\xA9\xC3"), (Ids{0, 5, 4}));
  EXPECT_EQ(Encode(*tokenizer, "a\u20AC"), Ids{0});  // as Hugging Face's
  json::object file = ByteLevelFile();
  Model(file)["unk_token"] = "!";
  EXPECT_EQ(Encode(*MustMake(file), "ab\xFF"), (Ids{6, 11}));
}

TEST(HuggingFaceTest, HostilePatternsAreBadInputOfThisFile) {
  for (const char* pattern : {"(a+)+$", "(?R)"}) {
    json::object file = ByteLevelFile();
    file["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}},
          {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
    const auto made = Make(file);
    Ids ids;
    const absl::Status status =
        made.ok() ? (*made)->Encode(std::string(50, 'a') + "!", SpecialText::kPlain, &ids)
                  : made.status();
    EXPECT_EQ(status.code(), kDamaged) << status;
    EXPECT_THAT(std::string(status.message()), testing::StartsWith("tokenizer.json: split pattern"))
        << status;
  }
}

TEST(HuggingFaceTest, MessagesAreOneLineOfUtf8AndNameTheFileOnce) {
  json::object file = ByteLevelFile();
  Model(file)["type"] = "\x1B[2J";
  ExpectRefused(Make(file), kUnknown, "tokenizer.json: model '\\x1b[2J'");
  file = ByteLevelFile();
  file["pre_tokenizer"] = {{"type", "\x1B"}};
  ExpectRefused(Make(file), kUnknown, "tokenizer.json: pre_tokenizer '\\x1b'");
  file = ByteLevelFile();
  Model(file)["ignore_merges"] = 1;
  const auto wrong_type = Make(file);
  EXPECT_THAT(std::string(wrong_type.status().message()),
              testing::StartsWith("tokenizer.json: 'ignore_merges'"));
  EXPECT_THAT(std::string(Make(ByteLevelFile(), R"({"add_bos_token": 1})").status().message()),
              testing::StartsWith("tokenizer_config.json: 'add_bos_token'"));
}

TEST(HuggingFaceTest, ByteLevelMergesInTheOrderOfTheList) {
  const auto tokenizer = MustMake(ByteLevelFile());
  EXPECT_EQ(Encode(*tokenizer, "abc"), (Ids{0, 7}));  // "b c" stands before "a b"
  EXPECT_EQ(Encode(*tokenizer, "ab ab"), (Ids{6, 8}));
  EXPECT_EQ(Encode(*tokenizer, "\u00E9!"), (Ids{9, 11}));
  // No token for x and no <unk>: x is dropped before the merges, as Hugging Face tokenizers does.
  EXPECT_EQ(Encode(*tokenizer, "axb"), (Ids{6}));
  EXPECT_EQ(tokenizer->Decode({6, 8, 9}, false), "ab ab\u00E9");
  EXPECT_EQ(tokenizer->vocab_size(), 15);
  EXPECT_EQ(tokenizer->kind(), "byte-level BPE");
}

TEST(HuggingFaceTest, IgnoreMergesTakesWholePieces) {
  json::object file = ByteLevelFile();
  Model(file)["ignore_merges"] = true;
  EXPECT_EQ(Encode(*MustMake(file), "abc abc"), (Ids{10, 3, 0, 7}));
}

TEST(HuggingFaceTest, AddedTokens) {
  const auto tokenizer = MustMake(ByteLevelFile());
  // What is not special is found in any case, and special text when it is asked for.
  EXPECT_EQ(Encode(*tokenizer, "ahellob"), (Ids{0, 14, 1}));
  EXPECT_EQ(Encode(*tokenizer, "a \n <end>  b<s>", SpecialText::kParse), (Ids{0, 13, 1, 12}));
  for (const TokenId id : Encode(*tokenizer, "a<s><end>")) EXPECT_LT(id, 12);
  EXPECT_TRUE(tokenizer->IsSpecial(12));
  EXPECT_FALSE(tokenizer->IsSpecial(14));
  EXPECT_EQ(tokenizer->Decode({12, 14, 13}, false), "hello");
  EXPECT_EQ(tokenizer->Decode({12, 14, 13}, true), "<s>hello<end>");
}

TEST(HuggingFaceTest, BosAndEosComeFromTheConfigAndTheTemplate) {
  const auto by_template = MustMake(ByteLevelFile());
  EXPECT_EQ(by_template->bos(), 12);
  EXPECT_TRUE(by_template->add_bos());
  const auto by_config =
      MustMake(ByteLevelFile(), R"({"bos_token": {"content": "<s>"}, "eos_token": "<end>",
                                    "add_bos_token": false})");
  EXPECT_EQ(by_config->bos(), 12);
  EXPECT_EQ(by_config->eos(), 13);
  EXPECT_FALSE(by_config->add_bos());
  json::object file = ByteLevelFile();
  file.erase("post_processor");
  EXPECT_EQ(MustMake(file)->bos(), std::nullopt);
  EXPECT_FALSE(MustMake(file)->add_bos());
}

TEST(HuggingFaceTest, SentencePiecePutsASpaceFirstAndTakesItOffAgain) {
  const auto tokenizer = MustMake(SentencePieceFile());
  EXPECT_EQ(Encode(*tokenizer, "ab"), (Ids{263}));
  EXPECT_EQ(Encode(*tokenizer, "ab ab"), (Ids{263, 263}));
  EXPECT_EQ(Encode(*tokenizer, " b"), (Ids{258, 258, 260}));
  EXPECT_EQ(tokenizer->Decode({263, 263}, false), "ab ab");
  EXPECT_TRUE(tokenizer->drops_leading_space());
  EXPECT_EQ(tokenizer->kind(), "SentencePiece BPE");
}

TEST(HuggingFaceTest, CharactersWithoutATokenBecomeBytes) {
  const auto tokenizer = MustMake(SentencePieceFile());
  const Ids ids = Encode(*tokenizer, "a\u00E9");
  EXPECT_EQ(ids, (Ids{261, 2 + 0xC3, 2 + 0xA9}));
  EXPECT_EQ(tokenizer->Decode(ids, false), "a\u00E9");
  // The bytes' names are not found in text.
  EXPECT_EQ(Encode(*tokenizer, "a<0x41>").size(), 7u);
  json::object file = SentencePieceFile();
  Model(file)["byte_fallback"] = false;
  EXPECT_EQ(Encode(*MustMake(file), "a\u00E9xa"), (Ids{261, 0, 259}));  // fused
  Model(file)["fuse_unk"] = false;
  EXPECT_EQ(Encode(*MustMake(file), "a\u00E9xa"), (Ids{261, 0, 0, 259}));
}

TEST(HuggingFaceTest, MetaspaceSchemes) {
  json::object file = SentencePieceFile();
  file["normalizer"] = nullptr;
  const auto encode = [&](std::string_view metaspace, std::string_view text) {
    file["pre_tokenizer"] = Parse(metaspace);
    return Encode(*MustMake(file), text, SpecialText::kParse);
  };
  constexpr std::string_view kAlways =
                                 R"({"type": "Metaspace", "replacement": "\u2581",
                                     "prepend_scheme": "always", "split": true})",
                             kFirst = R"({"type": "Metaspace", "prepend_scheme": "first"})",
                             kNever = R"({"type": "Metaspace", "prepend_scheme": "never"})",
                             kOld = R"({"type": "Metaspace", "add_prefix_space": false})";
  EXPECT_EQ(encode(kAlways, "ab<s>ab"), (Ids{263, 1, 263}));
  EXPECT_EQ(encode(kAlways, " ab"), (Ids{263}));
  EXPECT_EQ(encode(kFirst, "ab<s>ab"), (Ids{263, 1, 262}));
  EXPECT_EQ(encode(kFirst, "<s>ab"), (Ids{1, 262}));
  EXPECT_EQ(encode(kNever, "ab<s>ab"), (Ids{262, 1, 262}));
  EXPECT_EQ(encode(kOld, "ab"), (Ids{262}));
}

// Sets a value at a path such as "model.type" and expects the refusal.
struct Refusal {
  const char* path;
  const char* value;
  absl::StatusCode code;
  const char* message;
};

void ExpectAllRefused(const json::object& good, const std::vector<Refusal>& refusals) {
  for (const auto& [path, value, code, message] : refusals) {
    json::object file = good;
    json::object* at = &file;
    std::string_view rest = path;
    for (size_t dot; (dot = rest.find('.')) != std::string_view::npos; rest.remove_prefix(dot + 1))
      at = &(*at)[rest.substr(0, dot)].as_object();
    (*at)[rest] = json::parse(value);
    const auto made = Make(file);
    ExpectRefused(made, code, "tokenizer.json: ");
    ExpectRefused(made, code, message);
  }
}

TEST(HuggingFaceTest, UnknownPartsAreRefusedByName) {
  ExpectAllRefused(
      ByteLevelFile(),
      {{"model.type", "\"Unigram\"", kUnknown, "model 'Unigram' is not supported"},
       {"model.dropout", "0.1", kUnknown, "dropout"},
       {"model.end_of_word_suffix", "\"</w>\"", kUnknown, "end_of_word_suffix"},
       {"normalizer", R"({"type": "NFC"})", kUnknown, "normalizer NFC"},
       {"pre_tokenizer", R"({"type": "Whitespace"})", kUnknown, "pre_tokenizer Whitespace"},
       {"pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Removed"})",
        kUnknown, "behavior Removed"},
       {"pre_tokenizer", "null", kUnknown, "without ByteLevel, Metaspace or a normalizer"},
       {"decoder", R"({"type": "WordPiece"})", kUnknown, "decoder WordPiece"},
       {"post_processor", R"({"type": "BertProcessing"})", kUnknown, "BertProcessing"},
       {"added_tokens", R"([{"id": 0, "content": "x", "single_word": true}])", kUnknown,
        "single_word"}});
}

TEST(HuggingFaceTest, DamagedFilesAreRefused) {
  ExpectAllRefused(
      ByteLevelFile(),
      {{"model", "null", kDamaged, "no model"},
       {"model.vocab", "{}", kDamaged, "no vocab"},
       {"model.vocab", R"({"a": 0, "b": 0})", kDamaged, "two tokens have id 0"},
       {"model.vocab", R"({"a": -1})", kDamaged, "token 'a': its id is no integer in 0.."},
       {"model.vocab", R"({"a": 1.5})", kDamaged, "token 'a': its id is no integer in 0.."},
       {"model.vocab", R"({"a": 9000000000})", kDamaged, "token 'a': its id is no integer in 0.."},
       {"model.vocab", R"({"a": 1000000})", kDamaged, "most ids would have no token"},
       {"model.merges", "null", kDamaged, "no merges"},
       {"model.merges", R"(["ab"])", kDamaged, "merge 0 is not a pair"},
       {"model.merges", R"(["a b", "a b c"])", kDamaged, "merge 1 is not a pair"},
       {"model.merges", R"([["a", 1]])", kDamaged, "merge 0 is not a pair"},
       {"model.merges", R"(["c c"])", kDamaged, "merge 0: its parts or their union are not in"},
       {"model.unk_token", "\"<none>\"", kDamaged, "unk_token '<none>' is not in the vocab"},
       {"model.ignore_merges", "\"yes\"", kDamaged, "ignore_merges"},
       {"added_tokens", "[1]", kDamaged, "added token without an id"},
       {"added_tokens", R"([{"id": 0}])", kDamaged, "added token 0 without content"},
       {"pre_tokenizer", "[]", kDamaged, "pre_tokenizer"},
       {"pre_tokenizer", R"({"type": "Sequence"})", kDamaged, "a Sequence without its parts"},
       {"post_processor", R"({"type": "TemplateProcessing"})", kDamaged, "without 'single'"}});
  ExpectRefused(TokenizerFromHuggingFace("", ""), kDamaged, "tokenizer.json");
  ExpectRefused(TokenizerFromHuggingFace("[]", ""), kDamaged, "expected an object");
  ExpectRefused(TokenizerFromHuggingFace("{\"model\": ", ""), kDamaged, "tokenizer.json");
  ExpectRefused(Make(ByteLevelFile(), "{"), kDamaged, "tokenizer_config.json");
  ExpectRefused(Make(ByteLevelFile(), R"({"bos_token": 1})"), kDamaged, "bos_token");
  ExpectRefused(Make(ByteLevelFile(), R"({"bos_token": "<none>"})"), kDamaged, "<none>");
  ExpectRefused(Make(ByteLevelFile(), R"({"add_eos_token": true})"), kUnknown, "add_eos_token");
}

// Sequences may be nested without end; the parts are counted, and nothing recurses.
TEST(HuggingFaceTest, NestedSequencesEnd) {
  std::string nested = R"({"type": "ByteLevel", "add_prefix_space": false})";
  for (int i = 0; i < 15; ++i)
    nested = R"({"type": "Sequence", "pretokenizers": [)" + nested + "]}";
  json::object file = ByteLevelFile();
  file["pre_tokenizer"] = Parse(nested);
  EXPECT_EQ(Encode(*MustMake(file), "ab"), Ids{6});
  std::string many = R"({"type": "Digits"})";
  for (int i = 0; i < 40; ++i) many += R"(, {"type": "Digits"})";
  file["pre_tokenizer"] = Parse(R"({"type": "Sequence", "pretokenizers": [)" + many + "]}");
  ExpectRefused(Make(file), kUnknown, "more than 32 components");
}

}  // namespace
}  // namespace cria::text
