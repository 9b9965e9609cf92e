// What tools/make_goldens.py wrote: models, tokens, and the logits that the reference
// implementation (transformers, float32, eager attention) computes for them. And running a model of
// ours on them.
#ifndef CRIA_TESTS_PARITY_GOLDEN_H_
#define CRIA_TESTS_PARITY_GOLDEN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "model/model.h"

namespace cria::parity {

inline constexpr char kGoldenFolder[] = "tests/data/parity";

// One model of tests/data/parity/index.json.
struct Golden {
  std::string name;
  std::string covers;  // in words
  std::string path;    // what Checkpoint::Open takes
  int64_t vocab = 0;
  std::vector<int32_t> tokens;
  std::vector<float> logits;  // [tokens, vocab], activations unrounded
  double tolerance = 0;       // of float32 arithmetic, relative to the largest logit

  // BF16 checkpoints: transformers' own bfloat16 run, and how far it is from `logits`.
  std::vector<float> bf16_logits;
  double bf16_error = 0;
  // Device-quantised checkpoints: with activations rounded to int8 per token.
  std::vector<float> int8_logits;
};

// All of index.json, with the logits read.
absl::StatusOr<std::vector<Golden>> LoadGoldens();

// A JSON file of the golden folders, as an object.
absl::StatusOr<base::json::object> LoadObject(const std::string& path);
std::vector<int32_t> Integers(const base::json::array& array);
std::vector<double> Numbers(const base::json::array& array);

// max |a - b| / max |b|; infinite if the sizes differ or something isn't finite.
double RelativeError(std::span<const float> a, std::span<const float> b);
// sum (a - b)^2 / sum b^2; infinite as above.
double NormalizedSquareError(std::span<const float> a, std::span<const float> b);

// How to run a model.
struct Arithmetic {
  const kernels::Kernels* kernels = nullptr;  // nullptr: the best
  bool f32_activations = false;
  kernels::KvType kv_type = kernels::KvType::kF32;
};

absl::StatusOr<std::shared_ptr<const model::Model>> LoadModel(const std::string& path,
                                                              const Arithmetic& arithmetic,
                                                              base::ThreadPool& pool);

// The logits of every token, [tokens, vocab], the tokens fed in chunks.
absl::StatusOr<std::vector<float>> AllLogits(const model::Model& model,
                                             std::span<const int32_t> tokens, size_t chunk,
                                             base::ThreadPool& pool);

// The most likely next tokens of several prompts, run as one ragged batch. Each ends after `count`
// tokens or with a token of `stop`.
absl::StatusOr<std::vector<std::vector<int32_t>>> Greedy(
    const model::Model& model, const std::vector<std::vector<int32_t>>& prompts, size_t count,
    std::span<const int32_t> stop, base::ThreadPool& pool);

}  // namespace cria::parity

#endif  // CRIA_TESTS_PARITY_GOLDEN_H_
