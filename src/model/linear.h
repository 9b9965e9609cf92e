// A linear layer at run time: packed weights, an optional bias, an optional LoRA branch.
#ifndef CRIA_MODEL_LINEAR_H_
#define CRIA_MODEL_LINEAR_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "checkpoint/checkpoint.h"
#include "kernels/registry.h"
#include "model/weight_packer.h"

namespace cria::model {

// y = W x + b + lora_scale * B (A x). Immutable after Load; share freely.
class Linear {
 public:
  // Packs tensor `name`.weight of `checkpoint` (which Checkpoint has validated), with
  // `name`.scales, .bias and .adaptor where present. `f32_activations`: multiply with unrounded
  // activations whatever the weights are.
  static absl::StatusOr<Linear> Load(const checkpoint::Checkpoint& checkpoint,
                                     const std::string& name, const kernels::Kernels& kernels,
                                     bool f32_activations, WeightPacker& packer);

  int64_t rows() const { return weights().rows; }
  int64_t cols() const { return weights().cols; }
  const kernels::PackedMatrix& weights() const { return weights_.matrix; }
  // What a token of a long prompt, or of an answer or short prompt (LinearInput), is multiplied as.
  kernels::Activations activations(bool answer) const {
    return answer ? answer_activations_ : prompt_activations_;
  }
  const std::vector<float>& bias() const { return bias_; }  // [rows] or empty
  bool has_lora() const { return lora_a_ != nullptr; }
  const Linear& lora_a() const { return *lora_a_; }  // [rank, cols]
  const Linear& lora_b() const { return *lora_b_; }  // [rows, rank]
  float lora_scale() const { return lora_scale_; }
  uint64_t bytes() const;  // of packed weights

 private:
  PackedWeights weights_;
  kernels::Activations prompt_activations_ = kernels::Activations::kF32;
  kernels::Activations answer_activations_ = kernels::Activations::kF32;
  std::vector<float> bias_;
  std::unique_ptr<Linear> lora_a_, lora_b_;
  float lora_scale_ = 0;
};

// What goes into linears.
struct LinearInput {
  const float* x = nullptr;  // [T, K]
  int64_t tokens = 0;        // T
  // [T]: which tokens belong to answers and short prompts; nullptr: all. See
  // kernels::Kernels::answer_activations.
  const uint8_t* answers = nullptr;
};

// Activations prepared for products, grown on demand and reused. One step at a time.
class PreparedActivations {
 public:
  // Prepares the inputs for every kind that `linears` (all of K columns) need. kResourceExhausted
  // when there is no memory.
  absl::Status Prepare(const kernels::Kernels& kernels, std::span<const Linear* const> linears,
                       const LinearInput& input, base::ThreadPool& pool);
  // Where token `token` begins.
  const uint8_t* Get(kernels::Activations activations, int64_t cols, int64_t token) const;

 private:
  std::array<base::AlignedBuffer, 6> slots_;  // by kernels::Activations
};

// One linear of a group that shares its input, and where its result goes.
struct LinearOutput {
  const Linear* linear = nullptr;
  float* out = nullptr;  // [T, out_stride]
  int64_t out_stride = 0;
};

// Multiplies all of `outputs` with the same input in one parallel region (biases and LoRA branches
// included). `accumulate`: adds to what is in `out`.
absl::Status Multiply(const kernels::Kernels& kernels, std::span<const LinearOutput> outputs,
                      const LinearInput& input, bool accumulate, PreparedActivations* prepared,
                      base::ThreadPool& pool);

}  // namespace cria::model

#endif  // CRIA_MODEL_LINEAR_H_
