// A real instruct model, SmolLM2-135M as GGUF Q4_1, against transformers on the dequantised
// weights: the probability of every token of a fixed text, and 20 greedy answers. Needs the model
// file (98 MB): $CRIA_SMOLLM2, or the default model of the store.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/file.h"
#include "golden.h"
#include "hub/model_store.h"

namespace cria::parity {
namespace {

constexpr char kFolder[] = "tests/data/smollm2";
constexpr int32_t kStop[] = {2};  // <|im_end|>
constexpr size_t kAnswerTokens = 32;

// The model's path, or "" where there is none.
std::string FindModel() {
  if (const char* path = std::getenv("CRIA_SMOLLM2"); path != nullptr) return path;
  const auto store = hub::ModelStore::FromEnvironment();
  if (!store.ok()) return "";
  const auto model = store->Resolve("smollm2:135m");
  return model.ok() ? model->path : "";
}

class SmolLm2Test : public testing::Test {
 protected:
  void SetUp() override {
    path_ = FindModel();
    if (!path_.empty()) return;
    GTEST_SKIP() << "SKIPPED: SmolLM2-135M is absent (tools/fetch_default_model.sh brings it, "
                    "CRIA_SMOLLM2 names it)";
  }

  std::shared_ptr<const model::Model> Load(const Arithmetic& arithmetic) {
    auto loaded = LoadModel(path_, arithmetic, pool_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? *loaded : nullptr;
  }

  // log p(token i | the tokens before it), for i from 1 on.
  std::vector<double> LogProbabilities(const model::Model& model, std::span<const int32_t> tokens);

  std::string path_;
  base::ThreadPool pool_{base::UsableCores(), /*pin=*/false};
};

double LogProbability(std::span<const float> logits, int32_t token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return static_cast<double>(logits[static_cast<size_t>(token)]) - largest - std::log(sum);
}

std::vector<double> SmolLm2Test::LogProbabilities(const model::Model& model,
                                                  std::span<const int32_t> tokens) {
  constexpr size_t kChunk = 128;  // of which all logits are held
  model::KvCache cache(model.kv_layout(), static_cast<int64_t>(tokens.size()));
  model::Workspace workspace;
  std::vector<double> scores;
  for (size_t begin = 0; begin + 1 < tokens.size(); begin += kChunk) {
    const auto part = tokens.subspan(begin, std::min(kChunk, tokens.size() - 1 - begin));
    const model::SequenceStep step{&cache, part, model::LogitsWanted::kAll};
    const auto logits = model.Forward({&step, 1}, workspace, pool_);
    EXPECT_TRUE(logits.ok()) << logits.status();
    if (!logits.ok()) break;
    for (size_t i = 0; i < part.size(); ++i) {
      scores.push_back(LogProbability(logits->row(static_cast<int64_t>(i)), tokens[begin + i + 1]));
    }
  }
  return scores;
}

double Perplexity(std::span<const double> scores) {
  double sum = 0;
  for (const double score : scores) sum += score;
  return std::exp(-sum / static_cast<double>(scores.size()));
}

struct TextGolden {
  std::vector<int32_t> tokens;
  std::vector<double> scores;
};

TextGolden LoadText() {
  const auto object = LoadObject(absl::StrCat(kFolder, "/perplexity.json"));
  EXPECT_TRUE(object.ok()) << object.status();
  if (!object.ok()) return {};
  return {Integers(object->at("tokens").as_array()),
          Numbers(object->at("token_logprobs").as_array())};
}

TEST_F(SmolLm2Test, PerplexityIsTheReferences) {
  const TextGolden golden = LoadText();
  const auto model = Load({.kv_type = kernels::KvType::kBf16});
  ASSERT_NE(model, nullptr);
  const std::vector<double> scores = LogProbabilities(*model, golden.tokens);
  ASSERT_EQ(scores.size(), golden.scores.size());
  const double ours = Perplexity(scores), theirs = Perplexity(golden.scores);
  std::printf("perplexity %.4f, reference %.4f (%+.3f%%)\n", ours, theirs,
              100 * (ours / theirs - 1));
  EXPECT_NEAR(ours / theirs, 1, 0.005);
}

TEST_F(SmolLm2Test, EveryTokenIsAsLikelyAsInTheReference) {
  TextGolden golden = LoadText();
  const auto model = Load({.f32_activations = true});
  ASSERT_NE(model, nullptr);
  const size_t count = 500;
  const std::vector<double> scores =
      LogProbabilities(*model, std::span(golden.tokens).first(count + 1));
  ASSERT_EQ(scores.size(), count);
  for (size_t i = 0; i < count; ++i) {
    EXPECT_NEAR(scores[i], golden.scores[i], 2e-3) << "token " << i + 1;
  }
}

struct Answers {
  std::vector<std::string> questions;
  std::vector<std::vector<int32_t>> prompts, tokens;
  std::vector<std::vector<double>> margins;  // by how much the chosen token's logit led
};

Answers LoadAnswers() {
  const auto object = LoadObject(absl::StrCat(kFolder, "/greedy.json"));
  EXPECT_TRUE(object.ok()) << object.status();
  Answers answers;
  if (!object.ok()) return answers;
  for (const base::json::value& value : object->at("answers").as_array()) {
    const base::json::object& answer = value.as_object();
    answers.questions.emplace_back(answer.at("question").as_string());
    answers.prompts.push_back(Integers(answer.at("prompt").as_array()));
    answers.tokens.push_back(Integers(answer.at("tokens").as_array()));
    answers.margins.push_back(Numbers(answer.at("margins").as_array()));
  }
  return answers;
}

// How many answers are the reference's. Each other one must leave it where the reference itself
// hardly decides.
int CountEqual(const Answers& golden, const std::vector<std::vector<int32_t>>& ours,
               double near_tie) {
  int equal = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    if (ours[i] == golden.tokens[i]) {
      ++equal;
      continue;
    }
    const auto [mine, theirs] = std::ranges::mismatch(ours[i], golden.tokens[i]);
    const size_t at = static_cast<size_t>(theirs - golden.tokens[i].begin());
    const double margin = at < golden.margins[i].size() ? golden.margins[i][at] : HUGE_VAL;
    std::printf("\"%s\": leaves the reference at token %zu, whose logit leads by %.4f\n",
                golden.questions[i].c_str(), at, margin);
    EXPECT_LE(margin, near_tie) << golden.questions[i];
  }
  std::printf("%d of %zu answers are the reference's\n", equal, ours.size());
  return equal;
}

TEST_F(SmolLm2Test, GreedyAnswersAreTheReferences) {
  const Answers golden = LoadAnswers();
  const auto model = Load({.f32_activations = true});
  ASSERT_NE(model, nullptr);
  const auto ours = Greedy(*model, golden.prompts, kAnswerTokens, kStop, pool_);
  ASSERT_TRUE(ours.ok()) << ours.status();
  EXPECT_EQ(CountEqual(golden, *ours, /*near_tie=*/1e-3), 20);
}

TEST_F(SmolLm2Test, GreedyAnswersInDefaultArithmetic) {
  const Answers golden = LoadAnswers();
  const auto model = Load({.kv_type = kernels::KvType::kBf16});
  ASSERT_NE(model, nullptr);
  const auto ours = Greedy(*model, golden.prompts, kAnswerTokens, kStop, pool_);
  ASSERT_TRUE(ours.ok()) << ours.status();
  EXPECT_GE(CountEqual(golden, *ours, /*near_tie=*/0.25), 18);
}

}  // namespace
}  // namespace cria::parity
