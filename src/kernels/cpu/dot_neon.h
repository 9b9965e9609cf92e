// Dot products by SDOT, which takes signed weights: 8-bit ones are made signed, smaller ones are
// already.
#ifndef CRIA_KERNELS_CPU_DOT_NEON_H_
#define CRIA_KERNELS_CPU_DOT_NEON_H_

#include "kernels/cpu/quads.h"

namespace cria::kernels {
namespace {

template <int kBits>
constexpr int kDotBias = kBits == 8 ? 128 : 0;

// Sums begin at zero and are converted.
constexpr int32_t kDotStart = 0;
CRIA_INLINE F ScaleSum(I sum, F scale, F) { return Mul(ToFloat(sum), scale); }
CRIA_INLINE F SumToFloat(I sum) { return ToFloat(sum); }

template <int kBits, int kQuad, int kEnd, int kTokens>
CRIA_INLINE void DotPanel(const uint8_t* quants, const int8_t* x, int64_t stride, I sums[kTokens]) {
  if constexpr (kQuad < kEnd) {
    int8x16_t weights = vreinterpretq_s8_s32(Quad<kBits, kQuad>(quants));
    if constexpr (kBits == 8) weights = veorq_s8(weights, vdupq_n_s8(-128));
    for (int t = 0; t < kTokens; ++t) {
      int32_t bytes;
      memcpy(&bytes, x + t * stride + 4 * kQuad, sizeof bytes);
      sums[t] = vdotq_s32(sums[t], weights, vreinterpretq_s8_s32(vdupq_n_s32(bytes)));
    }
    DotPanel<kBits, kQuad + 1, kEnd, kTokens>(quants, x, stride, sums);
  }
}

constexpr int kInt8TilePanels = 1;
constexpr int kInt8TileTokens = kTileTokens;
constexpr int kVectorsAtOnce = 1;

// See dot_avx512.h.
template <typename Quads, int kQuad, int kEnd, int kVectors, int kTokens>
CRIA_INLINE void DotQuads(const uint8_t* quants, int64_t, const int8_t* x, int64_t stride,
                          I sums[kVectors][kTokens]) {
  static_assert(kVectors == 1);
  DotPanel<Quads::kBits, kQuad, kEnd, kTokens>(quants, x, stride, sums[0]);
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_DOT_NEON_H_
