// The ops on vectors (contracts in registry.h), written once for every simd_*.h.
#ifndef CRIA_KERNELS_CPU_VECTOR_OPS_IMPL_H_
#define CRIA_KERNELS_CPU_VECTOR_OPS_IMPL_H_

#include "kernels/cpu/simd_common.h"
#include "kernels/registry.h"

namespace cria::kernels {
namespace {

void RmsNormImpl(const float* x, const float* weight, float eps, int64_t n, float* y) {
  F sums[4] = {Set1(0), Set1(0), Set1(0), Set1(0)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) {
      const F v = Load(x + i + j * kLanes);
      sums[j] = Fma(v, v, sums[j]);
    }
  }
  for (; i < n; i += kLanes) {
    const F v = LoadPart(x + i, n - i);
    sums[0] = Fma(v, v, sums[0]);
  }
  float total[4];
  ReduceAdd4(sums[0], sums[1], sums[2], sums[3], total);
  const float mean = ((total[0] + total[1]) + (total[2] + total[3])) / static_cast<float>(n);
  const F scale = Set1(1.0f / __builtin_sqrtf(mean + eps));
  for (i = 0; i < n; i += kLanes)
    StorePart(y + i, Mul(Mul(LoadPart(x + i, n - i), scale), LoadPart(weight + i, n - i)), n - i);
}

void RopePair(float* a, float* b, float cos, float sin) {
  const float turned = *a * cos - *b * sin;
  *b = *a * sin + *b * cos;
  *a = turned;
}

void RopeHalves(float* x, int64_t pairs, const float* cos, const float* sin) {
  int64_t i = 0;
  for (; i + kLanes <= pairs; i += kLanes) {
    const F a = Load(x + i), b = Load(x + pairs + i), c = Load(cos + i), s = Load(sin + i);
    Store(x + i, Fnma(b, s, Mul(a, c)));
    Store(x + pairs + i, Fma(a, s, Mul(b, c)));
  }
  for (; i < pairs; ++i) RopePair(x + i, x + pairs + i, cos[i], sin[i]);
}

void RopeAdjacent(float* x, int64_t pairs, const float* cos, const float* sin) {
  int64_t i = 0;
  for (; i + kLanes <= pairs; i += kLanes) {
    F a, b, low, high;
    Deinterleave(Load(x + 2 * i), Load(x + 2 * i + kLanes), &a, &b);
    const F c = Load(cos + i), s = Load(sin + i);
    Interleave(Fnma(b, s, Mul(a, c)), Fma(a, s, Mul(b, c)), &low, &high);
    Store(x + 2 * i, low);
    Store(x + 2 * i + kLanes, high);
  }
  for (; i < pairs; ++i) RopePair(x + 2 * i, x + 2 * i + 1, cos[i], sin[i]);
}

void RopeImpl(float* x, int64_t heads, int64_t head_dim, int64_t rotary, const float* cos,
              const float* sin, RopePairing pairing) {
  for (int64_t h = 0; h < heads; ++h, x += head_dim) {
    if (pairing == RopePairing::kAdjacent) {
      RopeAdjacent(x, rotary / 2, cos, sin);
    } else {
      RopeHalves(x, rotary / 2, cos, sin);
    }
  }
}

void SwigluImpl(const float* gate, const float* up, int64_t n, float* out) {
  const F one = Set1(1);
  for (int64_t i = 0; i < n; i += kLanes) {
    const F g = LoadPart(gate + i, n - i);
    const F silu = Div(g, Add(one, Exp(Sub(Set1(0), g))));
    StorePart(out + i, Mul(silu, LoadPart(up + i, n - i)), n - i);
  }
}

void AddImpl(const float* y, int64_t n, float* x) {
  for (int64_t i = 0; i < n; i += kLanes)
    StorePart(x + i, Add(LoadPart(x + i, n - i), LoadPart(y + i, n - i)), n - i);
}

// One butterfly inside a vector: lanes i and i XOR kDistance become their sum and difference.
template <int kDistance>
CRIA_INLINE F Butterfly(F x) {
  float signs[kLanes];
  for (int i = 0; i < kLanes; ++i) signs[i] = (i & kDistance) == 0 ? 1.0f : -1.0f;
  return Fma(x, Load(signs), Exchange<kDistance>(x));
}

template <int kDistance>
CRIA_INLINE F Butterflies(F x) {
  if constexpr (kDistance < kLanes) {
    return Butterflies<2 * kDistance>(Butterfly<kDistance>(x));
  } else {
    return x;
  }
}

void ShortHadamard(float* x, int64_t n, float scale) {
  for (int64_t half = 1; half < n; half *= 2) {
    for (int64_t i = 0; i < n; ++i) {
      if ((i & half) != 0) continue;
      const float a = x[i], b = x[i + half];
      x[i] = a + b;
      x[i + half] = a - b;
    }
  }
  for (int64_t i = 0; i < n; ++i) x[i] *= scale;
}

void HadamardImpl(float* x, int64_t n) {
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(n));
  if (n < kLanes) return ShortHadamard(x, n, scale);
  for (int64_t i = 0; i < n; i += kLanes)
    Store(x + i, Mul(Butterflies<1>(Load(x + i)), Set1(scale)));
  for (int64_t half = kLanes; half < n; half *= 2) {
    for (int64_t block = 0; block < n; block += 2 * half) {
      for (int64_t i = block; i < block + half; i += kLanes) {
        const F a = Load(x + i), b = Load(x + i + half);
        Store(x + i, Add(a, b));
        Store(x + i + half, Sub(a, b));
      }
    }
  }
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_VECTOR_OPS_IMPL_H_
