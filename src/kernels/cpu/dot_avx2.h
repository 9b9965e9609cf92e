// Dot products of AVX2: bytes by vpmaddubsw, 16 bits by vpmaddwd.
//
// vpmaddubsw adds pairs of products in 16 bits and would saturate: sums are moved to 32 bits before
// they can. Activations are -128 .. 127, so a quad adds at most 2 * 128 * largest weight to a
// 16-bit sum:
//   4 bits: 8 quads x 3,840 = 30,720     5 bits: 4 quads x 7,936 = 31,744
//   6 bits: 2 quads x 16,128 = 32,256    8 bits: the two nibbles of a weight take turns
//
// A multiply and its add stand in one asm statement: GCC 12 otherwise moves the adds of a whole
// block behind the multiplies, whose results then go through memory (half the speed).
#ifndef CRIA_KERNELS_CPU_DOT_AVX2_H_
#define CRIA_KERNELS_CPU_DOT_AVX2_H_

#include "kernels/activation_layout.h"
#include "kernels/cpu/quads.h"

namespace cria::kernels {
namespace {

template <int kBits>
constexpr int kDotBias = 0;

// Sums begin at kStartBits, so that they are floats without a conversion; see dot_avx512.h.
constexpr int32_t kDotStart = kStartBits;
CRIA_INLINE F ScaleSum(I sum, F scale, F start_scaled) {
  return Fms(FromBits(sum), scale, start_scaled);
}
CRIA_INLINE F SumToFloat(I sum) { return Sub(FromBits(sum), Set1(kStartFloat)); }

// The four bytes at p in every lane, from memory: through a general register it takes a shuffle.
CRIA_INLINE I BroadcastFour(const void* p) {
  using Aliased [[gnu::may_alias]] = int32_t;
  I values;
  asm("vpbroadcastd %1, %0" : "=x"(values) : "m"(*static_cast<const Aliased*>(p)));
  return values;
}

// sum += pairs of products of unsigned and signed bytes, in 16 bits; kFirst: sum = them.
template <bool kFirst>
CRIA_INLINE void AddBytePairs(I& sum, I weights, I values) {
  if constexpr (kFirst) {
    sum = _mm256_maddubs_epi16(weights, values);
  } else {
    I product;
    asm("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0"
        : "+x"(sum), "=&x"(product)
        : "x"(weights), "x"(values));
  }
}

// sum += pairs of products of 16 bits, in 32.
CRIA_INLINE void AddWordPairs(I& sum, I weights, I values) {
  I product;
  asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
      : "+x"(sum), "=&x"(product)
      : "x"(weights), "x"(values));
}

// 16-bit lanes.
template <int kBits>
CRIA_INLINE I ShiftWordsRight(I x) {
  return _mm256_srli_epi16(x, kBits);
}
CRIA_INLINE I SubtractWords(I x, int16_t amount) {
  return _mm256_sub_epi16(x, _mm256_set1_epi16(amount));
}

// A tile's shape: 2 x 4 sums, two vectors of weights, an activation and a product; the float sums
// are in the L1 cache meanwhile.
constexpr int kInt8TilePanels = 1;
constexpr int kInt8TileTokens = 4;
constexpr int kVectorsAtOnce = kRowVectors;
constexpr bool kSecondPartsAlone = true;

// The part of a quad that one pass multiplies.
template <typename Quads, int kQuad, int kPass>
CRIA_INLINE I PassQuad(const uint8_t* quants) {
  const I weights = Quads::template Get<kQuad>(quants);
  if constexpr (Quads::kBits != 8) return weights;
  return And(Shift<-4 * kPass>(weights), SetI(0x0f0f0f0f));
}

template <typename Quads, int kPass, int kBegin, int kQuad, int kEnd, int kTokens>
CRIA_INLINE void AddPairs(const uint8_t* quants, const int8_t* x, int64_t stride,
                          I pairs[kRowVectors][kTokens]) {
  if constexpr (kQuad < kEnd) {
    I weights[kRowVectors];
    for (int v = 0; v < kRowVectors; ++v)
      weights[v] = PassQuad<Quads, kQuad, kPass>(quants + 4 * kLanes * v);
    for (int t = 0; t < kTokens; ++t) {
      const I values = BroadcastFour(x + t * stride + 4 * kQuad);
      for (int v = 0; v < kRowVectors; ++v)
        AddBytePairs<kQuad == kBegin>(pairs[v][t], weights[v], values);
    }
    AddPairs<Quads, kPass, kBegin, kQuad + 1, kEnd, kTokens>(quants, x, stride, pairs);
  }
}

// See dot_avx512.h.
template <typename Quads, int kQuad, int kEnd, int kVectors, int kTokens, int kPass = 0>
CRIA_INLINE void DotQuads(const uint8_t* quants, int64_t panel_bytes, const int8_t* x,
                          int64_t stride, I sums[kVectors][kTokens]) {
  static_assert(kVectors == kRowVectors);
  constexpr int kQuadsAtOnce = Quads::kBits == 5 ? 4 : Quads::kBits == 6 ? 2 : 8;
  if constexpr (kQuad < kEnd) {
    constexpr int kStop = kQuad + kQuadsAtOnce < kEnd ? kQuad + kQuadsAtOnce : kEnd;
    I pairs[kVectors][kTokens];
    AddPairs<Quads, kPass, kQuad, kQuad, kStop, kTokens>(quants, x, stride, pairs);
    const I factor = _mm256_set1_epi16(kPass == 0 ? 1 : 16);
    for (int v = 0; v < kVectors; ++v)
      for (int t = 0; t < kTokens; ++t)
        sums[v][t] = AddI(sums[v][t], _mm256_madd_epi16(pairs[v][t], factor));
    DotQuads<Quads, kStop, kEnd, kVectors, kTokens, kPass>(quants, panel_bytes, x, stride, sums);
    if constexpr (Quads::kBits == 8 && kPass == 0 && kStop == kEnd)
      DotQuads<Quads, kQuad, kEnd, kVectors, kTokens, 1>(quants, panel_bytes, x, stride, sums);
  }
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_DOT_AVX2_H_
