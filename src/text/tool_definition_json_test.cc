#include "text/tool_definition_json.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace cria::text {
namespace {

namespace json = base::json;

absl::StatusOr<std::vector<ToolDefinition>> Read(std::string_view text) {
  const auto value = base::ParseJson(text, "test");
  EXPECT_TRUE(value.ok()) << value.status();
  return ToolsFromJson(*value);
}

std::vector<ToolDefinition> ReadOk(std::string_view text) {
  auto tools = Read(text);
  EXPECT_TRUE(tools.ok()) << tools.status();
  return tools.ok() ? *std::move(tools) : std::vector<ToolDefinition>();
}

std::string Error(std::string_view text) {
  const auto tools = Read(text);
  EXPECT_EQ(tools.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(tools.status().message());
}

TEST(ToolDefinitionJson, OpenAi) {
  const auto tools = ReadOk(R"([
      {"type": "function", "function": {"name": "f", "description": "d", "strict": true,
       "parameters": {"type": "object", "properties": {"b": {"type": "integer"}, "a": {}},
                      "required": ["b"]}}},
      {"name": "my-server.tool/x", "parameters": {"properties": {}}},
      {"type": "function", "name": "g"}])");
  ASSERT_EQ(tools.size(), 3u);
  EXPECT_EQ(tools[0].name, "f");
  EXPECT_EQ(tools[0].description, "d");
  EXPECT_EQ(json::serialize(tools[0].parameters),
            R"({"type":"object","properties":{"b":{"type":"integer"},"a":{}},"required":["b"]})");
  EXPECT_EQ(tools[1].name, "my-server.tool/x");
  EXPECT_EQ(json::serialize(tools[2].parameters), R"({"type":"object","properties":{}})");
}

TEST(ToolDefinitionJson, LlamaStack) {
  const std::string expected =
      R"({"type":"object","properties":{"city":{"type":"string","description":"where"},)"
      R"("metric":{"type":"string","default":"celsius"}},"required":["city"]})";
  const auto tools = ReadOk(R"([
      {"tool_name": "w1", "description": "d", "parameters": {
          "city": {"param_type": "string", "description": "where"},
          "metric": {"param_type": "string", "required": false, "default": "celsius"}}},
      {"name": "w2", "parameters": [
          {"name": "city", "parameter_type": "string", "description": "where", "required": true},
          {"name": "metric", "parameter_type": "string", "required": false, "default": "celsius"}]},
      {"type": "function_call", "function_name": "w3", "description": "", "parameters": {}}])");
  ASSERT_EQ(tools.size(), 3u);
  EXPECT_EQ(tools[0].name, "w1");
  EXPECT_EQ(json::serialize(tools[0].parameters), expected);
  EXPECT_EQ(json::serialize(tools[1].parameters), expected);
  EXPECT_EQ(tools[2].name, "w3");
}

TEST(ToolDefinitionJson, BuiltinTools) {
  const auto tools =
      ReadOk(R"([{"type": "brave_search", "api_key": "k"}, {"tool_name": "code_interpreter"}])");
  ASSERT_EQ(tools.size(), 2u);
  EXPECT_EQ(tools[0].name, "brave_search");
  EXPECT_EQ(tools[1].name, "code_interpreter");
  EXPECT_EQ(json::serialize(tools[0].parameters),
            R"({"type":"object","properties":{"query":{"type":"string"}},"required":["query"]})");
  EXPECT_EQ(json::serialize(tools[1].parameters),
            R"({"type":"object","properties":{"code":{"type":"string"}},"required":["code"]})");
}

TEST(ToolDefinitionJson, ErrorsNameThePlace) {
  EXPECT_EQ(Error("{}"), "tools: expected a list of tools, found an object");
  EXPECT_EQ(Error("[3]"), "tools[0]: expected an object, found an integer");
  EXPECT_EQ(Error(R"([{"type": "function", "function": {}}])"),
            "tools[0].function.name: expected 1 to 128 letters, digits or _ - . : /, found ''");
  EXPECT_EQ(Error(R"([{"name": "a b"}])"),
            "tools[0].name: expected 1 to 128 letters, digits or _ - . : /, found 'a b'");
  EXPECT_EQ(Error(R"([{"type": "retrieval"}])"),
            "tools[0].type: expected function, brave_search, wolfram_alpha, photogen or "
            "code_interpreter, found 'retrieval'");
  EXPECT_EQ(Error(R"([{"name": "f", "parameters": 3}])"),
            "tools[0].parameters: expected an object (JSON Schema), found an integer");
  EXPECT_EQ(Error(R"([{"name": "f", "parameters": {"type": "array"}}])"),
            "tools[0].parameters.type: expected 'object', found \"array\"");
  EXPECT_EQ(Error(R"([{"name": "f", "parameters": {"properties": {"a": 1}}}])"),
            "tools[0].parameters.properties.a: expected an object, found an integer");
  EXPECT_EQ(Error(R"([{"name": "f"}, {"name": "f"}])"),
            "tools[1]: expected each name once, found 'f' again");
  EXPECT_EQ(Error(R"([{"name": "f", "parameters": {"required": "a"}}])"),
            "tools[0].parameters.required: expected a list, found a string");
}

}  // namespace
}  // namespace cria::text
