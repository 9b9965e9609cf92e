#include "chat/chat_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "engine/engine_testing.h"

namespace cria::chat {
namespace {

using testing::HasSubstr;

class ChatServiceTest : public testing::Test {
 protected:
  ChatServiceTest()
      : engine_(engine::StoriesEngine()),
        service_(*engine_),
        model_{"stories", engine_->Find("stories"), text::ToolFormat::kJson} {}

  static CompletionRequest Once(int64_t max_tokens) {
    CompletionRequest request;
    request.prompt = "Once upon a time";
    request.sampling.temperature = 0;
    request.sampling.max_tokens = max_tokens;
    return request;
  }

  std::unique_ptr<engine::Engine> engine_;
  ChatService service_;
  ServedModel model_;
};

TEST_F(ChatServiceTest, ACompletionComesInPiecesThatJoinToTheWhole) {
  auto stream = service_.Complete(model_, Once(20));
  ASSERT_TRUE(stream.ok()) << stream.status();
  const WholeAnswer answer = WaitForAnswer(**stream);
  EXPECT_TRUE(answer.outcome.status.ok());
  EXPECT_THAT(answer.text, HasSubstr("there was a little girl named Lily"));
  EXPECT_EQ(answer.outcome.usage.completion_tokens, 20);
  EXPECT_EQ(answer.outcome.stop_reason, text::StopReason::kMaxTokens);
  EXPECT_TRUE(answer.logprobs.empty());
  std::vector<Event> more;
  EXPECT_FALSE((*stream)->Take(&more));  // the end stays the end
  EXPECT_TRUE(more.empty());
}

TEST_F(ChatServiceTest, LogprobsSpellEveryToken) {
  CompletionRequest request = Once(8);
  request.sampling.logprobs = 2;
  auto stream = service_.Complete(model_, request);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const WholeAnswer answer = WaitForAnswer(**stream);
  ASSERT_EQ(answer.logprobs.size(), 8);
  std::string spelled;
  for (const TokenLogprobs& token : answer.logprobs) {
    spelled += token.chosen.bytes;
    ASSERT_EQ(token.top.size(), 2);
    EXPECT_EQ(token.top.front().bytes, token.chosen.bytes);  // greedy
    EXPECT_LE(token.chosen.logprob, 0);
  }
  EXPECT_EQ(spelled, answer.text);
}

TEST_F(ChatServiceTest, AStopStringIsNamed) {
  CompletionRequest request = Once(40);
  request.sampling.stop = {"never", "girl"};
  auto stream = service_.Complete(model_, request);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const WholeAnswer answer = WaitForAnswer(**stream);
  EXPECT_EQ(answer.outcome.stop_reason, text::StopReason::kStopString);
  EXPECT_EQ(answer.outcome.stop_string, "girl");
  EXPECT_THAT(answer.text, testing::Not(HasSubstr("girl")));
}

TEST_F(ChatServiceTest, MaxTokensBeyondTheContextEndWhereThatEnds) {
  auto stream = service_.Complete(model_, Once(1'000'000));
  ASSERT_TRUE(stream.ok()) << stream.status();
  const WholeAnswer answer = WaitForAnswer(**stream);
  EXPECT_TRUE(answer.outcome.status.ok()) << answer.outcome.status;
  const Usage& usage = answer.outcome.usage;
  EXPECT_LE(usage.prompt_tokens + usage.completion_tokens, model_.model->config().max_context);
}

TEST_F(ChatServiceTest, APromptBeyondTheContextIsRefusedWithBothNumbers) {
  CompletionRequest request = Once(1);
  request.prompt = std::vector<text::TokenId>(2000, 5);
  const auto stream = service_.Complete(model_, request);
  EXPECT_EQ(stream.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(stream.status().message(), HasSubstr("2000 tokens"));
  EXPECT_THAT(stream.status().message(), HasSubstr("512"));
}

TEST_F(ChatServiceTest, ABaseModelHasNoChat) {
  ChatRequest request;
  request.messages.emplace_back();
  EXPECT_EQ(service_.Chat(model_, request).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ChatServiceTest, AFormatShapesTheAnswer) {
  CompletionRequest request = Once(60);
  request.format.kind = AnswerFormat::Kind::kJsonSchema;
  request.format.schema =
      base::json::parse(R"({"type":"array","items":{"enum":[1,2]},"minItems":2,"maxItems":2})");
  auto stream = service_.Complete(model_, request);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const WholeAnswer answer = WaitForAnswer(**stream);
  boost::system::error_code error;
  const base::json::value value = base::json::parse(answer.text, error);
  ASSERT_FALSE(error) << answer.text;
  EXPECT_EQ(value.as_array().size(), 2);
}

TEST_F(ChatServiceTest, ACancelledStreamEndsSoonAndOneThatIsDroppedFreesItsSlot) {
  auto stream = service_.Complete(model_, Once(400));
  ASSERT_TRUE(stream.ok()) << stream.status();
  (*stream)->Cancel();
  EXPECT_EQ(WaitForAnswer(**stream).outcome.status.code(), absl::StatusCode::kCancelled);
  {
    auto dropped = service_.Complete(model_, Once(400));
    ASSERT_TRUE(dropped.ok());
  }
  auto next = service_.Complete(model_, Once(1));
  ASSERT_TRUE(next.ok());
  EXPECT_TRUE(WaitForAnswer(**next).outcome.status.ok());
  while (engine_->stats().running + engine_->stats().queued > 0) std::this_thread::yield();
}

TEST_F(ChatServiceTest, NotifyCallsAtOnceWhenThereIsNews) {
  auto stream = service_.Complete(model_, Once(1));
  ASSERT_TRUE(stream.ok());
  (void)WaitForAnswer(**stream);
  bool called = false;
  (*stream)->Notify([&called] { called = true; });
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace cria::chat
