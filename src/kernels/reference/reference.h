// The definition of every op: plain C++, sums in double precision, no attention to speed. A fast
// kernel must agree with these to the tolerance that its test states. Contracts: matmul.h,
// attention.h and registry.h.
#ifndef CRIA_KERNELS_REFERENCE_REFERENCE_H_
#define CRIA_KERNELS_REFERENCE_REFERENCE_H_

#include "kernels/registry.h"

namespace cria::kernels::reference {

Activations DefaultActivations(WeightKind kind);
void Prepare(Activations activations, const float* x, int64_t cols, uint8_t* prepared);
void MatMul(const MatMulArgs& args);
void Attention(const AttentionArgs& args);
void RmsNorm(const float* x, const float* weight, float eps, int64_t n, float* y);
void Rope(float* x, int64_t heads, int64_t head_dim, int64_t rotary, const float* cos,
          const float* sin, RopePairing pairing);
void Swiglu(const float* gate, const float* up, int64_t n, float* out);
void Add(const float* y, int64_t n, float* x);
void Hadamard(float* x, int64_t n);

}  // namespace cria::kernels::reference

#endif  // CRIA_KERNELS_REFERENCE_REFERENCE_H_
