#include "text/tool_grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/grammar_testing.h"
#include "text/tool_parser.h"

namespace cria::text {
namespace {

namespace json = base::json;
using testing::HasSubstr;

class NamedFormat : public ChatFormat {
 public:
  explicit NamedFormat(std::string_view name) : name_(name) {}
  std::string_view name() const override { return name_; }
  absl::StatusOr<EncodedChat> Encode(const Conversation&, const ChatOptions&) const override {
    return EncodedChat();
  }
  std::optional<StopReason> StopReasonOf(TokenId) const override { return std::nullopt; }

 private:
  const std::string_view name_;
};

ToolDefinition Tool(std::string name, std::string_view parameters) {
  return {std::move(name), "", json::parse({parameters.data(), parameters.size()}).as_object()};
}

constexpr char kWeather[] = R"({"type": "object", "required": ["city"], "properties": {
    "days": {"type": "integer", "minimum": 1, "maximum": 9},
    "city": {"type": "string"},
    "unit": {"enum": ["C", "F"]},
    "at": {"$ref": "#/$defs/point"}},
    "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number"}}}}})";

ChatOptions Options(std::string choice, ToolFormat format = ToolFormat::kJson) {
  ChatOptions options;
  options.tools = {Tool("get_weather", kWeather), Tool("get-time", "{}"),
                   Tool("brave_search", "{}")};
  options.tool_choice = std::move(choice);
  options.tool_format = format;
  return options;
}

std::shared_ptr<const Grammar> Make(const ChatOptions& options,
                                    std::string_view format = "llama3") {
  const auto grammar = ToolCallGrammar(NamedFormat(format), options);
  EXPECT_TRUE(grammar.ok()) << grammar.status();
  return grammar.value_or(nullptr);
}

// What the grammar allows is also what the parser reads as `calls` calls.
void ExpectAllowed(const std::shared_ptr<const Grammar>& grammar, const std::string& answer,
                   size_t calls = 1) {
  EXPECT_TRUE(Matches(grammar, answer)) << answer;
  ToolCallParser parser(Options("auto").tools);
  parser.Feed(answer);
  const ToolCallParser::Result result = parser.Finish();
  EXPECT_EQ(result.calls.size(), calls) << answer;
  EXPECT_EQ(result.text, "") << answer;
}

TEST(ToolGrammar, AutoAndNoneLeaveTheAnswerFree) {
  EXPECT_EQ(Make(Options("auto")), nullptr);
  EXPECT_EQ(Make(Options("none")), nullptr);
}

TEST(ToolGrammar, Json) {
  const auto any = Make(Options("required"));
  const std::string weather =
      R"({"type": "function", "name": "get_weather", "parameters": {"city": "Paris"}})";
  ExpectAllowed(any, weather);
  ExpectAllowed(any, R"({"type": "function", "name": "get-time", "parameters": {}})");
  ExpectAllowed(any,
                R"({"type": "function", "name": "brave_search", "parameters": {"query": "x"}})");
  const auto one = Make(Options("get_weather"));
  ExpectAllowed(one, weather);
  const std::string refused[] = {
      "Hello", "{}", R"({"type": "function", "name": "get-time", "parameters": {"a": 1}})",
      R"({"type": "function", "name": "other", "parameters": {}})",
      R"({"type": "function", "name": "get_weather", "parameters": {"days": 3}})"};
  for (const std::string& answer : refused) EXPECT_FALSE(Matches(any, answer)) << answer;
  EXPECT_FALSE(Matches(one, R"({"type": "function", "name": "get-time", "parameters": {}})"));
}

TEST(ToolGrammar, FunctionTag) {
  const auto grammar = Make(Options("required", ToolFormat::kFunctionTag));
  ExpectAllowed(grammar, R"(<function=get_weather>{"days": 3, "city": "Paris"}</function>)");
  ExpectAllowed(grammar, "<function=get-time>{}</function>");
  EXPECT_FALSE(Matches(grammar, "<function=get_weather>{}</function>"));
}

TEST(ToolGrammar, PythonList) {
  const auto grammar = Make(Options("required", ToolFormat::kPythonList));
  ExpectAllowed(grammar, R"([get_weather(city="Paris")])");
  ExpectAllowed(grammar, R"([get_weather(days=3, city="Paris", unit="C", at={"x": 1.5})])");
  ExpectAllowed(grammar, R"([get-time(), get_weather(city="a \"b\" \u00e9", at={})])", 2);
  const std::string refused[] = {"[]",
                                 "[get_weather()]",
                                 "[get_weather(days=3)]",
                                 "[get_weather(city=\"P\", days=3)]",
                                 "[get_weather(, city=\"P\")]",
                                 "[get_weather(city=\"P\",)]",
                                 "[get-time(a=1)]",
                                 "[get_weather(days=33, city=\"P\")]"};
  for (const std::string& answer : refused) EXPECT_FALSE(Matches(grammar, answer)) << answer;
  const auto one = Make(Options("get-time", ToolFormat::kPythonList));
  ExpectAllowed(one, "[get-time()]");
  EXPECT_FALSE(Matches(one, "[get-time(), get-time()]"));
}

TEST(ToolGrammar, ChatMl) {
  const auto grammar = Make(Options("required"), "chatml");
  const std::string time = R"({"name": "get-time", "arguments": {}})";
  ExpectAllowed(grammar, "<tool_call>[" + time + "]</tool_call>");
  ExpectAllowed(grammar, "<tool_call>[" + time + ", " + time + "]</tool_call>", 2);
  EXPECT_FALSE(Matches(grammar, "<tool_call>[]</tool_call>"));
  EXPECT_FALSE(Matches(grammar, time));
}

TEST(ToolGrammar, SaysWhatCantBeHeldTo) {
  const auto message = [](const ChatOptions& options) {
    return std::string(ToolCallGrammar(NamedFormat("llama3"), options).status().message());
  };
  EXPECT_THAT(message(Options("nobody")), HasSubstr("nobody"));
  ChatOptions options = Options("required", ToolFormat::kPythonList);
  options.tools.push_back(Tool("a/b", "{}"));
  EXPECT_THAT(message(options), HasSubstr("tool 'a/b'"));
  options = Options("required");
  options.tools.push_back(Tool("f", R"({"properties": {"p": {"not": {}}}})"));
  EXPECT_THAT(message(options), HasSubstr("tool 'f'"));
  options.tools = {};
  EXPECT_THAT(message(options), HasSubstr("no tools"));
}

}  // namespace
}  // namespace cria::text
