// Our logits against those of the reference implementation, for every model of tests/data/parity
// and on every instruction set that this processor runs.
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "base/cpu_features.h"
#include "golden.h"

namespace cria::parity {
namespace {

const std::vector<Golden>& Goldens() {
  static const std::vector<Golden> goldens = [] {
    auto loaded = LoadGoldens();
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? *std::move(loaded) : std::vector<Golden>();
  }();
  return goldens;
}

std::vector<const kernels::Kernels*> RunnableKernels() {
  std::vector<const kernels::Kernels*> runnable;
  for (const kernels::Kernels* table : kernels::AllKernels()) {
    if (kernels::Runs(*table, base::DetectCpu())) runnable.push_back(table);
  }
  return runnable;
}

using Case = std::tuple<size_t, const kernels::Kernels*>;  // which golden, which instruction set

class ModelParity : public testing::TestWithParam<Case> {
 protected:
  const Golden& golden() const { return Goldens()[std::get<0>(GetParam())]; }
  const kernels::Kernels* kernels() const { return std::get<1>(GetParam()); }

  std::shared_ptr<const model::Model> Load(bool f32_activations) {
    auto loaded = LoadModel(golden().path, {kernels(), f32_activations}, pool_);
    EXPECT_TRUE(loaded.ok()) << golden().name << ": " << loaded.status();
    return loaded.ok() ? *loaded : nullptr;
  }

  std::vector<float> Logits(const model::Model& model, std::span<const int32_t> tokens,
                            size_t chunk) {
    auto logits = AllLogits(model, tokens, chunk, pool_);
    EXPECT_TRUE(logits.ok()) << golden().name << ": " << logits.status();
    return logits.ok() ? *std::move(logits) : std::vector<float>();
  }

  base::ThreadPool pool_{2, /*pin=*/false};
};

TEST_P(ModelParity, Float32ArithmeticGivesTheReferenceLogits) {
  const auto model = Load(/*f32_activations=*/true);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->config().vocab, golden().vocab);
  const std::vector<float> logits = Logits(*model, golden().tokens, golden().tokens.size());
  EXPECT_LE(RelativeError(logits, golden().logits), golden().tolerance) << golden().covers;
}

TEST_P(ModelParity, DefaultArithmeticStaysWithinItsTolerance) {
  const auto model = Load(/*f32_activations=*/false);
  ASSERT_NE(model, nullptr);
  const std::vector<float> logits = Logits(*model, golden().tokens, golden().tokens.size());
  if (!golden().int8_logits.empty()) {
    // The same rounding of the same numbers; a value that lies between two steps may fall either
    // way.
    EXPECT_LE(NormalizedSquareError(logits, golden().int8_logits), 1e-4) << golden().covers;
  } else if (!golden().bf16_logits.empty()) {
    // Rounding activations to bfloat16 must not cost more than it costs the reference
    // implementation.
    EXPECT_LE(RelativeError(logits, golden().logits), 1.5 * golden().bf16_error) << golden().covers;
  } else {
    // 8 bits of activation in each of 14 products, in models whose logits depend on every one.
    EXPECT_LE(NormalizedSquareError(logits, golden().logits), 2e-3) << golden().covers;
  }
}

TEST_P(ModelParity, PartsGiveWhatTheWholeGives) {
  const auto model = Load(/*f32_activations=*/false);
  ASSERT_NE(model, nullptr);
  const std::vector<float> whole = Logits(*model, golden().tokens, golden().tokens.size());
  EXPECT_EQ(Logits(*model, golden().tokens, 1), whole) << "token by token";
  EXPECT_EQ(Logits(*model, golden().tokens, 7), whole) << "in chunks of 7";
}

TEST_P(ModelParity, ARaggedBatchGivesWhatEachSequenceGivesAlone) {
  const auto model = Load(/*f32_activations=*/false);
  ASSERT_NE(model, nullptr);
  const std::span<const int32_t> tokens(golden().tokens);
  const std::vector<std::span<const int32_t>> sequences = {tokens, tokens.subspan(3, 1),
                                                           tokens.subspan(1, 9), tokens.first(17)};
  std::vector<std::unique_ptr<model::KvCache>> caches;
  std::vector<model::SequenceStep> steps;
  for (const auto sequence : sequences) {
    caches.push_back(std::make_unique<model::KvCache>(model->kv_layout(), 64));
    steps.push_back({caches.back().get(), sequence, model::LogitsWanted::kAll});
  }
  model::Workspace workspace;
  const auto batch = model->Forward(steps, workspace, pool_);
  ASSERT_TRUE(batch.ok()) << batch.status();
  const std::vector<float> together(batch->data, batch->data + batch->rows * batch->vocab);
  std::vector<float> alone;
  for (const auto sequence : sequences) {
    const std::vector<float> logits = Logits(*model, sequence, sequence.size());
    alone.insert(alone.end(), logits.begin(), logits.end());
  }
  EXPECT_EQ(together, alone);
}

std::string CaseName(const testing::TestParamInfo<Case>& info) {
  return absl::StrCat(Goldens()[std::get<0>(info.param)].name, "_on_",
                      std::string(std::get<1>(info.param)->isa));
}

INSTANTIATE_TEST_SUITE_P(Models, ModelParity,
                         testing::Combine(testing::Range(size_t{0}, Goldens().size()),
                                          testing::ValuesIn(RunnableKernels())),
                         CaseName);

TEST(GoldensTest, CoverEveryFormat) {
  std::map<std::string, int> formats;
  for (const Golden& golden : Goldens()) ++formats[golden.name.substr(0, golden.name.find('_'))];
  const std::map<std::string, int> expected = {
      {"gguf", 17}, {"hf", 16}, {"llama2c", 2}, {"meta", 7}};
  EXPECT_EQ(formats, expected);
}

// The comparison itself: a wrong logit, a missing row and a NaN must not pass.
TEST(GoldensTest, TheComparisonCanFail) {
  const std::vector<float> golden = {1, -2, 0.5F};
  const std::vector<float> wrong = {1, -2, 0.6F}, shorter = {1, -2}, invalid = {1, -2, NAN};
  EXPECT_EQ(RelativeError(golden, golden), 0);
  EXPECT_NEAR(RelativeError(wrong, golden), 0.05, 1e-6);
  EXPECT_NEAR(NormalizedSquareError(wrong, golden), 0.01 / 5.25, 1e-6);
  for (const auto& bad : {shorter, invalid}) {
    EXPECT_EQ(RelativeError(bad, golden), HUGE_VAL);
    EXPECT_EQ(NormalizedSquareError(bad, golden), HUGE_VAL);
  }
}

}  // namespace
}  // namespace cria::parity
