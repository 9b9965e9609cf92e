#include "checkpoint/rope_scaling.h"

#include <gtest/gtest.h>

#include <vector>

namespace cria::checkpoint {
namespace {

ModelConfig Config(int64_t head_dim, double factor) {
  ModelConfig config;
  config.rotary_dim = head_dim;
  config.rope_theta = 500000;
  config.rope_scaling = {RopeScaling::Type::kLlama3, factor, 1, 4, 8192};
  return config;
}

// The divisors that differ from 1 and from the factor, by the index of their pair.
struct Published {
  int64_t head_dim;
  double factor;
  size_t first;
  std::vector<float> divisors;
};

TEST(RopeScaling, DivisorsOfThePublishedModels) {
  const Published models[] = {
      {64, 32, 15, {1.65133F, 3.29226F, 9.66673F}},                                // 1B
      {64, 8, 15, {1.55341F, 2.69453F, 5.25733F}},                                 // Guard 1B
      {128, 32, 29, {1.23494F, 1.65133F, 2.27666F, 3.29226F, 5.1716F, 9.66673F}},  // 3B
      {128, 8, 29, {1.20748F, 1.55341F, 2.02631F, 2.69453F, 3.68425F, 5.25733F}},  // 8B, 70B
  };
  for (const Published& model : models) {
    const std::vector<float> divisors = Llama3Divisors(Config(model.head_dim, model.factor));
    ASSERT_EQ(divisors.size(), static_cast<size_t>(model.head_dim / 2));
    for (size_t i = 0; i < divisors.size(); ++i) {
      const bool before = i < model.first, after = i >= model.first + model.divisors.size();
      const float expected = before  ? 1
                             : after ? static_cast<float>(model.factor)
                                     : model.divisors[i - model.first];
      EXPECT_NEAR(divisors[i], expected, 1e-5 * expected) << model.head_dim << ": " << i;
    }
  }
}

TEST(RopeScaling, FrequenciesOfThePublishedModels) {
  const auto scaled = [](const ModelConfig& config, int64_t i) {
    return ScaleLlama3(RopeFrequency(config, i), config.rope_scaling);
  };
  const auto sum = [&](const ModelConfig& config) {
    double total = 0;
    for (int64_t i = 0; i < config.rotary_dim / 2; ++i) total += scaled(config, i);
    return total;
  };
  const ModelConfig small = Config(64, 32), large = Config(128, 8);
  EXPECT_NEAR(scaled(small, 1), 0.663601238, 1e-9);
  EXPECT_NEAR(scaled(small, 14), 0.00321144599, 1e-11);
  EXPECT_NEAR(scaled(small, 15), 0.00129054793, 1e-11);
  EXPECT_NEAR(scaled(small, 17), 9.7082878e-5, 1e-12);
  EXPECT_NEAR(scaled(small, 31), 9.41830673e-8, 1e-15);
  EXPECT_NEAR(sum(small), 2.9682023, 1e-6);
  EXPECT_NEAR(scaled(large, 29), 0.00216657076, 1e-11);
  EXPECT_NEAR(scaled(large, 63), 3.06892599e-7, 1e-15);
  EXPECT_NEAR(sum(large), 5.3860582, 1e-6);
  EXPECT_NEAR(sum(Config(128, 32)), 5.38518223, 1e-6);
}

}  // namespace
}  // namespace cria::checkpoint
