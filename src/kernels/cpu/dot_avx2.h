// Dot products by vpmaddubsw, which adds pairs of products in 16 bits and would saturate: sums are
// moved to 32 bits before they can. Activations are -128 .. 127, so a quad adds at most 2 * 128 *
// largest weight to a 16-bit sum:
//   4 bits: 8 quads x 3,840 = 30,720     5 bits: 4 quads x 7,936 = 31,744     6 bits: 2 quads x
//   16,128 = 32,256 8 bits: the two nibbles of a weight take turns.
#ifndef CRIA_KERNELS_CPU_DOT_AVX2_H_
#define CRIA_KERNELS_CPU_DOT_AVX2_H_

#include "kernels/cpu/quads.h"

namespace cria::kernels {
namespace {

template <int kBits>
constexpr int kDotBias = 0;

// Sums begin at zero and are converted.
constexpr int32_t kDotStart = 0;
CRIA_INLINE F ScaleSum(I sum, F scale, F) { return Mul(ToFloat(sum), scale); }
CRIA_INLINE F SumToFloat(I sum) { return ToFloat(sum); }

CRIA_INLINE int32_t FourBytes(const int8_t* p) {
  int32_t bytes;
  memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

// The part of a quad that one pass multiplies.
template <int kBits, int kQuad, int kPass>
CRIA_INLINE I PassQuad(const uint8_t* quants) {
  const I weights = Quad<kBits, kQuad>(quants);
  if constexpr (kBits != 8) return weights;
  return And(Shift<-4 * kPass>(weights), SetI(0x0f0f0f0f));
}

template <int kBits, int kPass, int kQuad, int kEnd, int kTokens>
CRIA_INLINE void AddPairs(const uint8_t* quants, const int8_t* x, int64_t stride,
                          I pairs[kTokens]) {
  if constexpr (kQuad < kEnd) {
    const I weights = PassQuad<kBits, kQuad, kPass>(quants);
    for (int t = 0; t < kTokens; ++t) {
      const I values = SetI(FourBytes(x + t * stride + 4 * kQuad));
      pairs[t] = _mm256_add_epi16(pairs[t], _mm256_maddubs_epi16(weights, values));
    }
    AddPairs<kBits, kPass, kQuad + 1, kEnd, kTokens>(quants, x, stride, pairs);
  }
}

template <int kBits, int kQuad, int kEnd, int kTokens, int kPass = 0>
CRIA_INLINE void DotPanel(const uint8_t* quants, const int8_t* x, int64_t stride, I sums[kTokens]) {
  constexpr int kQuadsAtOnce = kBits == 5 ? 4 : kBits == 6 ? 2 : 8;
  if constexpr (kQuad < kEnd) {
    constexpr int kStop = kQuad + kQuadsAtOnce < kEnd ? kQuad + kQuadsAtOnce : kEnd;
    I pairs[kTokens];
    for (int t = 0; t < kTokens; ++t) pairs[t] = SetI(0);
    AddPairs<kBits, kPass, kQuad, kStop, kTokens>(quants, x, stride, pairs);
    const I factor = _mm256_set1_epi16(kPass == 0 ? 1 : 16);
    for (int t = 0; t < kTokens; ++t) sums[t] = AddI(sums[t], _mm256_madd_epi16(pairs[t], factor));
    DotPanel<kBits, kStop, kEnd, kTokens, kPass>(quants, x, stride, sums);
  }
  if constexpr (kBits == 8 && kPass == 0 && kQuad < kEnd)
    DotPanel<kBits, kQuad, kEnd, kTokens, 1>(quants, x, stride, sums);
}

constexpr int kInt8TilePanels = 1;
constexpr int kInt8TileTokens = kTileTokens;

template <int kBits, int kQuad, int kEnd, int kPanels, int kTokens>
CRIA_INLINE void DotQuads(const uint8_t* quants, int64_t, const int8_t* x, int64_t stride,
                          I sums[kPanels][kTokens]) {
  static_assert(kPanels == 1);
  DotPanel<kBits, kQuad, kEnd, kTokens>(quants, x, stride, sums[0]);
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_DOT_AVX2_H_
