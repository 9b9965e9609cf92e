#include "engine/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace cria::engine {
namespace {

using testing::ElementsAre;
using text::TokenId;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Logits whose softmax is `probabilities`, up to a constant that must not matter.
std::vector<float> LogitsOf(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p) + 3));
  return logits;
}

GenerationOptions Plain(double temperature = 1) {
  GenerationOptions options;
  options.temperature = temperature;
  options.top_p = 1;
  options.seed = 7;
  return options;
}

Sampler MakeSampler(const GenerationOptions& options, const std::vector<TokenId>& prompt = {0}) {
  return Sampler(options, prompt, {}, nullptr);
}

TokenId Next(Sampler& sampler, const std::vector<float>& logits) {
  const auto sampled = sampler.Sample(logits);
  EXPECT_TRUE(sampled.ok()) << sampled.status();
  return (*sampled)->id;
}

// How often each id comes in `draws` draws.
std::map<TokenId, int> Histogram(const GenerationOptions& options, const std::vector<float>& logits,
                                 int draws) {
  Sampler sampler = MakeSampler(options);
  std::map<TokenId, int> counts;
  for (int i = 0; i < draws; ++i) ++counts[Next(sampler, logits)];
  return counts;
}

std::set<TokenId> Support(const GenerationOptions& options,
                          const std::vector<double>& probabilities) {
  std::set<TokenId> ids;
  for (const auto& [id, count] : Histogram(options, LogitsOf(probabilities), 2000)) ids.insert(id);
  return ids;
}

TEST(SamplerTest, GreedyTakesTheLargestAndOfEqualsTheFirst) {
  Sampler sampler = MakeSampler(Plain(0));
  EXPECT_EQ(Next(sampler, {0, 2, 1, 2}), 1);
  EXPECT_EQ(Next(sampler, {-5, -kInfinity, -4}), 2);
}

TEST(SamplerTest, DrawsFollowTheDistribution) {
  const auto counts = Histogram(Plain(), LogitsOf({0.5, 0.3, 0.15, 0.05}), 20000);
  EXPECT_NEAR(counts.at(0), 10000, 300);
  EXPECT_NEAR(counts.at(1), 6000, 300);
  EXPECT_NEAR(counts.at(2), 3000, 200);
  EXPECT_NEAR(counts.at(3), 1000, 150);
}

TEST(SamplerTest, TemperatureSharpensByPowers) {
  // p^2 / sum(p^2) of {0.6, 0.4} is {36, 16} / 52.
  const auto counts = Histogram(Plain(0.5), LogitsOf({0.6, 0.4}), 10000);
  EXPECT_NEAR(counts.at(0), 10000 * 36.0 / 52, 200);
}

TEST(SamplerTest, TopPKeepsTokensUntilTheMassBeforeThemExceedsIt) {
  GenerationOptions options = Plain();
  options.top_p = 0.45;
  EXPECT_THAT(Support(options, {0.5, 0.3, 0.2}), ElementsAre(0));
  options.top_p = 0.55;
  EXPECT_THAT(Support(options, {0.5, 0.3, 0.2}), ElementsAre(0, 1));
  options.top_p = 0.85;
  EXPECT_THAT(Support(options, {0.2, 0.3, 0.5}), ElementsAre(0, 1, 2));
}

TEST(SamplerTest, TopKKeepsTheMostLikelyAndTopPSeesOnlyThem) {
  GenerationOptions options = Plain();
  options.top_k = 2;
  EXPECT_THAT(Support(options, {0.2, 0.5, 0.3}), ElementsAre(1, 2));
  // Of {0.5, 0.3} renormalised, the first holds 0.625: with 0.6 it stands alone.
  options.top_p = 0.6;
  EXPECT_THAT(Support(options, {0.2, 0.5, 0.3}), ElementsAre(1));
  options.top_k = 1;
  options.top_p = 1;
  EXPECT_THAT(Support(options, {0.2, 0.5, 0.3}), ElementsAre(1));
}

TEST(SamplerTest, MinPDropsWhatIsFarBelowTheBest) {
  GenerationOptions options = Plain();
  options.min_p = 0.5;
  EXPECT_THAT(Support(options, {0.5, 0.3, 0.2}), ElementsAre(0, 1));
}

TEST(SamplerTest, ASeedRepeatsAndAnotherDoesNot) {
  const std::vector<float> logits(1000, 1.0F);
  const auto draw = [&](uint64_t seed) {
    GenerationOptions options = Plain();
    options.seed = seed;
    Sampler sampler = MakeSampler(options);
    std::vector<TokenId> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(Next(sampler, logits));
    return ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(SamplerTest, RepetitionPenaltyDividesPositiveAndMultipliesNegativeLogits) {
  GenerationOptions options = Plain(0);
  options.repetition_penalty = 2;
  Sampler prompt_has_0 = MakeSampler(options, {0});
  EXPECT_EQ(Next(prompt_has_0, {3, 2, 1}), 1);     // 3 / 2 < 2
  EXPECT_EQ(Next(prompt_has_0, {3, 2, 1.6F}), 2);  // and now 1 counts as seen: 2 / 2 < 1.6
  Sampler negative = MakeSampler(options, {0});
  EXPECT_EQ(Next(negative, {-1, -1.5F, -9}), 1);  // -1 * 2 < -1.5
}

TEST(SamplerTest, FrequencyAndPresencePenaltiesCountTheAnswerOnly) {
  GenerationOptions options = Plain(0);
  options.frequency_penalty = 1;
  Sampler frequency = MakeSampler(options, {0, 0, 0});
  const std::vector<float> logits = {2.5F, 1, 0};
  EXPECT_EQ(Next(frequency, logits), 0);  // the prompt does not count
  EXPECT_EQ(Next(frequency, logits), 0);  // 1.5
  EXPECT_EQ(Next(frequency, logits), 1);  // 0.5 < 1
  options.frequency_penalty = 0;
  options.presence_penalty = 1;
  Sampler presence = MakeSampler(options);
  EXPECT_EQ(Next(presence, logits), 0);
  EXPECT_EQ(Next(presence, logits), 0);  // 1.5, once is enough
  EXPECT_EQ(Next(presence, logits), 0);
}

TEST(SamplerTest, LogitBiasForcesAndForbids) {
  GenerationOptions options = Plain(0);
  options.logit_bias = {{2, 100.0F}, {0, -100.0F}};
  Sampler sampler = MakeSampler(options);
  EXPECT_EQ(Next(sampler, {9, 5, 1}), 2);
}

TEST(SamplerTest, LogprobsAreThoseOfTheUnmodifiedDistribution) {
  GenerationOptions options = Plain(0.1);
  options.top_k = 1;
  options.logprobs = 3;
  options.logit_bias = {{1, 100.0F}};
  Sampler sampler = MakeSampler(options);
  const auto sampled = sampler.Sample(LogitsOf({0.5, 0.2, 0.3}));
  ASSERT_TRUE(sampled.ok());
  const SampledToken& token = **sampled;
  EXPECT_EQ(token.id, 1);
  EXPECT_NEAR(*token.logprob, std::log(0.2), 1e-6);
  ASSERT_EQ(token.top.size(), 3U);
  EXPECT_EQ(token.top[0].id, 0);
  EXPECT_NEAR(token.top[0].logprob, std::log(0.5), 1e-6);
  EXPECT_EQ(token.top[1].id, 2);
  EXPECT_EQ(token.top[2].id, 1);
}

TEST(SamplerTest, LogprobsAreLeftOutUnlessAskedFor) {
  Sampler sampler = MakeSampler(Plain(0));
  const auto sampled = sampler.Sample(LogitsOf({0.5, 0.5}));
  ASSERT_TRUE(sampled.ok());
  EXPECT_FALSE((*sampled)->logprob.has_value());
  EXPECT_TRUE((*sampled)->top.empty());
}

TEST(SamplerTest, NoFiniteLogitIsAnError) {
  for (const double temperature : {0.0, 1.0}) {
    Sampler sampler = MakeSampler(Plain(temperature));
    const auto sampled = sampler.Sample(std::vector<float>(4, -kInfinity));
    EXPECT_EQ(sampled.status().code(), absl::StatusCode::kDataLoss);
    const auto nan = sampler.Sample(std::vector<float>(4, std::nanf("")));
    EXPECT_EQ(nan.status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(SamplerTest, TopLogprobsBreaksTiesByIdAndStopsAtTheVocabulary) {
  const auto top = TopLogprobs(std::vector<float>{1, 2, 1, 2}, 9);
  ASSERT_EQ(top.size(), 4U);
  EXPECT_EQ(top[0].id, 1);
  EXPECT_EQ(top[1].id, 3);
  EXPECT_EQ(top[2].id, 0);
  EXPECT_EQ(top[3].id, 2);
}

struct BadOption {
  const char* name;
  void (*set)(GenerationOptions&);
};

class ValidateTest : public testing::TestWithParam<BadOption> {};

TEST_P(ValidateTest, NamesTheOption) {
  GenerationOptions options;
  ASSERT_TRUE(Validate(options, 100).ok());
  GetParam().set(options);
  const absl::Status status = Validate(options, 100);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(GetParam().name));
}

INSTANTIATE_TEST_SUITE_P(
    Options, ValidateTest,
    testing::Values(
        BadOption{"max_tokens", [](GenerationOptions& o) { o.max_tokens = -1; }},
        BadOption{"temperature", [](GenerationOptions& o) { o.temperature = -0.1; }},
        BadOption{"temperature", [](GenerationOptions& o) { o.temperature = std::nan(""); }},
        BadOption{"top_p", [](GenerationOptions& o) { o.top_p = 1.5; }},
        BadOption{"top_k", [](GenerationOptions& o) { o.top_k = -3; }},
        BadOption{"min_p", [](GenerationOptions& o) { o.min_p = 2; }},
        BadOption{"repetition_penalty", [](GenerationOptions& o) { o.repetition_penalty = 0; }},
        BadOption{"logit_bias",
                  [](GenerationOptions& o) {
                    o.logit_bias = {{100, 1.0F}};
                  }},
        BadOption{"stop", [](GenerationOptions& o) { o.stop = {""}; }}));

}  // namespace
}  // namespace cria::engine
