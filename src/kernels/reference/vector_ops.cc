// The ops on vectors: norm, rotation, gate, sum, Hadamard.
#include <cmath>
#include <utility>

#include "base/check.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::reference {

void RmsNorm(const float* x, const float* weight, float eps, int64_t n, float* y) {
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const auto scale = static_cast<float>(
      1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(eps)));
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * scale * weight[i];
}

void Rope(float* x, int64_t heads, int64_t head_dim, int64_t rotary, const float* cos,
          const float* sin, RopePairing pairing) {
  const int64_t pairs = rotary / 2;
  const bool adjacent = pairing == RopePairing::kAdjacent;
  for (int64_t h = 0; h < heads; ++h, x += head_dim) {
    for (int64_t i = 0; i < pairs; ++i) {
      float& a = x[adjacent ? 2 * i : i];
      float& b = x[adjacent ? 2 * i + 1 : i + pairs];
      const float turned_a = a * cos[i] - b * sin[i], turned_b = a * sin[i] + b * cos[i];
      a = turned_a;
      b = turned_b;
    }
  }
}

void Swiglu(const float* gate, const float* up, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) {
    const auto g = static_cast<double>(gate[i]);
    out[i] = static_cast<float>(g / (1.0 + std::exp(-g)) * static_cast<double>(up[i]));
  }
}

void Add(const float* y, int64_t n, float* x) {
  for (int64_t i = 0; i < n; ++i) x[i] += y[i];
}

void Hadamard(float* x, int64_t n) {
  CRIA_CHECK(n >= 1 && (n & (n - 1)) == 0);
  for (int64_t half = 1; half < n; half *= 2) {
    for (int64_t i = 0; i < n; ++i) {
      if ((i & half) != 0) continue;
      const float a = x[i], b = x[i + half];
      x[i] = a + b;
      x[i + half] = a - b;
    }
  }
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(n)));
  for (int64_t i = 0; i < n; ++i) x[i] *= scale;
}

}  // namespace cria::kernels::reference
