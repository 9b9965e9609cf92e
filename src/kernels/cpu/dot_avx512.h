// Dot products of unsigned weights and signed activations by vpdpbusd: sums of four products in 32
// bits, no saturation.
#ifndef CRIA_KERNELS_CPU_DOT_AVX512_H_
#define CRIA_KERNELS_CPU_DOT_AVX512_H_

#include "kernels/activation_layout.h"
#include "kernels/cpu/quads.h"

namespace cria::kernels {
namespace {

// What DotQuads takes from every weight by itself.
template <int kBits>
constexpr int kDotBias = 0;

// Sums begin at kStartBits, so that they are floats without a conversion.
constexpr int32_t kDotStart = kStartBits;
// sum * scale, rounded once: the scale has at most 22 bits, so that `start_scaled`, which is
// kStartFloat * scale, is exact.
CRIA_INLINE F ScaleSum(I sum, F scale, F start_scaled) {
  return Fms(FromBits(sum), scale, start_scaled);
}
CRIA_INLINE F SumToFloat(I sum) { return Sub(FromBits(sum), Set1(kStartFloat)); }

CRIA_INLINE int32_t FourBytes(const int8_t* p) {
  int32_t bytes;
  memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

CRIA_INLINE I Dot(I sum, I weights, I values) { return _mm512_dpbusd_epi32(sum, weights, values); }

// A tile's shape: 3 x 4 integer and 3 x 4 float sums fill the registers, and 7 loads stand for 12
// dot products.
constexpr int kInt8TilePanels = 3;
constexpr int kInt8TileTokens = 4;
constexpr int kVectorsAtOnce = 1;  // of a panel
// In tiles over unpacked weights, second parts are multiplied for the tokens that have one, or for
// all tokens of the tile, whichever is faster.
constexpr bool kSecondPartsAlone = false;

// sums[v][t] += the dot products of quads [kQuad, kEnd) of a block with token t, whose 32 bytes are
// at x + t * stride. Vector v is kVectorsAtOnce to a panel; `Quads` is PackedQuads or ByteQuads.
template <typename Quads, int kQuad, int kEnd, int kVectors, int kTokens>
CRIA_INLINE void DotQuads(const uint8_t* quants, int64_t panel_bytes, const int8_t* x,
                          int64_t stride, I sums[kVectors][kTokens]) {
  if constexpr (kQuad < kEnd) {
    I weights[kVectors];
    for (int v = 0; v < kVectors; ++v)
      weights[v] = Quads::template Get<kQuad>(quants + v * panel_bytes);
    for (int t = 0; t < kTokens; ++t) {
      const I values = SetI(FourBytes(x + t * stride + 4 * kQuad));
      for (int v = 0; v < kVectors; ++v) sums[v][t] = Dot(sums[v][t], weights[v], values);
    }
    DotQuads<Quads, kQuad + 1, kEnd, kVectors, kTokens>(quants, panel_bytes, x, stride, sums);
  }
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_DOT_AVX512_H_
