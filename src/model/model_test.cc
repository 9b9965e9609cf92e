#include "model/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace cria::model {
namespace {

// stories260K: a real model with grouped queries (see tests/data/stories260k/LICENSE).
std::shared_ptr<const Model> LoadStories(kernels::KvType kv_type, base::ThreadPool& pool,
                                         const kernels::Kernels* kernels = nullptr) {
  auto checkpoint = checkpoint::Checkpoint::Open("tests/data/stories260k");
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  ModelOptions options;
  options.kv_type = kv_type;
  options.kernels = kernels;
  auto model = Model::Load(*checkpoint, options, pool);
  EXPECT_TRUE(model.ok()) << model.status();
  return *model;
}

std::vector<int32_t> SomeTokens(int64_t count, uint64_t seed) {
  base::Rng rng(seed);
  std::vector<int32_t> tokens = {1};
  while (static_cast<int64_t>(tokens.size()) < count)
    tokens.push_back(static_cast<int32_t>(3 + rng.Below(500)));
  return tokens;
}

// All logits of `tokens`, fed in parts of `chunk`.
std::vector<float> AllLogits(const Model& model, const std::vector<int32_t>& tokens, size_t chunk,
                             base::ThreadPool& pool) {
  KvCache cache(model.kv_layout(), 512);
  Workspace workspace;
  std::vector<float> all;
  for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
    const size_t count = std::min(chunk, tokens.size() - begin);
    const SequenceStep step{&cache, {tokens.data() + begin, count}, LogitsWanted::kAll};
    auto logits = model.Forward({&step, 1}, workspace, pool);
    EXPECT_TRUE(logits.ok()) << logits.status();
    all.insert(all.end(), logits->data, logits->data + logits->rows * logits->vocab);
  }
  return all;
}

class ModelTest : public testing::TestWithParam<kernels::KvType> {};

TEST_P(ModelTest, PrefillEqualsTokenByToken) {
  base::ThreadPool pool(2, /*pin=*/false);
  const auto model = LoadStories(GetParam(), pool);
  const std::vector<int32_t> tokens = SomeTokens(75, 1);  // over two page borders
  const std::vector<float> whole = AllLogits(*model, tokens, tokens.size(), pool);
  EXPECT_EQ(whole, AllLogits(*model, tokens, 1, pool));
  EXPECT_EQ(whole, AllLogits(*model, tokens, 7, pool));
}

TEST_P(ModelTest, ARaggedBatchEqualsEachAlone) {
  base::ThreadPool pool(2, /*pin=*/false);
  const auto model = LoadStories(GetParam(), pool);
  std::vector<std::vector<int32_t>> sequences;
  std::vector<std::unique_ptr<KvCache>> caches;
  std::vector<SequenceStep> steps;
  for (const int64_t length : {1, 40, 3, 65, 17}) {
    sequences.push_back(SomeTokens(length, static_cast<uint64_t>(length)));
    caches.push_back(std::make_unique<KvCache>(model->kv_layout(), 512));
  }
  for (size_t i = 0; i < sequences.size(); ++i)
    steps.push_back({caches[i].get(), sequences[i], LogitsWanted::kLast});
  Workspace workspace;
  auto logits = model->Forward(steps, workspace, pool);
  ASSERT_TRUE(logits.ok()) << logits.status();
  ASSERT_EQ(logits->rows, static_cast<int64_t>(sequences.size()));
  for (size_t i = 0; i < sequences.size(); ++i) {
    const std::vector<float> alone = AllLogits(*model, sequences[i], 1000, pool);
    const std::span<const float> row = logits->row(static_cast<int64_t>(i));
    EXPECT_TRUE(std::equal(row.begin(), row.end(), alone.end() - logits->vocab))
        << "sequence " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(KvTypes, ModelTest,
                         testing::Values(kernels::KvType::kF32, kernels::KvType::kBf16,
                                         kernels::KvType::kInt8),
                         [](const auto& test) { return std::string(kernels::Name(test.param)); });

TEST(ModelErrorsTest, BadStepsChangeNothing) {
  base::ThreadPool pool(1);
  const auto model = LoadStories(kernels::KvType::kF32, pool);
  Workspace workspace;
  KvCache cache(model->kv_layout(), 4);
  const std::vector<int32_t> outside = {1, 512}, negative = {-1}, five = {1, 2, 3, 4, 5};
  for (const auto& [tokens, code] : {std::pair{&outside, absl::StatusCode::kInvalidArgument},
                                     std::pair{&negative, absl::StatusCode::kInvalidArgument},
                                     std::pair{&five, absl::StatusCode::kResourceExhausted}}) {
    const SequenceStep step{&cache, *tokens, LogitsWanted::kLast};
    EXPECT_EQ(model->Forward({&step, 1}, workspace, pool).status().code(), code);
    EXPECT_EQ(cache.length(), 0);
  }
}

// Llama 3.1's published rule at Llama 3.2 1B's sizes (d = 64, factor 32).
TEST(RopeTest, FrequenciesOfLlama32) {
  checkpoint::ModelConfig config;
  config.rotary_dim = 64;
  config.rope_theta = 500000;
  config.rope_scaling.type = checkpoint::RopeScaling::Type::kLlama3;
  config.rope_scaling.factor = 32;
  const std::vector<float> f = RopeFrequencies(config);
  EXPECT_NEAR(f[1], 0.663601238, 1e-7);
  EXPECT_NEAR(f[14], 0.00321144599, 1e-9);
  EXPECT_NEAR(f[15], 0.00129054793, 1e-9);
  EXPECT_NEAR(f[16], 4.29556797e-4, 1e-10);
  EXPECT_NEAR(f[17], 9.7082878e-5, 1e-11);
  EXPECT_NEAR(f[31], 9.41830673e-8, 1e-14);
  double sum = 0;
  for (const float value : f) sum += static_cast<double>(value);
  EXPECT_NEAR(sum, 2.9682023, 1e-6);
}

}  // namespace
}  // namespace cria::model
