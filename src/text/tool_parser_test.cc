#include "text/tool_parser.h"

#include <gtest/gtest.h>

#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "text/tool_parser_testing.h"
#include "text/tool_text.h"

namespace cria::text {
namespace {

namespace json = base::json;

ToolDefinition Tool(std::string name, std::string_view properties = "{}") {
  json::object parameters;
  parameters["type"] = "object";
  parameters["properties"] = json::parse({properties.data(), properties.size()});
  return {std::move(name), "", std::move(parameters)};
}

std::vector<ToolDefinition> Tools() {
  return {Tool("get_weather"), Tool("get-time"), Tool("add"), Tool("send"), Tool("weather.get")};
}

// The answer as one line: what is shown, "!" if it is flagged, then the calls. The same however
// the answer is cut.
std::string Parsed(std::string_view answer, const std::vector<ToolDefinition>& tools = Tools()) {
  const auto line = [](const ToolCallParser::Result& result) {
    std::string text = result.text + (result.malformed ? "!" : "");
    for (const ToolCall& call : result.calls)
      absl::StrAppend(&text, "|", call.name, PythonJson(call.arguments));
    return text;
  };
  const std::string whole = line(ParseInPieces(answer, answer.size() + 1, tools));
  for (const size_t piece : {1, 2, 3, 7, 11})
    EXPECT_EQ(line(ParseInPieces(answer, piece, tools)), whole)
        << answer << " in pieces of " << piece;
  return whole;
}

// A function and no macro: GCC 12 can't read raw strings in a macro's arguments.
void Expect(const std::string& parsed, std::string_view expected,
            std::source_location where = std::source_location::current()) {
  EXPECT_EQ(parsed, expected) << "line " << where.line();
}

TEST(ToolCallParser, JsonObjects) {
  const char* const weather = "|get_weather{\"city\": \"Paris\"}";
  Expect(Parsed(R"({"type": "function", "name": "get_weather", "parameters": {"city": "Paris"}})"),
         weather);
  Expect(Parsed(R"(  {"name": "get_weather", "arguments": {"city": "Paris"}}<|eot_id|>)"), weather);
  Expect(Parsed(R"({"parameters": {"city": "Paris"}, "name": "get_weather"}<|eom_id|> )"), weather);
  Expect(Parsed(R"({'name': 'get_weather', 'parameters': {'city': 'Paris'}})"), weather);
  Expect(
      Parsed(
          R"({"type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"}})"),
      weather);
  Expect(
      Parsed(R"({"type": "function", "function": "get_weather", "parameters": {"city": "Paris"}})"),
      weather);
  Expect(
      Parsed(
          R"({"name": "get_weather", "parameters": {"name": "get_weather", "parameters": {"city": "Paris"}}})"),
      weather);
  Expect(Parsed(R"({"name": "nobody-offered-it", "parameters": {"n": null}})"),
         "|nobody-offered-it{\"n\": null}");
}

TEST(ToolCallParser, NestedJsonAndEscapes) {
  Expect(
      Parsed(
          R"({"name": "send", "parameters": {"to": {"names": ["a", "b"], "at": {"x": [1, -2.5, true, null]}}, "note": "say \"}]\" \\ \u00e9 \ud83d\ude00\n"}})"),
      R"(|send{"to": {"names": ["a", "b"], "at": {"x": [1, -2.5, true, null]}}, "note": "say \"}]\" \\ \u00e9 \ud83d\ude00\n"})");
  Expect(
      Parsed(
          R"({"name": "add", "parameters": {"big": 18446744073709551615, "e": 1e3, "none": {}}})"),
      R"(|add{"big": 18446744073709551615, "e": 1000.0, "none": {}})");
}

TEST(ToolCallParser, SeveralObjects) {
  const char* const both = "|add{\"a\": 1}|get-time{}";
  const std::string a = R"({"name": "add", "parameters": {"a": 1}})",
                    b = R"({"name": "get-time", "parameters": {}})";
  Expect(Parsed(a + "; " + b), both);
  Expect(Parsed(a + "\n" + b), both);
  Expect(Parsed(a + b + ";"), both);
  Expect(Parsed("[" + a + ", " + b + "]"), both);
  Expect(Parsed("<|python_tag|>" + a + "; " + b + "<|eom_id|>"), both);
  Expect(Parsed("<|python_tag|>" + a + "; <|python_tag|>" + b), both);
  Expect(Parsed("<tool_call>[" + a + ",\n" + b + "\n]</tool_call>"), both);
  Expect(Parsed("<tool_call>\n" + a + "\n</tool_call>\n<tool_call>\n" + b + "\n</tool_call>"),
         both);
  Expect(Parsed("<tool_call>[]</tool_call>"), "");
  Expect(Parsed("```json\n" + a + "\n```\n" + b), both);
}

TEST(ToolCallParser, FunctionTags) {
  Expect(
      Parsed(R"(<function=get_weather>{"city": {"name": "Paris", "in": {"c": "FR"}}}</function>)"),
      R"(|get_weather{"city": {"name": "Paris", "in": {"c": "FR"}}})");
  Expect(Parsed(R"(<function=add>{'a': 1}</function> <function=get-time>{}<|eom_id|>)"),
         "|add{\"a\": 1}|get-time{}");
  Expect(Parsed("<function=get-time></function>"), "|get-time{}");
  Expect(Parsed(R"(<function=add>{"a": </function>)"), R"(<function=add>{"a": </function>!)");
}

TEST(ToolCallParser, PythonLists) {
  Expect(Parsed("[get_weather(city='Paris', days=3), get-time()]"),
         "|get_weather{\"city\": \"Paris\", \"days\": 3}|get-time{}");
  Expect(
      Parsed(
          R"([send(a="it's \"so\"", b='a\'b', c=True, d=None, e=-1.5, f=[1, (2, 3)], g={'k': {'l': false}}, h=null,)])"),
      R"(|send{"a": "it's \"so\"", "b": "a'b", "c": true, "d": null, "e": -1.5, "f": [1, [2, 3]], "g": {"k": {"l": false}}, "h": null})");
  Expect(Parsed("[send(text='''two\nlines''', p=\"C:\\dir\")]"),
         R"(|send{"text": "two\nlines", "p": "C:\\dir"})");
  Expect(Parsed("[weather.get(city=\"Rome\")]<|eot_id|>"), "|weather.get{\"city\": \"Rome\"}");
  Expect(Parsed("<|python_tag|>[unknown_tool(x=1)]"), "|unknown_tool{\"x\": 1}");
  Expect(Parsed("[get_weather('Paris')]"), "[get_weather('Paris')]!");        // no keyword
  Expect(Parsed("[add(a=1, a=2)]"), "[add(a=1, a=2)]!");                      // twice
  Expect(Parsed("[get_weather(city=Paris)]"), "[get_weather(city=Paris)]!");  // a variable
  Expect(Parsed("[get_weather(city='Par"), "[get_weather(city='Par!");        // cut off
}

TEST(ToolCallParser, BuiltinTools) {
  const char* const escaped =
      R"(<|python_tag|>brave_search.call(query="who \"is\" C:\dir\\")<|eom_id|>)";
  Expect(Parsed(escaped, {}), R"(|brave_search{"query": "who \"is\" C:\\dir\\"})");
  Expect(Parsed("I look: wolfram_alpha.call(query=\"x^2=4\")", {}),
         R"(I look:|wolfram_alpha{"query": "x^2=4"})");
  Expect(Parsed("my_brave_search.call(query=\"x\")", {}), "my_brave_search.call(query=\"x\")");
  Expect(Parsed(R"({"name": "brave_search", "parameters": {"q": "llamas", "n": 3}})"),
         R"(|brave_search{"query": "llamas"})");
  Expect(Parsed("[brave_search.call(query='llamas')]"), R"(|brave_search{"query": "llamas"})");
  Expect(Parsed("get_weather.call(city=\"Paris\")"), R"(|get_weather{"city": "Paris"})");
  Expect(Parsed("photogen.call(query=", {}), "photogen.call(query=!");
}

TEST(ToolCallParser, CodeIsWhatElseFollowsThePythonTag) {
  Expect(Parsed("<|python_tag|>import math\nprint([f(1)])\n<|eom_id|>", {}),
         "|code_interpreter{\"code\": \"import math\\nprint([f(1)])\"}");
  Expect(Parsed("<|python_tag|>[print(i) for i in range(3)]"),
         R"(|code_interpreter{"code": "[print(i) for i in range(3)]"})");
  Expect(Parsed("I compute.\n<|python_tag|>1 + 1", {}),
         R"(I compute.|code_interpreter{"code": "1 + 1"})");
  Expect(Parsed(R"(<|python_tag|>{"name": "add", "parameters": {"a": )"),
         R"({"name": "add", "parameters": {"a":!)");
}

TEST(ToolCallParser, TextAroundCalls) {
  const std::string call = R"({"name": "add", "parameters": {"a": 1}})";
  Expect(Parsed("Let me see: " + call), "Let me see:|add{\"a\": 1}");
  Expect(Parsed(call + "\n\nThis adds."), "This adds.|add{\"a\": 1}");
  Expect(Parsed("One " + call + " two [get-time()]; three"),
         "One two three|add{\"a\": 1}|get-time{}");
  Expect(Parsed("So:\n```json\n" + call + "\n```"), "So:|add{\"a\": 1}");
  // Between text only what was offered is a call.
  const std::string other = R"(Bob is {"name": "Bob", "parameters": {"age": 3}}.)";
  Expect(Parsed(other), other);
}

TEST(ToolCallParser, PlainTextComesOutAsItIs) {
  for (const std::string text :
       {" Hello,  world.\n\n", "a < b, {x}, [1, 2], [link](url), `code`, ```c\nint a;\n```\n", "",
        "\n", "<functional>", "{\"city\": \"Paris\"}", "{\"name\": \"Bob\"}", "brave_searching",
        "[]", "f(a=1)", "{\"na", "<|pyth", "photogen", "{", "```", "[get_weather] is a tool"})
    Expect(Parsed(text), text);
  Expect(Parsed("{\"name\": \"get_weather\"}"), "{\"name\": \"get_weather\"}!");
}

TEST(ToolCallParser, WithoutToolsJsonIsText) {
  for (const std::string text : {R"({"name": "f", "parameters": {"a": 1}})", "[f(a=1)]",
                                 "<function=f>{}</function>", "<tool_call>[]</tool_call>"})
    Expect(Parsed(text, {}), text);
}

TEST(ToolCallParser, TextIsShownAsSoonAsItIsKnownToBeText) {
  ToolCallParser parser(Tools());
  EXPECT_EQ(parser.Feed("Hello "), "Hello");
  EXPECT_EQ(parser.Feed("there {"), " there");
  EXPECT_EQ(parser.Feed("\"x\": 1} <"), " {\"x\": 1}");
  EXPECT_EQ(parser.Feed("b> "), " <b>");
  EXPECT_EQ(parser.Feed("[get_w"), "");
  EXPECT_EQ(parser.Feed("eather()] after"), "");
  const ToolCallParser::Result result = parser.Finish();
  EXPECT_EQ(result.text, " after");
  ASSERT_EQ(result.calls.size(), 1u);
}

TEST(ToolCallParser, WantedParametersStay) {
  const std::vector<ToolDefinition> tools = {Tool("run", R"({"arguments": {"type": "object"}})")};
  Expect(Parsed(R"({"name": "run", "parameters": {"arguments": {"a": 1}}})", tools),
         R"(|run{"arguments": {"a": 1}})");
}

TEST(ToolCallParser, WhatToolTextWritesIsRead) {
  const json::object arguments =
      json::parse(R"({"s": "a \"b\" 'c' \\ \n é 😀", "n": [1, 2.5, null, true, {"k": "v"}]})")
          .as_object();
  const ToolCall call{"", "send", arguments};
  for (const ToolFormat format :
       {ToolFormat::kJson, ToolFormat::kFunctionTag, ToolFormat::kPythonList})
    Expect(Parsed(*ToolCallText(call, format)), "|send" + PythonJson(arguments));
  const json::object query{{"query", R"(say "hi" \ there\\ \")"}};
  Expect(Parsed(*ToolCallText({"", "brave_search", query}, ToolFormat::kJson)),
         "|brave_search" + PythonJson(query));
}

TEST(ToolCallParser, LongAndDeepAnswersTakeLinearTime) {
  for (const std::string_view unit :
       {"{\"name\":", "[add(", "<function=add>{\"a\":[", "```\n{\"name\"",
        "brave_search.call(query='", "<tool_call>[", " ", "{", "[[{"}) {
    std::string text;
    while (text.size() < 300'000) text += unit;
    EXPECT_TRUE(ParseInPieces(text, 1000, Tools()).calls.empty());
  }
}

}  // namespace
}  // namespace cria::text
