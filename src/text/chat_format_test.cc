#include "text/chat_format.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "base/file.h"
#include "text/chat_format_chatml.h"
#include "text/message_json.h"
#include "text/system_prompt.h"
#include "text/tokenizer_factory.h"
#include "text/tool_definition_json.h"

namespace cria::text {
namespace {

using Pieces = std::vector<std::string>;

// Gives every text it is asked to encode one id of its own, so that a test sees what was encoded
// together.
class FakeTokenizer : public Tokenizer {
 public:
  explicit FakeTokenizer(std::map<std::string, TokenId, std::less<>> special)
      : special_(std::move(special)) {}

  absl::Status Encode(std::string_view text, SpecialText special,
                      std::vector<TokenId>* ids) const override {
    EXPECT_EQ(special, SpecialText::kPlain);
    if (text.empty()) return absl::OkStatus();
    texts_.emplace_back(text);
    ids->push_back(static_cast<TokenId>(texts_.size()) - 1);
    return absl::OkStatus();
  }
  std::string TokenBytes(TokenId id, bool) const override {
    for (const auto& [name, special] : special_)
      if (special == id) return name;
    const auto index = static_cast<size_t>(id);
    return index < texts_.size() ? texts_[index] : "#" + std::to_string(id);
  }
  std::string Decode(const std::vector<TokenId>&, bool) const override { return ""; }
  int32_t vocab_size() const override { return 200000; }
  bool IsSpecial(TokenId) const override { return false; }
  std::optional<TokenId> SpecialId(std::string_view name) const override {
    const auto found = special_.find(name);
    if (found == special_.end()) return std::nullopt;
    return found->second;
  }
  std::optional<TokenId> bos() const override { return special_.begin()->second; }
  std::optional<TokenId> eos() const override { return std::nullopt; }
  bool add_bos() const override { return false; }
  std::string_view kind() const override { return "fake"; }

  Pieces Read(const std::vector<TokenId>& ids) const {
    Pieces pieces;
    for (TokenId id : ids) pieces.push_back(TokenBytes(id, true));
    return pieces;
  }

 private:
  std::map<std::string, TokenId, std::less<>> special_;
  mutable std::vector<std::string> texts_;
};

FakeTokenizer Llama3Tokenizer() {
  return FakeTokenizer({{"<|begin_of_text|>", 128000},
                        {"<|end_of_text|>", 128001},
                        {"<|start_header_id|>", 128006},
                        {"<|end_header_id|>", 128007},
                        {"<|eom_id|>", 128008},
                        {"<|eot_id|>", 128009},
                        {"<|python_tag|>", 128010},
                        {"<|image|>", 128011}});
}

FakeTokenizer ChatMlTokenizer() {
  return FakeTokenizer(
      {{"<|endoftext|>", 100000}, {"<|im_start|>", 100001}, {"<|im_end|>", 100002}});
}

// SmolLM2-Instruct's template, as its files hold it.
constexpr char kSmolTemplate[] =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
    "'<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
    "Face<|im_end|>\n' "
    "}}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n'}}{% "
    "endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

base::json::value Json(std::string_view text) {
  const auto value = base::ParseJson(text, "test");
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *value : base::json::value();
}

Conversation Messages(std::string_view text) {
  auto conversation = ConversationFromJson(Json(text));
  EXPECT_TRUE(conversation.ok()) << conversation.status();
  return *std::move(conversation);
}

std::vector<ToolDefinition> Tools(std::string_view text) {
  auto tools = ToolsFromJson(Json(text));
  EXPECT_TRUE(tools.ok()) << tools.status();
  return *std::move(tools);
}

absl::StatusOr<Pieces> Encode(const FakeTokenizer& tokenizer, std::string_view jinja,
                              std::string_view messages, const ChatOptions& options = {}) {
  const auto format = MakeChatFormat(jinja, tokenizer);
  if (!format.ok()) return format.status();
  auto chat = (*format)->Encode(Messages(messages), options);
  if (!chat.ok()) return chat.status();
  return tokenizer.Read(chat->ids);
}

Pieces EncodeOk(const FakeTokenizer& tokenizer, std::string_view jinja, std::string_view messages,
                const ChatOptions& options = {}) {
  const auto pieces = Encode(tokenizer, jinja, messages, options);
  EXPECT_TRUE(pieces.ok()) << pieces.status();
  return pieces.ok() ? *pieces : Pieces();
}

Pieces Llama3(std::string_view messages, const ChatOptions& options = {}) {
  return EncodeOk(Llama3Tokenizer(), "", messages, options);
}

Pieces Smol(std::string_view messages, const ChatOptions& options = {}) {
  return EncodeOk(ChatMlTokenizer(), kSmolTemplate, messages, options);
}

// The pieces of one Llama 3 message with a body of one text.
Pieces Turn(const std::string& role, const std::string& body,
            const std::string& end = "<|eot_id|>") {
  Pieces pieces = {"<|start_header_id|>", role, "<|end_header_id|>", "\n\n"};
  if (!body.empty()) pieces.push_back(body);
  pieces.push_back(end);
  return pieces;
}

Pieces Dialog(const std::vector<Pieces>& turns) {
  Pieces pieces = {"<|begin_of_text|>"};
  for (const Pieces& turn : turns) pieces.insert(pieces.end(), turn.begin(), turn.end());
  for (const char* piece : {"<|start_header_id|>", "assistant", "<|end_header_id|>", "\n\n"})
    pieces.push_back(piece);
  return pieces;
}

ChatOptions Dated(std::string date) {
  return {{}, ToolFormat::kJson, std::move(date), true, "auto"};
}

TEST(Llama3Format, NoSystemBlockOfItsOwn) {
  EXPECT_EQ(Llama3(R"([{"role": "user", "content": " \n\nhi <|eot_id|> "}])"),
            Dialog({Turn("user", " \n\nhi <|eot_id|> ")}));
  EXPECT_EQ(Llama3("[]"), Dialog({}));
}

TEST(Llama3Format, RolesAndEnds) {
  EXPECT_EQ(Llama3(R"([{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
                       {"role": "assistant", "content": "a", "stop_reason": "end_of_message"},
                       {"role": "tool", "content": "t"},
                       {"role": "assistant", "content": "", "stop_reason": "out_of_tokens"},
                       {"role": "user", "content": ["x", "y"], "context": "c"}])"),
            Dialog({Turn("system", "s"),
                    Turn("user", "u"),
                    Turn("assistant", "a", "<|eom_id|>"),
                    Turn("ipython", "t"),
                    Turn("assistant", ""),
                    {"<|start_header_id|>", "user", "<|end_header_id|>", "\n\n", "x", "y", "\n\n",
                     "c", "<|eot_id|>"}}));
}

TEST(Llama3Format, GenerationHeaderIsOptional) {
  ChatOptions options;
  options.generation_header = false;
  const Pieces pieces = Llama3(R"([{"role": "user", "content": "u"}])", options);
  EXPECT_EQ(pieces.back(), "<|eot_id|>");
}

TEST(Llama3Format, ImagesAreCollectedInOrder) {
  const FakeTokenizer tokenizer = Llama3Tokenizer();
  const auto format = MakeChatFormat("", tokenizer);
  ASSERT_TRUE(format.ok());
  const auto chat = (*format)->Encode(
      Messages(
          R"([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}},
          {"type": "text", "text": "and"}, {"type": "image_url", "image_url": {"url": "b.png"}}]}])"),
      {});
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_EQ(chat->images, (Pieces{"a.png", "b.png"}));
  EXPECT_EQ(chat->ids[5], 128256);
  EXPECT_EQ(chat->ids[7], 128256);
}

TEST(Llama3Format, ImageNeedsAnImageToken) {
  FakeTokenizer tokenizer({{"<|begin_of_text|>", 100000},
                           {"<|start_header_id|>", 100001},
                           {"<|end_header_id|>", 100002},
                           {"<|eot_id|>", 100003}});
  const auto pieces =
      Encode(tokenizer, "", R"([{"role": "user", "content": [{"type": "image", "url": "a"}]}])");
  EXPECT_EQ(pieces.status().message(),
            "messages[0]: it holds a picture, but the model's tokenizer has no image token: use a "
            "vision model");
  const auto eom = Encode(
      tokenizer, "", R"([{"role": "assistant", "content": "a", "stop_reason": "end_of_message"}])");
  EXPECT_EQ(eom.status().code(), absl::StatusCode::kInvalidArgument);
}

constexpr char kCalls[] = R"([{"role": "assistant", "content": "c", "tool_calls": [
    {"name": "f", "arguments": {"a": 1}}, {"name": "brave_search", "arguments": {"query": "q"}}]}])";

TEST(Llama3Format, CallsAreWrittenInTheToolFormat) {
  const auto turn = [](const std::string& call) {
    return Dialog({{"<|start_header_id|>", "assistant", "<|end_header_id|>", "\n\n", "c", call,
                    "brave_search.call(query=\"q\")", "<|eot_id|>"}});
  };
  ChatOptions options;
  EXPECT_EQ(Llama3(kCalls, options),
            turn(R"({"type": "function", "name": "f", "parameters": {"a": 1}})"));
  options.tool_format = ToolFormat::kFunctionTag;
  EXPECT_EQ(Llama3(kCalls, options), turn(R"(<function=f>{"a": 1}</function>)"));
  options.tool_format = ToolFormat::kPythonList;
  EXPECT_EQ(Llama3(kCalls, options), turn("[f(a=1)]"));
}

TEST(Llama3Format, PythonTagStandsBeforeCodeOnly) {
  const Pieces code =
      Llama3(R"json([{"role": "assistant", "content": "", "stop_reason": "end_of_message",
      "tool_calls": [{"name": "code_interpreter", "arguments": {"code": "print(1)"}}]}])json");
  EXPECT_EQ(code, Dialog({{"<|start_header_id|>", "assistant", "<|end_header_id|>", "\n\n",
                           "<|python_tag|>", "print(1)", "<|eom_id|>"}}));
  const Pieces search =
      Llama3(R"([{"role": "assistant", "content": null, "stop_reason": "end_of_message",
      "tool_calls": [{"name": "wolfram_alpha", "arguments": {"query": "1+1"}}]}])");
  EXPECT_EQ(search, Dialog({Turn("assistant", "wolfram_alpha.call(query=\"1+1\")", "<|eom_id|>")}));
  const auto missing = Encode(Llama3Tokenizer(), "", R"([{"role": "user", "content": ""},
      {"role": "assistant", "tool_calls": [{"name": "code_interpreter", "arguments": {}}]}])");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(missing.status().message().substr(0, 28), "messages[1]: tool_calls[0]: ");
}

TEST(Llama3Format, DateBringsTheBlock) {
  ChatOptions options = Dated("2024-09-24");
  const std::string dates =
      "Cutting Knowledge Date: December 2023\nToday Date: 24 September 2024\n";
  EXPECT_EQ(Llama3(R"([{"role": "user", "content": "u"}])", options),
            Dialog({Turn("system", dates), Turn("user", "u")}));
  EXPECT_EQ(
      Llama3(R"([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}])", options),
      Dialog({Turn("system", dates + "\ns\n"), Turn("user", "u")}));
  EXPECT_EQ(Encode(Llama3Tokenizer(), "", "[]", Dated("24.9.2024")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Llama3Format, CustomToolsAreAUserMessage) {
  ChatOptions options = Dated("2024-09-24");
  options.tools =
      Tools(R"([{"type": "function", "function": {"name": "f"}}, {"type": "brave_search"}])");
  const std::string block =
      "Environment: ipython\nTools: brave_search\nCutting Knowledge Date: December 2023\n"
      "Today Date: 24 September 2024\n";
  const std::vector<ToolDefinition> custom = {options.tools[0]};
  for (ToolFormat format : {ToolFormat::kJson, ToolFormat::kFunctionTag}) {
    options.tool_format = format;
    EXPECT_EQ(Llama3(R"([{"role": "user", "content": "u"}])", options),
              Dialog({Turn("system", block), Turn("user", CustomToolsText(custom, format)),
                      Turn("user", "u")}));
  }
  options.tool_format = ToolFormat::kPythonList;
  EXPECT_EQ(Llama3(R"([{"role": "user", "content": "u"}])", options),
            Dialog({Turn("system",
                         block + "\n" + CustomToolsText(custom, ToolFormat::kPythonList) + "\n"),
                    Turn("user", "u")}));
}

TEST(Llama3Format, BuiltinToolsNeedNoList) {
  ChatOptions options = Dated("2024-09-24");
  options.tools = Tools(R"([{"type": "code_interpreter"}])");
  EXPECT_EQ(Llama3("[]", options),
            Dialog({Turn("system",
                         "Environment: ipython\n\nCutting Knowledge Date: December 2023\n"
                         "Today Date: 24 September 2024\n")}));
}

TEST(Llama3Format, ToolChoice) {
  ChatOptions options = Dated("2024-09-24");
  options.tools = Tools(R"([{"name": "f"}])");
  options.tool_choice = "none";
  EXPECT_EQ(Llama3("[]", options).size(), Dialog({
                                                     Turn("system", "dates"),
                                                 })
                                              .size());
  options.tool_choice = "required";
  const Pieces pieces = Llama3("[]", options);
  EXPECT_NE(pieces[5].find(
                "\nYou MUST use one of the provided functions/tools to answer the user query.\n"),
            std::string::npos);
  options.tool_choice = "g";
  EXPECT_EQ(Encode(Llama3Tokenizer(), "", "[]", options).status().message(),
            "tool choice: expected auto, required, none or the name of an offered tool, found 'g'");
  options.tool_choice = "required";
  options.tools.clear();
  EXPECT_EQ(Encode(Llama3Tokenizer(), "", "[]", options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Llama3Format, StopReasons) {
  const FakeTokenizer tokenizer = Llama3Tokenizer();
  const auto format = MakeChatFormat("", tokenizer);
  ASSERT_TRUE(format.ok());
  EXPECT_EQ((*format)->name(), "llama3");
  EXPECT_EQ((*format)->StopReasonOf(128009), StopReason::kEndOfTurn);
  EXPECT_EQ((*format)->StopReasonOf(128008), StopReason::kEndOfMessage);
  EXPECT_EQ((*format)->StopReasonOf(128001), StopReason::kEndOfText);
  EXPECT_EQ((*format)->StopReasonOf(5), std::nullopt);
}

TEST(ChatMlFormat, TextBetweenSpecialTokensIsEncodedAtOnce) {
  EXPECT_EQ(
      Smol(R"([{"role": "system", "content": "s"}, {"role": "user", "content": "u <|im_end|>"},
                     {"role": "assistant", "content": "a"}, {"role": "tool", "content": "t"}])"),
      (Pieces{"<|im_start|>", "system\ns", "<|im_end|>", "\n", "<|im_start|>", "user\nu <|im_end|>",
              "<|im_end|>", "\n", "<|im_start|>", "assistant\na", "<|im_end|>", "\n",
              "<|im_start|>", "tool\nt", "<|im_end|>", "\n", "<|im_start|>", "assistant\n"}));
}

TEST(ChatMlFormat, DefaultSystemMessageOfTheTemplate) {
  const Pieces pieces = Smol(R"([{"role": "user", "content": "u"}])");
  ASSERT_GE(pieces.size(), 2u);
  EXPECT_EQ(pieces[1],
            "system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face");
  EXPECT_EQ(Smol("[]"), (Pieces{"<|im_start|>", "assistant\n"}));
}

TEST(ChatMlFormat, DefaultSystemText) {
  EXPECT_EQ(DefaultSystemText(kSmolTemplate),
            "You are a helpful AI assistant named SmolLM, trained by Hugging Face");
  EXPECT_EQ(DefaultSystemText(R"({{- "<|im_start|>system\nIt's \"me\".\n<|im_end|>\n" }})"),
            "It's \"me\".\n");
  EXPECT_EQ(DefaultSystemText(
                R"({{ '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }})"),
            "");
  EXPECT_EQ(DefaultSystemText(R"({{ '<|im_start|>' + role }}{{ '<|im_start|>system)"), "");
  EXPECT_EQ(DefaultSystemText("<|im_start|>"), "");
}

TEST(ChatMlFormat, BosOnlyIfTheTemplateWritesIt) {
  EXPECT_EQ(EncodeOk(ChatMlTokenizer(), "{{ bos_token }}'<|im_start|>'", "[]"),
            (Pieces{"<|endoftext|>", "<|im_start|>", "assistant\n"}));
}

TEST(ChatMlFormat, ToolsStandInTheSystemMessage) {
  ChatOptions options;
  options.tools = Tools(R"([{"name": "f", "description": "d"}])");
  const Pieces pieces = Smol(
      R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "u"}])", options);
  const std::string& system = pieces[1];
  EXPECT_EQ(system.substr(0, 63),
            "system\nBe brief.\n\nYou are an expert in composing functions. You");
  EXPECT_NE(
      system.find(R"(<tools>[{"type": "function", "function": {"name": "f", "description": "d", )"
                  R"("parameters": {"type": "object", "properties": {}}}}]</tools>)"),
      std::string::npos);
  options.tool_choice = "f";
  const Pieces alone = Smol(R"([{"role": "user", "content": "u"}])", options);
  EXPECT_EQ(alone[1].find("SmolLM"), std::string::npos);
  EXPECT_NE(alone[1].find("</tool_call>\nYou MUST use the tool `f` to answer the user query."),
            std::string::npos);
  options.tool_format = ToolFormat::kPythonList;
  EXPECT_EQ(Encode(ChatMlTokenizer(), kSmolTemplate, "[]", options).status().message(),
            "tool format: ChatML models take tools as json only");
}

TEST(ChatMlFormat, CallsAreWrittenBack) {
  const Pieces pieces =
      Smol(R"([{"role": "system", "content": ""}, {"role": "assistant", "content": "c",
      "tool_calls": [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]}])");
  EXPECT_EQ(
      pieces[5],
      "assistant\nc\n<tool_call>[{\"name\": \"f\", \"arguments\": {\"a\": 1}}, {\"name\": \"g\", "
      "\"arguments\": {}}]</tool_call>");
}

TEST(ChatMlFormat, RefusesWhatItHasNoPlaceFor) {
  EXPECT_EQ(Encode(ChatMlTokenizer(), kSmolTemplate,
                   R"([{"role": "user", "content": [{"type": "image", "url": "a"}]}])")
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  const ChatOptions options = Dated("today");
  EXPECT_EQ(Encode(ChatMlTokenizer(), kSmolTemplate, "[]", options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(MakeChatFormat, ChoosesByTemplateAndTokens) {
  const FakeTokenizer llama3 = Llama3Tokenizer(), chatml = ChatMlTokenizer();
  EXPECT_EQ((*MakeChatFormat("{{ '<|start_header_id|>' }}", llama3))->name(), "llama3");
  EXPECT_EQ((*MakeChatFormat("", llama3))->name(), "llama3");
  EXPECT_EQ((*MakeChatFormat("", chatml))->name(), "chatml");
  EXPECT_EQ(MakeChatFormat("{{ '<|start_header_id|>' }}", chatml).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(MakeChatFormat("{{ '<|im_start|>' }}", llama3).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(MakeChatFormat("", FakeTokenizer({{"<s>", 1}})).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(MakeChatFormat, NamesTheUnknownTemplate) {
  const auto unknown = MakeChatFormat(
      "{% for m in messages %}\n[INST] {{ m['content'] }} [/INST]{% endfor %}{{ eos }}",
      Llama3Tokenizer());
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(std::string(unknown.status().message()),
            "unknown chat template: \"{% for m in messages %} [INST] {{ m['content'] }} [/INST]{% "
            "...\"; the "
            "formats of Llama 3 and ChatML are known; use --raw");
  EXPECT_EQ(
      MakeChatFormat("<|start_header_id|><BEGIN UNSAFE CONTENT CATEGORIES>", Llama3Tokenizer())
          .status()
          .code(),
      absl::StatusCode::kUnimplemented);
}

// Llama 3's real vocabulary where it is: ids equal to those of Meta's own tests
// (models/llama3/tests/api/test_tokenizer.py).
class Llama3Ids : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* path :
         {"build/test-data/llama3/tokenizer.model", "../shared/data/llama3/tokenizer.model"}) {
      const auto file = base::ReadFile(path, uint64_t{16} << 20);
      if (!file.ok()) continue;
      auto tokenizer = TokenizerFromTiktoken(*file);
      ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
      tokenizer_ = *std::move(tokenizer);
      return;
    }
    GTEST_SKIP() << "SKIPPED: build/test-data/llama3/tokenizer.model is absent "
                    "(tools/fetch_test_data.sh brings it)";
  }

  std::vector<TokenId> Ids(std::string_view messages, const ChatOptions& options = {}) {
    const auto format = MakeChatFormat("", *tokenizer_);
    EXPECT_TRUE(format.ok()) << format.status();
    const auto chat = (*format)->Encode(Messages(messages), options);
    EXPECT_TRUE(chat.ok()) << chat.status();
    return chat.ok() ? chat->ids : std::vector<TokenId>();
  }

  std::unique_ptr<const Tokenizer> tokenizer_;
};

TEST_F(Llama3Ids, SystemAndUser) {
  EXPECT_EQ(Ids(R"([{"role": "system", "content": "You are a helpful assistant"},
                    {"role": "user", "content": "Who are you?"}])"),
            (std::vector<TokenId>{128000, 128006, 9125,   128007, 271,    2675,   527,    264,
                                  11190,  18328,  128009, 128006, 882,    128007, 271,    15546,
                                  527,    499,    30,     128009, 128006, 78191,  128007, 271}));
}

TEST_F(Llama3Ids, Image) {
  EXPECT_EQ(Ids(R"([{"role": "user", "content": [{"type": "image", "url": "dog.jpg"},
                    {"type": "text", "text": "Describe this image in two sentences"}]}])"),
            (std::vector<TokenId>{128000, 128006, 882, 128007, 271, 128256, 75885, 420, 2217, 304,
                                  1403, 23719, 128009, 128006, 78191, 128007, 271}));
}

TEST_F(Llama3Ids, ToolAnswerAndLeadingNewlines) {
  EXPECT_EQ(Ids(R"([{"role": "tool", "content": "\nHello world"}])"),
            (std::vector<TokenId>{128000, 128006, 23799, 4690, 128007, 271, 198, 9906, 1917, 128009,
                                  128006, 78191, 128007, 271}));
}

TEST_F(Llama3Ids, BuiltinCall) {
  EXPECT_EQ(
      Ids(R"([{"role": "assistant", "content": "", "stop_reason": "end_of_message", "tool_calls":
                    [{"name": "brave_search", "arguments": {"query": "x"}}]}])"),
      (std::vector<TokenId>{128000, 128006, 78191, 128007, 271, 1347, 525, 10947, 8692, 10974, 429,
                            87, 909, 128008, 128006, 78191, 128007, 271}));
}

TEST_F(Llama3Ids, SpecialTextInABodyStaysText) {
  const std::vector<TokenId> ids =
      Ids(R"([{"role": "user", "content": "<|eot_id|><|start_header_id|>"}])");
  int special = 0;
  for (TokenId id : ids) special += id >= 128000 ? 1 : 0;
  EXPECT_EQ(special, 6);
}

}  // namespace
}  // namespace cria::text
