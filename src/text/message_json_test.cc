#include "text/message_json.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace cria::text {
namespace {

namespace json = base::json;

absl::StatusOr<Conversation> Read(std::string_view text) {
  const auto value = base::ParseJson(text, "test");
  EXPECT_TRUE(value.ok()) << value.status();
  return ConversationFromJson(*value);
}

Conversation ReadOk(std::string_view text) {
  auto conversation = Read(text);
  EXPECT_TRUE(conversation.ok()) << conversation.status();
  return conversation.ok() ? *std::move(conversation) : Conversation();
}

std::string Error(std::string_view text) {
  const auto conversation = Read(text);
  EXPECT_EQ(conversation.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(conversation.status().message());
}

TEST(MessageJson, RolesAndTheirOtherNames) {
  const Conversation conversation = ReadOk(R"([
      {"role": "system", "content": "a"}, {"role": "developer", "content": "b"},
      {"role": "user", "content": "c", "name": "Ann"}, {"role": "assistant", "content": "d"},
      {"role": "tool", "content": "e", "tool_call_id": "1", "name": "f"},
      {"role": "ipython", "content": "g", "call_id": "2", "tool_name": "h"}])");
  ASSERT_EQ(conversation.size(), 6u);
  EXPECT_EQ(conversation[0].role, Role::kSystem);
  EXPECT_EQ(conversation[1].role, Role::kSystem);
  EXPECT_EQ(conversation[2].role, Role::kUser);
  EXPECT_EQ(conversation[2].tool_name, "");
  EXPECT_EQ(conversation[3].role, Role::kAssistant);
  EXPECT_EQ(conversation[4].role, Role::kTool);
  EXPECT_EQ(conversation[4].tool_call_id, "1");
  EXPECT_EQ(conversation[4].tool_name, "f");
  EXPECT_EQ(conversation[5].role, Role::kTool);
  EXPECT_EQ(conversation[5].tool_call_id, "2");
  EXPECT_EQ(conversation[5].tool_name, "h");
  EXPECT_EQ(conversation[5].Text(), "g");
}

TEST(MessageJson, ARefusalIsText) {
  const Conversation conversation = ReadOk(R"([{"role": "assistant", "content": [
      {"type": "refusal", "refusal": "I can't help with that."}]}])");
  ASSERT_EQ(conversation.size(), 1u);
  EXPECT_EQ(conversation[0].Text(), "I can't help with that.");
  EXPECT_EQ(Error(R"([{"role": "assistant", "content": [{"type": "refusal"}]}])"),
            "messages[0].content[0].refusal: expected a string, found nothing");
}

TEST(MessageJson, ContentPartsKeepTheirOrder) {
  const Conversation conversation = ReadOk(R"([{"role": "user", "content": [
      {"type": "text", "text": "one"},
      {"type": "image_url", "image_url": {"url": "cat.png", "detail": "low"}},
      "two",
      {"type": "image_url", "image_url": "dog.png"},
      {"type": "image", "image": {"url": {"uri": "https://h/x.png"}}},
      {"type": "image", "image": {"data": "QUJD"}},
      {"type": "image", "url": {"uri": "y.png"}},
      {"image": {"uri": "z.png"}}]}])");
  ASSERT_EQ(conversation.size(), 1u);
  const auto& parts = conversation[0].content;
  ASSERT_EQ(parts.size(), 8u);
  EXPECT_EQ(conversation[0].Text(), "onetwo");
  EXPECT_EQ(parts[1].image_url, "cat.png");
  EXPECT_EQ(parts[3].image_url, "dog.png");
  EXPECT_EQ(parts[4].image_url, "https://h/x.png");
  EXPECT_EQ(parts[5].image_url, "data:application/octet-stream;base64,QUJD");
  EXPECT_EQ(parts[6].image_url, "y.png");
  EXPECT_EQ(parts[7].image_url, "z.png");
  EXPECT_EQ(parts[7].type, ContentPart::Type::kImage);
}

TEST(MessageJson, ToolCallsInEveryShape) {
  const Conversation conversation =
      ReadOk(R"([{"role": "assistant", "content": null, "tool_calls": [
      {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}},
      {"name": "g", "arguments": {"b": [true, null]}},
      {"call_id": "c3", "tool_name": "brave_search", "arguments": {"query": "x"}},
      {"type": "function", "function": {"name": "h", "arguments": ""}}],
      "stop_reason": "end_of_message"}])");
  ASSERT_EQ(conversation.size(), 1u);
  const auto& calls = conversation[0].tool_calls;
  ASSERT_EQ(calls.size(), 4u);
  EXPECT_EQ(calls[0].id, "c1");
  EXPECT_EQ(calls[0].name, "f");
  EXPECT_EQ(json::serialize(calls[0].arguments), R"({"a":1})");
  EXPECT_EQ(json::serialize(calls[1].arguments), R"({"b":[true,null]})");
  EXPECT_EQ(calls[2].id, "c3");
  EXPECT_EQ(calls[2].name, "brave_search");
  EXPECT_TRUE(calls[3].arguments.empty());
  EXPECT_EQ(conversation[0].stop_reason, StopReason::kEndOfMessage);
  EXPECT_TRUE(conversation[0].content.empty());
}

TEST(MessageJson, ContextAndFunctionCall) {
  const Conversation conversation = ReadOk(R"([
      {"role": "user", "content": "q", "context": [{"type": "text", "text": "c1"}, "c2"]},
      {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}])");
  EXPECT_EQ(conversation[0].context, "c1c2");
  ASSERT_EQ(conversation[1].tool_calls.size(), 1u);
  EXPECT_EQ(conversation[1].tool_calls[0].name, "f");
}

TEST(MessageJson, ErrorsNameThePlace) {
  EXPECT_EQ(Error("{}"), "messages: expected a list of messages, found an object");
  EXPECT_EQ(Error("[1]"), "messages[0]: expected an object, found an integer");
  EXPECT_EQ(Error("[{}]"),
            "messages[0].role: expected system, user, assistant or tool, found nothing");
  EXPECT_EQ(Error(R"([{"role": "usr", "content": ""}])"),
            "messages[0].role: expected system, user, assistant or tool, found 'usr'");
  EXPECT_EQ(Error(R"([{"role": "user", "content": "a"}, {"role": "user"}])"),
            "messages[1].content: expected a string or a list of parts, found nothing");
  EXPECT_EQ(Error(R"([{"role": "user", "content": 3}])"),
            "messages[0].content: expected a string or a list of parts, found an integer");
  EXPECT_EQ(Error(R"([{"role": "user", "content": ["a", {"type": "input_audio"}]}])"),
            "messages[0].content[1].type: expected text, image_url, image or refusal, found "
            "'input_audio'");
  EXPECT_EQ(Error(R"([{"role": "user", "content": [{"type": "text"}]}])"),
            "messages[0].content[0].text: expected a string, found nothing");
  EXPECT_EQ(Error(R"([{"role": "user", "content": [{"type": "image_url"}]}])"),
            "messages[0].content[0]: expected a picture's url or base64 data, found an object");
  EXPECT_EQ(Error(R"([{"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}])"),
            "messages[0].tool_calls[0].function.name: expected the function's name, found nothing");
  EXPECT_EQ(
      Error(R"([{"role": "assistant", "tool_calls": [{"name": "f", "arguments": "[1]"}]}])"),
      "messages[0].tool_calls[0].arguments: expected a JSON object in the string, found an array");
  EXPECT_NE(Error(R"([{"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{a"}]}])")
                .find("messages[0].tool_calls[0].arguments: not valid JSON"),
            std::string::npos);
  EXPECT_EQ(Error(R"([{"role": "user", "content": "", "tool_calls": [{"name": "f"}]}])"),
            "messages[0].tool_calls: expected none, as only an assistant calls tools, found a user "
            "message with calls");
  EXPECT_EQ(Error(R"([{"role": "assistant", "content": "", "stop_reason": "x"}])"),
            "messages[0].stop_reason: expected end_of_turn or end_of_message, found 'x'");
}

TEST(MessageJson, WritesWhatItReads) {
  const std::string_view text = R"([
      {"role": "system", "content": "s"},
      {"role": "user", "content": [{"type": "text", "text": "look"},
          {"type": "image_url", "image_url": {"url": "a.png"}}], "context": "ctx"},
      {"role": "assistant", "content": null, "tool_calls": [
          {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}],
          "stop_reason": "end_of_message"},
      {"role": "tool", "content": "r", "tool_call_id": "1", "name": "f"},
      {"role": "assistant", "content": "done"}])";
  const json::array written = ConversationToJson(ReadOk(text));
  EXPECT_EQ(json::value(written), *base::ParseJson(text, "test"));
}

TEST(MessageJson, ToolCallsForTheCommandLine) {
  ToolCall call;
  call.name = "f";
  call.arguments["x"] = "é";
  EXPECT_EQ(json::serialize(ToolCallsToJson({call})), R"([{"name":"f","arguments":{"x":"é"}}])");
  call.id = "7";
  EXPECT_EQ(json::serialize(ToolCallsToJson({call})),
            R"([{"id":"7","name":"f","arguments":{"x":"é"}}])");
}

TEST(Message, Names) {
  EXPECT_EQ(Name(StopReason::kEndOfMessage), "end_of_message");
  EXPECT_EQ(Name(StopReason::kMaxTokens), "max_tokens");
  EXPECT_EQ(ToolFormatFromName("python_list"), ToolFormat::kPythonList);
  EXPECT_EQ(ToolFormatFromName("xml"), std::nullopt);
  EXPECT_TRUE(IsBuiltinTool("photogen"));
  EXPECT_FALSE(IsBuiltinTool("get_weather"));
}

}  // namespace
}  // namespace cria::text
