#include "server/anthropic_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "api/schema.h"
#include "api/schemas.h"

namespace cria::server {
namespace {

using base::json::object;
using base::json::value;
using ::testing::ElementsAre;

const MessageHead kHead{"msg_0123", "some-model"};

GatheredAnswer Answer(std::string text, text::StopReason reason) {
  GatheredAnswer answer;
  answer.text = std::move(text);
  answer.outcome.stop_reason = reason;
  answer.outcome.usage = {/*prompt_tokens=*/40, /*completion_tokens=*/7, /*cached_tokens=*/32};
  return answer;
}

chat::Event TextEvent(std::string text) {
  chat::Event event;
  event.text = std::move(text);
  return event;
}

// The events of frames, each checked to be named as its JSON says: "text_delta 0 Hi", ...
std::vector<std::string> Events(const std::string& frames) {
  std::vector<std::string> out;
  for (const absl::string_view frame : absl::StrSplit(frames, "\n\n", absl::SkipEmpty())) {
    const std::vector<std::string> lines = absl::StrSplit(frame, '\n');
    EXPECT_EQ(lines.size(), 2u) << frame;
    const object event = base::ParseJson(lines.at(1).substr(6), "event")->as_object();
    std::string told(event.at("type").as_string());
    EXPECT_EQ(lines[0], "event: " + told);
    if (const value* index = base::Find(event, "index"))
      told += " " + std::to_string(index->as_int64());
    if (const object* block = base::FindObject(event, "content_block"))
      told += " " + base::json::serialize(*block);
    if (const object* delta = base::FindObject(event, "delta"))
      told += " " + base::json::serialize(*delta);
    out.push_back(std::move(told));
  }
  return out;
}

TEST(AnthropicWriter, AnswerFitsItsSchema) {
  GatheredAnswer answer = Answer("I look.", text::StopReason::kEndOfTurn);
  answer.outcome.calls.push_back({"call_1", "f", {{"a", 1}}});
  const object message = AnthropicMessage(kHead, answer);
  const auto schemas = api::SchemaSet::Parse(api::AnthropicSchemas());
  ASSERT_TRUE(schemas.ok()) << schemas.status();
  EXPECT_TRUE(schemas->Check("AnthropicMessageResponse", message).empty());
  EXPECT_EQ(base::json::serialize(message.at("content")),
            R"([{"type":"text","text":"I look."},)"
            R"({"type":"tool_use","id":"call_1","name":"f","input":{"a":1}}])");
  EXPECT_EQ(message.at("stop_reason").as_string(), "tool_use");
  EXPECT_TRUE(message.at("stop_sequence").is_null());
}

TEST(AnthropicWriter, CachedTokensAreNotCountedTwice) {
  const object usage = AnthropicUsage({40, 7, 32});
  EXPECT_EQ(usage.at("input_tokens").as_int64(), 8);
  EXPECT_EQ(usage.at("cache_read_input_tokens").as_int64(), 32);
  EXPECT_EQ(usage.at("output_tokens").as_int64(), 7);
}

TEST(AnthropicWriter, StopReasons) {
  const std::pair<text::StopReason, const char*> reasons[] = {
      {text::StopReason::kEndOfTurn, "end_turn"},
      {text::StopReason::kEndOfMessage, "end_turn"},
      {text::StopReason::kEndOfText, "end_turn"},
      {text::StopReason::kMaxTokens, "max_tokens"},
      {text::StopReason::kStopString, "stop_sequence"}};
  for (const auto& [ours, theirs] : reasons)
    EXPECT_EQ(AnthropicStopReason(Answer("", ours).outcome), theirs);
}

TEST(AnthropicWriter, TellsTheStopSequenceThatEndedIt) {
  GatheredAnswer answer = Answer("one", text::StopReason::kStopString);
  answer.outcome.stop_string = "two";
  EXPECT_EQ(AnthropicMessage(kHead, answer).at("stop_sequence").as_string(), "two");
}

TEST(MessageFrames, TextThenTwoCalls) {
  MessageFrames message(kHead);
  std::string frames = message.Start(40);
  frames += message.Add(TextEvent("Hi"));
  frames += message.Add(TextEvent(" there"));
  chat::Event calls;
  calls.calls = {{0, "c0", "f", R"({"a")"}, {0, "", "", ":1}"}, {1, "c1", "g", "{}"}};
  frames += message.Add(calls);
  chat::Outcome outcome = Answer("", text::StopReason::kEndOfTurn).outcome;
  outcome.calls.push_back({"c0", "f", {}});
  frames += message.End(outcome);
  EXPECT_THAT(
      Events(frames),
      ElementsAre(
          "message_start", R"(content_block_start 0 {"type":"text","text":""})",
          R"(content_block_delta 0 {"type":"text_delta","text":"Hi"})",
          R"(content_block_delta 0 {"type":"text_delta","text":" there"})", "content_block_stop 0",
          R"(content_block_start 1 {"type":"tool_use","id":"c0","name":"f","input":{}})",
          R"(content_block_delta 1 {"type":"input_json_delta","partial_json":"{\"a\""})",
          R"(content_block_delta 1 {"type":"input_json_delta","partial_json":":1}"})",
          "content_block_stop 1",
          R"(content_block_start 2 {"type":"tool_use","id":"c1","name":"g","input":{}})",
          R"(content_block_delta 2 {"type":"input_json_delta","partial_json":"{}"})",
          "content_block_stop 2",
          R"(message_delta {"stop_reason":"tool_use","stop_sequence":null})", "message_stop"));
}

TEST(MessageFrames, TextBehindACallIsABlockOfItsOwn) {
  MessageFrames message(kHead);
  chat::Event call;
  call.calls = {{0, "c0", "f", "{}"}};
  std::string frames = message.Add(call);
  frames += message.Add(TextEvent("done"));
  EXPECT_THAT(
      Events(frames),
      ElementsAre(R"(content_block_start 0 {"type":"tool_use","id":"c0","name":"f","input":{}})",
                  R"(content_block_delta 0 {"type":"input_json_delta","partial_json":"{}"})",
                  "content_block_stop 0", R"(content_block_start 1 {"type":"text","text":""})",
                  R"(content_block_delta 1 {"type":"text_delta","text":"done"})"));
}

TEST(MessageFrames, AnAnswerOfNothingHasNoBlocks) {
  MessageFrames message(kHead);
  EXPECT_THAT(
      Events(message.Start(3) + message.End(Answer("", text::StopReason::kMaxTokens).outcome)),
      ElementsAre("message_start",
                  R"(message_delta {"stop_reason":"max_tokens","stop_sequence":null})",
                  "message_stop"));
}

}  // namespace
}  // namespace cria::server
