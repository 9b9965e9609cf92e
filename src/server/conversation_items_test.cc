#include "server/conversation_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/schema.h"
#include "api/schemas.h"

namespace cria::server {
namespace {

namespace json = base::json;

json::object Normal(std::string_view text) {
  return NormalItem(json::parse(json::string_view(text.data(), text.size())).as_object());
}

TEST(NormalItemTest, FillsInWhatAMessageLeavesOut) {
  json::object item = Normal(R"({"role": "user", "content": "hi", "extra": 1})");
  EXPECT_THAT(std::string(item.at("id").as_string()), ::testing::MatchesRegex("msg_[0-9a-f]{48}"));
  item.erase("id");
  EXPECT_EQ(item, json::parse(R"({"role": "user", "type": "message", "status": "completed",
      "content": [{"type": "input_text", "text": "hi"}], "extra": 1})")
                      .as_object());
}

TEST(NormalItemTest, AnAssistantsTextIsOutput) {
  EXPECT_EQ(Normal(R"({"role": "assistant", "content": "hi"})").at("content"),
            json::parse(R"([{"type": "output_text", "text": "hi", "annotations": []}])"));
}

TEST(NormalItemTest, KeepsWhatIsSaid) {
  const char* whole = R"({"type": "message", "id": "msg_1", "role": "user",
      "status": "incomplete", "content": [{"type": "input_image", "image_url": "http://a"}]})";
  EXPECT_EQ(Normal(whole), json::parse(whole).as_object());
}

TEST(NormalItemTest, OtherTypesGetAnIdAndAStatusWhereTheyHaveOne) {
  const json::object call =
      Normal(R"({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"})");
  EXPECT_EQ(call.at("status"), "completed");
  EXPECT_THAT(std::string(call.at("id").as_string()), ::testing::MatchesRegex("item_[0-9a-f]{48}"));
  const json::object tools =
      Normal(R"({"type": "mcp_list_tools", "server_label": "s", "tools": [], "id": null})");
  EXPECT_EQ(tools.if_contains("status"), nullptr);
  EXPECT_TRUE(tools.at("id").is_string());
  EXPECT_NE(Normal(R"({"role": "user", "content": ""})").at("id"),
            Normal(R"({"role": "user", "content": ""})").at("id"));
}

// What a client hears about its items.
std::string ErrorsOf(std::string_view item) {
  static const auto schemas = api::SchemaSet::Parse(api::StackSchemas());
  if (!schemas.ok()) return schemas.status().ToString();
  std::string all;
  const auto value = json::parse(json::string_view(item.data(), item.size()));
  for (const api::FieldError& error : schemas->Check("ConversationItem", value))
    all += error.Path() + ": " + error.message + "\n";
  return all;
}

TEST(ConversationItemSchemaTest, TakesWhatNormalItemTakes) {
  EXPECT_EQ(ErrorsOf(R"({"role": "user", "content": "hi"})"), "");
  EXPECT_EQ(ErrorsOf(R"({"role": "developer", "type": "message", "content":
      [{"type": "input_text", "text": "a"}, {"type": "input_file", "file_id": "file-1"}]})"),
            "");
  EXPECT_EQ(ErrorsOf(R"({"type": "function_call_output", "call_id": "c", "output": "x"})"), "");
  EXPECT_EQ(ErrorsOf(R"({"type": "reasoning", "summary": []})"), "");
}

TEST(ConversationItemSchemaTest, NamesTheFieldOfTheTypeThatWasMeant) {
  EXPECT_EQ(ErrorsOf(R"({"type": "function_call", "call_id": "c", "name": "f"})"),
            "arguments: expected a string, found nothing\n");
  EXPECT_EQ(ErrorsOf(R"({"role": "user", "content": 5})"),
            "content: expected a string or a list, found an integer\n");
  EXPECT_THAT(
      ErrorsOf(R"({"type": "telepathy", "role": "user", "content": "x"})"),
      ::testing::AllOf(::testing::StartsWith("type: expected one of 'message', 'function_call', "),
                       ::testing::EndsWith("'compaction', found 'telepathy'\n")));
}

}  // namespace
}  // namespace cria::server
