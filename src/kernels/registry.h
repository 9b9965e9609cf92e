// The instruction sets Cria has kernels for. Chosen once at start, by what the processor has; can
// be listed, named and forced. `reference` is plain C++, always there, and the definition of every
// op.
#ifndef CRIA_KERNELS_REGISTRY_H_
#define CRIA_KERNELS_REGISTRY_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "base/cpu_features.h"
#include "kernels/attention.h"
#include "kernels/limits.h"
#include "kernels/matmul.h"

namespace cria::kernels {

// Which elements of a head vector rotate together.
enum class RopePairing : uint8_t {
  kAdjacent,  // (2i, 2i + 1): Meta and GGUF checkpoints
  kHalves,    // (i, i + D/2): Hugging Face checkpoints
};

// One table per ISA. All functions are pure on their arguments, thread-safe, and never allocate.
struct Kernels {
  std::string_view isa;          // "avx512_vnni", ...
  std::string_view description;  // for people
  // What this ISA multiplies a weight kind with when speed counts and quality allows (Supports()):
  // in long prompts, which arithmetic bounds, and in answers and short prompts, where the reading
  // of weights leaves time for a finer rounding.
  Activations (*prompt_activations)(WeightKind kind);
  Activations (*answer_activations)(WeightKind kind);

  // Turns one token x [K] into `prepared` (PreparedBytes).
  void (*prepare)(Activations activations, const float* x, int64_t cols, uint8_t* prepared);
  void (*matmul)(const MatMulArgs& args);
  void (*attention)(const AttentionArgs& args);
  // y[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i]; y may be x. (Zhang, Sennrich: "RMSNorm",
  // 2019.)
  void (*rms_norm)(const float* x, const float* weight, float eps, int64_t n, float* y);
  // Rotates `heads` vectors of `head_dim` in place by the angles whose cosines and sines are given
  // [rotary / 2]; only the first `rotary` elements of each turn (Su et al.: "RoFormer", 2021).
  void (*rope)(float* x, int64_t heads, int64_t head_dim, int64_t rotary, const float* cos,
               const float* sin, RopePairing pairing);
  // out[i] = silu(gate[i]) * up[i], silu(x) = x / (1 + exp(-x)); out may be gate. (Shazeer: "GLU
  // Variants", 2020.)
  void (*swiglu)(const float* gate, const float* up, int64_t n, float* out);
  // x[i] += y[i]
  void (*add)(const float* y, int64_t n, float* x);
  // x <- H x / sqrt(n), H the Hadamard matrix in Sylvester's order, n a power of two.
  void (*hadamard)(float* x, int64_t n);

  const LimitProbes* limits = nullptr;  // nullptr: none are known (reference)
};

// Every table compiled into this binary, best first, `reference` last; whether the processor runs
// it is `Runs`.
std::span<const Kernels* const> AllKernels();
bool Runs(const Kernels& kernels, const base::CpuFeatures& cpu);

// The table of that name, or nullptr. The names: reference, avx2, avx512_vnni,
// avx512_bf16, neon_dotprod.
const Kernels* FindKernels(std::string_view isa);

// The best table that this processor runs.
const Kernels& BestKernels(const base::CpuFeatures& cpu);

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_REGISTRY_H_
