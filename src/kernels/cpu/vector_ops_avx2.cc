// The ops on vectors, and the preparation of activations, for AVX2 with FMA and F16C.
#include "kernels/cpu/simd_avx2.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/prepare_impl.h"
#include "kernels/cpu/vector_ops_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx2 {

void Prepare(Activations activations, const float* x, int64_t cols, uint8_t* prepared) {
  PrepareImpl(activations, x, cols, prepared);
}
void RmsNorm(const float* x, const float* weight, float eps, int64_t n, float* y) {
  RmsNormImpl(x, weight, eps, n, y);
}
void Rope(float* x, int64_t heads, int64_t head_dim, int64_t rotary, const float* cos,
          const float* sin, RopePairing pairing) {
  RopeImpl(x, heads, head_dim, rotary, cos, sin, pairing);
}
void Swiglu(const float* gate, const float* up, int64_t n, float* out) {
  SwigluImpl(gate, up, n, out);
}
void Add(const float* y, int64_t n, float* x) { AddImpl(y, n, x); }
void Hadamard(float* x, int64_t n) { HadamardImpl(x, n); }

}  // namespace cria::kernels::avx2
