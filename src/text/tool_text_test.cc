#include "text/tool_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace cria::text {
namespace {

namespace json = base::json;

json::value Json(std::string_view text) {
  const auto value = base::ParseJson(text, "test");
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *value : json::value();
}

ToolCall Call(std::string name, std::string_view arguments) {
  return {"", std::move(name), Json(arguments).as_object()};
}

std::string Text(const ToolCall& call, ToolFormat format) {
  const auto text = ToolCallText(call, format);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

// Expected values are what CPython 3.11 prints.
TEST(ToolText, PythonJson) {
  EXPECT_EQ(
      PythonJson(
          Json(R"({"b": [1, -2.5, 1e20, 1e16, 1e15, 0.0001, 1e-5, 1.0], "a": {}, "n": null})")),
      R"({"b": [1, -2.5, 1e+20, 1e+16, 1000000000000000.0, 0.0001, 1e-05, 1.0], "a": {}, "n": null})");
  EXPECT_EQ(PythonJson(Json(R"("é\u001f\"\\\n/\u007f😀<'&>")")),
            "\"\\u00e9\\u001f\\\"\\\\\\n/\x7f\\ud83d\\ude00<'&>\"");
  EXPECT_EQ(PythonJson(Json("[true, false, [], 18446744073709551615]")),
            "[true, false, [], 18446744073709551615]");
}

TEST(ToolText, JinjaJsonSortsAndEscapesHtml) {
  EXPECT_EQ(JinjaJson(Json(R"({"b": "<'&>", "a": {"d": 1, "c": 2}})")),
            R"({"a": {"c": 2, "d": 1}, "b": "\u003c\u0027\u0026\u003e"})");
}

TEST(ToolText, PythonRepr) {
  EXPECT_EQ(PythonRepr(Json(R"([1, "a", "it's", "\"q\" it's", null, true, {"k": 1.5}])")),
            R"([1, 'a', "it's", '"q" it\'s', None, True, {'k': 1.5}])");
}

TEST(ToolText, CallsInEveryFormat) {
  const ToolCall call =
      Call("f", R"({"s": "x", "n": 1, "r": 2.0, "t": true, "z": null, "l": ["a", 1]})");
  EXPECT_EQ(
      Text(call, ToolFormat::kJson),
      R"({"type": "function", "name": "f", "parameters": {"s": "x", "n": 1, "r": 2.0, "t": true, )"
      R"("z": null, "l": ["a", 1]}})");
  EXPECT_EQ(
      Text(call, ToolFormat::kFunctionTag),
      R"(<function=f>{"s": "x", "n": 1, "r": 2.0, "t": true, "z": null, "l": ["a", 1]}</function>)");
  EXPECT_EQ(Text(call, ToolFormat::kPythonList),
            R"([f(s="x", n=1, r=2.0, t=True, z=None, l=["a", 1])])");
  EXPECT_EQ(Text(Call("g", "{}"), ToolFormat::kPythonList), "[g()]");
}

TEST(ToolText, PythonListEscapesWhatMetaWouldBreak) {
  EXPECT_EQ(Text(Call("f", R"({"s": "a \"b\"\n\\", "d": {"k": "v"}})"), ToolFormat::kPythonList),
            R"([f(s="a \"b\"\n\\", d={"k": "v"})])");
}

TEST(ToolText, BuiltinCallsAreTheSameInEveryFormat) {
  for (ToolFormat format : {ToolFormat::kJson, ToolFormat::kFunctionTag, ToolFormat::kPythonList}) {
    EXPECT_EQ(Text(Call("brave_search", R"({"query": "x"})"), format),
              R"(brave_search.call(query="x"))");
    EXPECT_EQ(Text(Call("wolfram_alpha", R"({"query": "\\frac \"1\" \\"})"), format),
              R"(wolfram_alpha.call(query="\frac \"1\" \\"))");
    EXPECT_EQ(Text(Call("code_interpreter", R"({"code": "print(1)\n"})"), format), "print(1)\n");
  }
  const auto missing = ToolCallText(Call("photogen", R"({"q": "x"})"), ToolFormat::kJson);
  EXPECT_EQ(missing.status().message(),
            R"(a call of photogen needs the argument 'query', a string; found {"q":"x"})");
}

}  // namespace
}  // namespace cria::text
