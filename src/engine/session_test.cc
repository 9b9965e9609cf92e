#include "engine/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine_testing.h"

namespace cria::engine {
namespace {

using testing::HasSubstr;
using text::TokenId;
using Code = absl::StatusCode;

class SessionTest : public testing::Test {
 protected:
  std::shared_ptr<Session> NewSession(int64_t context = 0) {
    auto session = Session::Create(model_, context);
    EXPECT_TRUE(session.ok()) << session.status();
    return *session;
  }

  // A whole answer of `session` to `prompt`.
  std::vector<TokenId> Answer(Session& session, const std::vector<TokenId>& prompt,
                              const GenerationOptions& options) {
    EXPECT_TRUE(session.Begin(prompt, options).ok());
    std::vector<TokenId> ids;
    while (static_cast<int64_t>(ids.size()) < *options.max_tokens) {
      const auto token = session.Decode(workspace_, pool_);
      EXPECT_TRUE(token.ok()) << token.status();
      if (!token.ok()) break;
      if (token->has_value()) ids.push_back((*token)->id);
    }
    return ids;
  }

  base::ThreadPool pool_{2, /*pin=*/false};
  model::Workspace workspace_;
  std::shared_ptr<const LoadedModel> model_ = LoadStories(pool_);
};

TEST_F(SessionTest, LongPromptsAreReadInStepsThatDoNotMatter) {
  std::vector<TokenId> prompt = {1};
  while (prompt.size() < 300) prompt.push_back(3 + static_cast<TokenId>(prompt.size() * 7 % 500));
  const auto session = NewSession();
  const std::vector<TokenId> whole = Answer(*session, prompt, Greedy(20));
  ASSERT_TRUE(session->Begin(prompt, Greedy(20)).ok());
  session->Reset();
  ASSERT_TRUE(session->Begin(prompt, Greedy(20)).ok());
  int steps = 0;
  std::vector<TokenId> ids;
  while (ids.size() < 20) {
    const model::SequenceStep step = session->Next(/*budget=*/7);
    EXPECT_LE(step.tokens.size(), 7U);
    const auto logits = model_->model().Forward({&step, 1}, workspace_, pool_);
    ASSERT_TRUE(logits.ok()) << logits.status();
    const auto token =
        session->Advance(logits->rows > 0 ? logits->row(0) : std::span<const float>());
    ASSERT_TRUE(token.ok()) << token.status();
    if (token->has_value()) ids.push_back((*token)->id);
    ++steps;
  }
  EXPECT_EQ(steps, (300 + 6) / 7 + 19);
  EXPECT_EQ(ids, whole);
}

TEST_F(SessionTest, AnExtendedPromptKeepsTheCache) {
  const auto session = NewSession();
  std::vector<TokenId> prompt = {1, 403, 407, 261, 378};
  const std::vector<TokenId> answer = Answer(*session, prompt, Greedy(12));
  EXPECT_EQ(session->reused_tokens(), 0);
  // What was said, and something new.
  prompt.insert(prompt.end(), answer.begin(), answer.end());
  prompt.insert(prompt.end(), {13, 385, 400});
  const std::vector<TokenId> next = Answer(*session, prompt, Greedy(12));
  EXPECT_EQ(session->reused_tokens(), 5 + 11);  // the last sampled token was never computed
  EXPECT_EQ(next, Answer(*NewSession(), prompt, Greedy(12)));
}

TEST_F(SessionTest, ADifferentPromptKeepsTheCommonBeginning) {
  const auto session = NewSession();
  Answer(*session, {1, 403, 407, 261, 378}, Greedy(5));
  const std::vector<TokenId> other = {1, 403, 407, 300, 310, 320};
  const std::vector<TokenId> ids = Answer(*session, other, Greedy(10));
  EXPECT_EQ(session->reused_tokens(), 3);
  EXPECT_EQ(ids, Answer(*NewSession(), other, Greedy(10)));
}

TEST_F(SessionTest, TheSamePromptAgainComputesItsLastToken) {
  const auto session = NewSession();
  const std::vector<TokenId> prompt = {1, 403, 407, 261, 378};
  const std::vector<TokenId> first = Answer(*session, prompt, Greedy(10));
  EXPECT_EQ(Answer(*session, prompt, Greedy(10)), first);
  EXPECT_EQ(session->reused_tokens(), 4);
}

TEST_F(SessionTest, BadPromptsLeaveTheSessionAsItIs) {
  const auto session = NewSession(/*context=*/8);
  const std::vector<TokenId> good = {1, 403, 407};
  Answer(*session, good, Greedy(2));
  const std::vector<TokenId> before = session->tokens();
  EXPECT_EQ(session->Begin({}, Greedy(2)).code(), Code::kInvalidArgument);
  const std::vector<TokenId> outside = {1, 512};
  const absl::Status status = session->Begin(outside, Greedy(2));
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("512"));
  const std::vector<TokenId> negative = {-1};
  EXPECT_EQ(session->Begin(negative, Greedy(2)).code(), Code::kInvalidArgument);
  const std::vector<TokenId> long_prompt(8, 5);
  EXPECT_EQ(session->Begin(long_prompt, Greedy(2)).code(), Code::kResourceExhausted);
  EXPECT_EQ(session->tokens(), before);
  EXPECT_TRUE(session->Begin(good, Greedy(2)).ok());
}

TEST_F(SessionTest, AFullContextPoisonsUntilReset) {
  const auto session = NewSession(/*context=*/4);
  const std::vector<TokenId> prompt = {1, 403, 407};
  ASSERT_TRUE(session->Begin(prompt, Greedy(100)).ok());
  absl::Status status;
  int tokens = 0;
  while (status.ok() && tokens < 100) {
    status = session->Decode(workspace_, pool_).status();
    tokens += status.ok();
  }
  EXPECT_EQ(tokens, 2);  // position 4 would be the first outside
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_EQ(session->Begin(prompt, Greedy(1)), status);
  EXPECT_EQ(session->Decode(workspace_, pool_).status(), status);
  session->Reset();
  EXPECT_TRUE(session->Begin(prompt, Greedy(1)).ok());
}

TEST_F(SessionTest, ContextMustBeWithinTheModels) {
  EXPECT_EQ(Session::Create(model_, -1).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Session::Create(model_, model_->config().max_context + 1).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(NewSession(0)->context(), model_->config().max_context);
}

}  // namespace
}  // namespace cria::engine
