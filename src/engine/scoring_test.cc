#include "engine/scoring.h"

#include <gtest/gtest.h>

#include "engine/embedding.h"
#include "engine/engine_testing.h"
#include "engine/sampler.h"
#include "engine/speed.h"

namespace cria::engine {
namespace {

using text::TokenId;
using Code = absl::StatusCode;

std::vector<TokenId> SomeTokens(size_t count, int step) {
  std::vector<TokenId> ids = {1};
  while (ids.size() < count) ids.push_back(3 + (ids.back() * step + 11) % 500);
  return ids;
}

class ScoringTest : public testing::Test {
 protected:
  Score ScoreOf(const std::vector<TokenId>& ids, int64_t window, int64_t stride) {
    ScoringOptions options;
    options.window = window;
    options.stride = stride;
    auto score = ScoreSequence(*model_, ids, options, pool_);
    EXPECT_TRUE(score.ok()) << score.status();
    return *std::move(score);
  }

  // log p(ids[i]) after ids[begin, i), from a forward pass of that alone.
  double Direct(const std::vector<TokenId>& ids, size_t begin, size_t i) {
    model::KvCache cache(model_->model().kv_layout(), 512);
    model::Workspace workspace;
    const model::SequenceStep step{
        &cache, {ids.data() + begin, i - begin}, model::LogitsWanted::kLast};
    const auto logits = model_->model().Forward({&step, 1}, workspace, pool_);
    EXPECT_TRUE(logits.ok()) << logits.status();
    return LogProbabilities(logits->row(0), {&ids[i], 1})[0];
  }

  base::ThreadPool pool_{2, /*pin=*/false};
  std::shared_ptr<const LoadedModel> model_ = LoadStories(pool_);
};

TEST_F(ScoringTest, OneWindowScoresAllButTheFirst) {
  const std::vector<TokenId> ids = SomeTokens(150, 7);
  const Score score = ScoreOf(ids, 512, 512);
  EXPECT_EQ(score.scored, 149);
  ASSERT_EQ(score.token_logprobs.size(), 150U);
  EXPECT_FALSE(score.token_logprobs[0].has_value());
  double nll = 0;
  for (size_t i = 1; i < ids.size(); ++i) nll -= *score.token_logprobs[i];
  EXPECT_NEAR(score.nll, nll, 1e-9);
  for (const size_t i : {1U, 64U, 149U})
    EXPECT_NEAR(*score.token_logprobs[i], Direct(ids, 0, i), 1e-6) << i;
}

TEST_F(ScoringTest, WindowsStartEveryStrideAndScoreWhatIsNew) {
  const std::vector<TokenId> ids = SomeTokens(50, 7);
  const Score score = ScoreOf(ids, 20, 15);
  // Windows [0, 20), [15, 35), [30, 50): they score 1..19, 20..34, 35..49.
  EXPECT_EQ(score.scored, 49);
  EXPECT_NEAR(*score.token_logprobs[19], Direct(ids, 0, 19), 1e-6);
  EXPECT_NEAR(*score.token_logprobs[20], Direct(ids, 15, 20), 1e-6);
  EXPECT_NEAR(*score.token_logprobs[35], Direct(ids, 30, 35), 1e-6);
}

TEST_F(ScoringTest, WindowsThatDoNotOverlapEachLeaveOutTheirFirst) {
  const Score score = ScoreOf(SomeTokens(50, 7), 20, 20);
  EXPECT_EQ(score.scored, 47);
  for (const size_t i : {0U, 20U, 40U}) EXPECT_FALSE(score.token_logprobs[i].has_value()) << i;
}

TEST_F(ScoringTest, ABatchScoresEachAsAlone) {
  const std::vector<std::vector<TokenId>> sequences = {
      SomeTokens(90, 7), {}, SomeTokens(1, 7), SomeTokens(200, 11), SomeTokens(2, 3)};
  ScoringOptions options;
  options.window = options.stride = 64;
  const auto scores = ScoreBatch(*model_, sequences, options, pool_);
  ASSERT_TRUE(scores.ok()) << scores.status();
  ASSERT_EQ(scores->size(), sequences.size());
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Score alone = ScoreOf(sequences[i], 64, 64);
    EXPECT_EQ((*scores)[i].token_logprobs, alone.token_logprobs) << i;
    EXPECT_EQ((*scores)[i].scored, alone.scored);
  }
  EXPECT_EQ((*scores)[1].scored, 0);
  EXPECT_EQ((*scores)[2].scored, 0);
}

TEST_F(ScoringTest, BadInputIsNamed) {
  ScoringOptions options;
  options.window = options.stride = 64;
  const std::vector<TokenId> outside = {1, 600};
  EXPECT_EQ(ScoreSequence(*model_, outside, options, pool_).status().code(),
            Code::kInvalidArgument);
  options.window = options.stride = model_->config().max_context + 1;
  EXPECT_EQ(ScoreSequence(*model_, SomeTokens(3, 7), options, pool_).status().code(),
            Code::kResourceExhausted);
  options.window = 10;
  options.stride = 11;
  EXPECT_EQ(ScoreSequence(*model_, SomeTokens(3, 7), options, pool_).status().code(),
            Code::kInvalidArgument);
}

TEST_F(ScoringTest, EmbeddingsAreUnitVectorsOfTheText) {
  const auto a = Embed(*model_, SomeTokens(30, 7), pool_);
  const auto b = Embed(*model_, SomeTokens(30, 7), pool_);
  const auto c = Embed(*model_, SomeTokens(30, 11), pool_);
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  ASSERT_EQ(a->size(), static_cast<size_t>(model_->config().hidden));
  EXPECT_EQ(*a, *b);
  EXPECT_NE(*a, *c);
  double length = 0;
  for (const float x : *a) length += static_cast<double>(x) * static_cast<double>(x);
  EXPECT_NEAR(length, 1, 1e-5);
  EXPECT_EQ(Embed(*model_, {}, pool_).status().code(), Code::kInvalidArgument);
}

TEST_F(ScoringTest, TheLeastTimeGrowsWithTheWork) {
  MachineLimits limits;
  limits.read_bytes_per_s = 1e9;
  limits.int8_ops_per_s = limits.bf16_ops_per_s = limits.f32_ops_per_s = 1e9;
  const auto least = [&](SpeedCase::Kind kind, int64_t tokens, int64_t sessions, int64_t context) {
    SpeedCase one;
    one.kind = kind;
    (kind == SpeedCase::Kind::kPrefill ? one.prompt : one.generate) = tokens;
    one.sessions = sessions;
    one.context = context;
    return LeastSeconds(model_->model(), one, limits);
  };
  using Kind = SpeedCase::Kind;
  // The layers' matrices of stories260K hold 5 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 172)
  // weights.
  const double matrices = 2.0 * 5 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 172) / 1e9;
  EXPECT_NEAR(least(Kind::kPrefill, 100, 1, 0), 100 * matrices,
              0.2 * 100 * matrices);  // and the head, and attention
  EXPECT_GT(least(Kind::kPrefill, 100, 1, 300), least(Kind::kPrefill, 100, 1, 0));
  // Reading 1000 times slower: one session or two cost the same but for their caches.
  limits.read_bytes_per_s = 1e6;
  const double one = least(Kind::kDecode, 10, 1, 0);
  EXPECT_GE(one, 10 * static_cast<double>(model_->model().packed_bytes()) / 1e6);
  EXPECT_LT(least(Kind::kDecode, 10, 2, 0), 1.1 * one);
}

TEST_F(ScoringTest, TimedCasesMustFitTheContext) {
  model::Workspace workspace;
  SpeedCase one;
  one.prompt = 20;
  EXPECT_GT(*TimeCase(model_->model(), one, workspace, pool_), 0);
  one.context = model_->config().max_context;
  EXPECT_EQ(TimeCase(model_->model(), one, workspace, pool_).status().code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace cria::engine
