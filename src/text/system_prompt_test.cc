#include "text/system_prompt.h"

#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "base/json.h"
#include "text/tool_definition_json.h"

namespace cria::text {
namespace {

std::vector<ToolDefinition> Tools(std::string_view text) {
  const auto value = base::ParseJson(text, "test");
  EXPECT_TRUE(value.ok()) << value.status();
  auto tools = ToolsFromJson(*value);
  EXPECT_TRUE(tools.ok()) << tools.status();
  return *std::move(tools);
}

// The tools whose texts tests/data/chat/tools_*.txt holds, as Jinja 3.1 rendered Meta's templates
// for them.
std::vector<ToolDefinition> GoldenTools() {
  return Tools(R"([
      {"tool_name": "trending_songs", "description": "Returns the trending songs on a Music site",
       "parameters": {
         "n": {"param_type": "int", "description": "The number of songs to return"},
         "genre": {"param_type": "str", "description": "The genre's name <any>", "required": false,
                   "default": "pop"}}},
      {"tool_name": "now", "description": "Tells the time"},
      {"tool_name": "mix", "description": "Mixes é", "parameters": {
         "a": {"param_type": "number", "description": "x", "default": 1.5},
         "b": {"param_type": "boolean", "description": "y", "default": true},
         "z": {"param_type": "boolean", "description": "y", "default": false},
         "l": {"param_type": "array", "description": "list", "required": false,
               "default": [1, "a", null]}}}])");
}

std::string Golden(const std::string& name) {
  const auto text = base::ReadFile("tests/data/chat/" + name, 1 << 20);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

TEST(SystemPrompt, ToolsAsMetasTemplatesListThem) {
  EXPECT_EQ(CustomToolsText(GoldenTools(), ToolFormat::kJson), Golden("tools_json.txt"));
  EXPECT_EQ(CustomToolsText(GoldenTools(), ToolFormat::kFunctionTag),
            Golden("tools_function_tag.txt"));
  EXPECT_EQ(CustomToolsText(GoldenTools(), ToolFormat::kPythonList),
            Golden("tools_python_list.txt"));
}

TEST(SystemPrompt, DescriptionsStayJson) {
  const auto tools = Tools(R"([{"name": "f", "description": "say \"hi\"\n", "parameters": {
      "properties": {"a": {"type": ["null", "integer"], "description": "x\\y"}, "b": {"enum": [1]}}}}])");
  const std::string text = CustomToolsText(tools, ToolFormat::kPythonList);
  const auto list = base::ParseJson(std::string_view(text).substr(text.find("\n[\n")), "list");
  ASSERT_TRUE(list.ok()) << list.status() << text;
  const auto& tool = list->get_array()[0].get_object();
  EXPECT_EQ(tool.at("description"), "say \"hi\"\n");
  const auto& properties = tool.at("parameters").at("properties");
  EXPECT_EQ(properties.at("a").at("type"), "integer");
  EXPECT_EQ(properties.at("a").at("description"), "x\\y");
  EXPECT_EQ(properties.at("b").at("type"), "object");
  EXPECT_EQ(properties.at("b").at("description"), "");
}

SystemPrompt Prompt(std::string_view tools) {
  SystemPrompt prompt;
  prompt.date = "24 September 2024";
  prompt.tools = Tools(tools);
  return prompt;
}

TEST(SystemPrompt, DatesAlone) {
  SystemPrompt prompt = Prompt("[]");
  EXPECT_EQ(SystemPromptText(prompt),
            "Cutting Knowledge Date: December 2023\nToday Date: 24 September 2024\n");
  prompt.instruction = "Be brief.";
  EXPECT_EQ(SystemPromptText(prompt),
            "Cutting Knowledge Date: December 2023\nToday Date: 24 September 2024\n\nBe brief.\n");
}

// As in the documents of Llama 3.1 and 3.2 (models/llama3_2/text_prompt_format.md, "Code
// Interpreter").
TEST(SystemPrompt, Environment) {
  EXPECT_EQ(SystemPromptText(Prompt(R"([{"type": "code_interpreter"}])")),
            "Environment: ipython\n\nCutting Knowledge Date: December 2023\n"
            "Today Date: 24 September 2024\n");
  EXPECT_EQ(SystemPromptText(Prompt(R"([{"type": "code_interpreter"}, {"type": "brave_search"},
                                        {"name": "f"}, {"type": "wolfram_alpha"}])")),
            "Environment: ipython\nTools: brave_search, wolfram_alpha\n"
            "Cutting Knowledge Date: December 2023\nToday Date: 24 September 2024\n");
}

TEST(SystemPrompt, PythonListStandsBeforeTheInstruction) {
  SystemPrompt prompt = Prompt(R"([{"name": "f"}])");
  prompt.tool_format = ToolFormat::kPythonList;
  prompt.instruction = "Be brief.";
  prompt.tool_choice = "f";
  EXPECT_EQ(SystemPromptText(prompt),
            "Environment: ipython\n\nCutting Knowledge Date: December 2023\n"
            "Today Date: 24 September 2024\n\n" +
                CustomToolsText(prompt.tools, ToolFormat::kPythonList) +
                "\n\nBe brief.\nYou MUST use the tool `f` to answer the user query.\n");
}

TEST(SystemPrompt, Dates) {
  EXPECT_EQ(LongDate("2024-09-24").value_or(""), "24 September 2024");
  EXPECT_EQ(LongDate("2024-02-29").value_or(""), "29 February 2024");
  EXPECT_EQ(LongDate("2026-01-05").value_or(""), "05 January 2026");
  EXPECT_TRUE(LongDate("today").ok());
  for (const char* wrong : {"", "2023-02-29", "2024-13-01", "2024-00-10", "2024-9-24", "24-09-2024",
                            "2024/09/24", "2024-09-2x", "-024-09-24", "2024--9-24", "0000-01-01"}) {
    const auto date = LongDate(wrong);
    EXPECT_EQ(date.status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
  EXPECT_EQ(LongDate("soon").status().message(),
            "date: expected YYYY-MM-DD or today, found 'soon'");
}

}  // namespace
}  // namespace cria::text
