#include "server/translate_anthropic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/schema.h"
#include "api/schemas.h"

namespace cria::server {
namespace {

using base::json::object;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The rest of a request that has these members beside a model and max_tokens.
object Body(std::string_view members) {
  const std::string text = R"({"model":"m","max_tokens":9,)" + std::string(members) + "}";
  const auto value = base::ParseJson(text, "body");
  EXPECT_TRUE(value.ok()) << value.status();
  const auto schemas = api::SchemaSet::Parse(api::AnthropicSchemas());
  EXPECT_TRUE(schemas.ok()) << schemas.status();
  EXPECT_TRUE(schemas->Check("AnthropicMessageRequest", *value).empty()) << text;
  return value->as_object();
}

object BodyWith(std::string_view members) {
  return Body(R"("messages":[{"role":"user","content":"hi"}],)" + std::string(members));
}

std::string ErrorOf(const object& body) {
  return std::string(MessagesRequestFrom(body).status().message());
}

TEST(TranslateAnthropic, SystemComesFirstAndThinkingIsLeftOut) {
  const auto request = MessagesRequestFrom(Body(R"(
      "system":[{"type":"text","text":"be "},{"type":"text","text":"brief"}],
      "messages":[{"role":"user","content":"hi"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"x"},
                                       {"type":"text","text":"hello"}]},
        {"role":"assistant","content":[{"type":"redacted_thinking","data":"x"}]},
        {"role":"user","content":[{"type":"text","text":"and "},{"type":"text","text":"now?"}]}])"));
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->messages.size(), 4u);
  EXPECT_EQ(request->messages[0].role, text::Role::kSystem);
  EXPECT_EQ(request->messages[0].Text(), "be brief");
  EXPECT_EQ(request->messages[2].role, text::Role::kAssistant);
  EXPECT_EQ(request->messages[2].Text(), "hello");
  EXPECT_EQ(request->messages[3].Text(), "and now?");
}

TEST(TranslateAnthropic, ToolResultsBecomeMessagesNamedAfterTheirCalls) {
  const auto request = MessagesRequestFrom(Body(R"("messages":[
      {"role":"assistant","content":[{"type":"text","text":"I look."},
        {"type":"tool_use","id":"t1","name":"weather","input":{"city":"Lima"}},
        {"type":"tool_use","id":"t2","name":"clock","input":{}}]},
      {"role":"user","content":[
        {"type":"tool_result","tool_use_id":"t2","content":"no clock","is_error":true},
        {"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"mild"}]},
        {"type":"text","text":"So?"}]}])"));
  ASSERT_TRUE(request.ok()) << request.status();
  const text::Conversation& messages = request->messages;
  ASSERT_EQ(messages.size(), 4u);
  ASSERT_EQ(messages[0].tool_calls.size(), 2u);
  EXPECT_EQ(messages[0].Text(), "I look.");
  EXPECT_EQ(messages[0].tool_calls[0].arguments.at("city").as_string(), "Lima");
  EXPECT_EQ(messages[1].role, text::Role::kTool);
  EXPECT_EQ(messages[1].tool_name, "clock");
  EXPECT_EQ(messages[1].Text(), "Error: no clock");
  EXPECT_EQ(messages[2].tool_call_id, "t1");
  EXPECT_EQ(messages[2].tool_name, "weather");
  EXPECT_EQ(messages[3].role, text::Role::kUser);
  EXPECT_EQ(messages[3].Text(), "So?");
}

TEST(TranslateAnthropic, PicturesBecomeUrls) {
  const auto request = MessagesRequestFrom(Body(R"("messages":[{"role":"user","content":[
      {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},
      {"type":"image","source":{"type":"url","url":"http://x/y.png"}}]}])"));
  ASSERT_TRUE(request.ok()) << request.status();
  const auto& parts = request->messages.at(0).content;
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].type, text::ContentPart::Type::kImage);
  EXPECT_EQ(parts[0].image_url, "data:image/png;base64,QUJD");
  EXPECT_EQ(parts[1].image_url, "http://x/y.png");
}

TEST(TranslateAnthropic, SamplingToolsAndFormat) {
  const auto request = MessagesRequestFrom(BodyWith(R"(
      "temperature":0.5,"top_p":0.9,"top_k":3,"stop_sequences":["END","\n"],
      "tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],
      "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
      "thinking":{"type":"disabled"},
      "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})"));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->sampling.max_tokens, 9);
  EXPECT_EQ(request->sampling.temperature, 0.5);
  EXPECT_EQ(request->sampling.top_p, 0.9);
  EXPECT_EQ(request->sampling.top_k, 3);
  EXPECT_THAT(request->sampling.stop, ElementsAre("END", "\n"));
  ASSERT_EQ(request->tools.size(), 1u);
  EXPECT_EQ(request->tools[0].name, "f");
  EXPECT_EQ(request->tool_choice, "f");
  EXPECT_FALSE(request->parallel_tool_calls);
  EXPECT_EQ(request->format.kind, chat::AnswerFormat::Kind::kJsonSchema);
}

TEST(TranslateAnthropic, ToolChoices) {
  const std::pair<const char*, const char*> choices[] = {
      {"auto", "auto"}, {"any", "required"}, {"none", "none"}};
  for (const auto& [theirs, ours] : choices) {
    const auto request =
        MessagesRequestFrom(BodyWith(R"("tool_choice":{"type":")" + std::string(theirs) + R"("})"));
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->tool_choice, ours);
    EXPECT_TRUE(request->parallel_tool_calls);
  }
}

TEST(TranslateAnthropic, RefusesByName) {
  EXPECT_THAT(ErrorOf(Body(R"("messages":[])")), HasSubstr("messages: expected at least one"));
  EXPECT_THAT(ErrorOf(Body(R"("messages":[{"role":"assistant","content":"So"}])")),
              HasSubstr("can't be continued"));
  EXPECT_THAT(ErrorOf(Body(R"("messages":[{"role":"user","content":[
      {"type":"tool_result","tool_use_id":"gone"}]}])")),
              HasSubstr("messages[0].content[0].tool_use_id: no tool_use"));
  EXPECT_THAT(ErrorOf(Body(R"("messages":[{"role":"user","content":[
      {"type":"tool_use","id":"a","name":"f","input":{}}]}])")),
              HasSubstr("messages[0].content[0]: only an assistant's"));
  EXPECT_THAT(ErrorOf(BodyWith(R"("stop_sequences":["a",""])")), HasSubstr("stop_sequences[1]"));
  EXPECT_THAT(ErrorOf(BodyWith(R"("tools":[{"name":"f"}])")), HasSubstr("tools[0].input_schema"));
  EXPECT_THAT(ErrorOf(BodyWith(R"("thinking":{"type":"enabled","budget_tokens":1024})")),
              HasSubstr("thinking.type"));
}

TEST(TranslateAnthropic, WhatOnlyAnthropicServesIsUnimplemented) {
  const object bodies[] = {
      Body(R"("messages":[{"role":"user","content":[{"type":"document","source":{}}]}])"),
      Body(R"("messages":[{"role":"user","content":[
          {"type":"image","source":{"type":"file","file_id":"f"}}]}])"),
      BodyWith(R"("tools":[{"type":"web_search_20250305","name":"web_search"}])"),
      BodyWith(R"("container":"c")"), BodyWith(R"("mcp_servers":[{"type":"url","url":"u"}])")};
  for (const object& body : bodies)
    EXPECT_EQ(MessagesRequestFrom(body).status().code(), absl::StatusCode::kUnimplemented)
        << base::json::serialize(body);
}

}  // namespace
}  // namespace cria::server
