// What every instruction set builds from the names of its simd_*.h, which the including file
// includes first.
#ifndef CRIA_KERNELS_CPU_SIMD_COMMON_H_
#define CRIA_KERNELS_CPU_SIMD_COMMON_H_

#include <cstdint>
#include <cstring>

namespace cria::kernels {
namespace {

// Vectors of one column of a panel (16 rows).
constexpr int kRowVectors = 16 / kLanes;

CRIA_INLINE int64_t Smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// The first `count` (1 .. kLanes) floats, then zeros.
CRIA_INLINE F LoadPart(const float* p, int64_t count) {
  if (count >= kLanes) return Load(p);
  float lanes[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) lanes[i] = p[i];
  return Load(lanes);
}
CRIA_INLINE void StorePart(float* p, F x, int64_t count) {
  if (count >= kLanes) return Store(p, x);
  float lanes[kLanes];
  Store(lanes, x);
  for (int64_t i = 0; i < count; ++i) p[i] = lanes[i];
}

CRIA_INLINE float ReduceAdd(F x) {
  float sums[4];
  const F zero = Set1(0);
  ReduceAdd4(x, zero, zero, zero, sums);
  return sums[0];
}

// The largest bit pattern of |x|, which is above that of infinity if and only if there is a NaN.
CRIA_INLINE int32_t ReduceMaxBits(I x) {
  int32_t lanes[kLanes];
  memcpy(lanes, &x, sizeof x);
  int32_t largest = 0;
  for (int i = 0; i < kLanes; ++i) largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}
CRIA_INLINE I MagnitudeBits(F x) { return And(Bits(x), SetI(0x7fffffff)); }
constexpr int32_t kInfinityBits = 0x7f800000;

// exp(x) to within 2 units in the last place for x in [-87.3, 88]; beyond, the value at the nearer
// end; NaN for NaN. Splits x = n log(2) + r, log(2) in two parts (Cody, Waite: "Software Manual for
// the Elementary Functions", 1980), and sums the Taylor series of exp(r), |r| <= log(2) / 2, to the
// seventh power: what is left out is below 6e-9.
CRIA_INLINE F Exp(F x) {
  x = Min(Set1(88.0f), Max(Set1(-87.3f), x));
  const F n = Round(Mul(x, Set1(1.44269504088896341f)));
  F r = Fnma(n, Set1(0.693359375f), x);
  r = Fnma(n, Set1(-2.12194440054690583e-4f), r);
  F sum = Set1(1.0f / 5040);
  sum = Fma(sum, r, Set1(1.0f / 720));
  sum = Fma(sum, r, Set1(1.0f / 120));
  sum = Fma(sum, r, Set1(1.0f / 24));
  sum = Fma(sum, r, Set1(1.0f / 6));
  sum = Fma(sum, r, Set1(0.5f));
  sum = Fma(sum, r, Set1(1.0f));
  sum = Fma(sum, r, Set1(1.0f));
  return Mul(sum, FromBits(ShiftLeft<23>(AddI(ToInt(n), SetI(127)))));
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_SIMD_COMMON_H_
