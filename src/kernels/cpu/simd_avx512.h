// The vector type of the AVX-512 kernels: 16 lanes. Every simd_*.h offers the same names, so that
// an op is written once (in *_impl.h) and compiled for each instruction set. Internal linkage only,
// and nothing from the C++ library: see packed_layout.h.
#ifndef CRIA_KERNELS_CPU_SIMD_AVX512_H_
#define CRIA_KERNELS_CPU_SIMD_AVX512_H_

#include <cstdint>
#include <cstring>

// The namespaces that the functions of these files go to; see isa_tables.h.
#if defined(CRIA_KERNELS_SIMDE)
#include "kernels/cpu/simde_shim.h"
#define CRIA_AVX512 avx512_vnni_simde
#define CRIA_AVX512_BF16 avx512_bf16_simde
#else
#include <immintrin.h>
#define CRIA_AVX512 avx512_vnni
#define CRIA_AVX512_BF16 avx512_bf16
#endif

#define CRIA_INLINE [[gnu::always_inline]] inline

namespace cria::kernels {
namespace {

using F = __m512;   // floats
using I = __m512i;  // int32, or the bytes of them
constexpr int kLanes = 16;
constexpr int kRegisters = 32;
constexpr int kTileTokens =
    8;  // tokens of a matrix product that share unpacked weights in registers

CRIA_INLINE F Set1(float x) { return _mm512_set1_ps(x); }
CRIA_INLINE F Load(const float* p) { return _mm512_loadu_ps(p); }
CRIA_INLINE void Store(float* p, F x) { _mm512_storeu_ps(p, x); }
CRIA_INLINE F Add(F a, F b) { return _mm512_add_ps(a, b); }
CRIA_INLINE F Sub(F a, F b) { return _mm512_sub_ps(a, b); }
CRIA_INLINE F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
CRIA_INLINE F Div(F a, F b) { return _mm512_div_ps(a, b); }
CRIA_INLINE F Fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }    // a * b + c
CRIA_INLINE F Fnma(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a * b
CRIA_INLINE F Fms(F a, F b, F c) { return _mm512_fmsub_ps(a, b, c); }    // a * b - c
CRIA_INLINE F Max(F a, F b) { return _mm512_max_ps(a, b); }              // b where either is NaN
CRIA_INLINE F Min(F a, F b) { return _mm512_min_ps(a, b); }
CRIA_INLINE F Round(F x) { return _mm512_roundscale_ps(x, 0); }  // to nearest, ties to even

CRIA_INLINE I SetI(int32_t x) { return _mm512_set1_epi32(x); }
CRIA_INLINE I LoadI(const void* p) { return _mm512_loadu_si512(p); }
CRIA_INLINE void StoreI(void* p, I x) { _mm512_storeu_si512(p, x); }
CRIA_INLINE I And(I a, I b) { return _mm512_and_si512(a, b); }
CRIA_INLINE I Or(I a, I b) { return _mm512_or_si512(a, b); }
CRIA_INLINE I AddI(I a, I b) { return _mm512_add_epi32(a, b); }
CRIA_INLINE I MaxI(I a, I b) { return _mm512_max_epi32(a, b); }
template <int kBits>
CRIA_INLINE I ShiftLeft(I a) {
  return _mm512_slli_epi32(a, kBits);
}
template <int kBits>
CRIA_INLINE I ShiftRight(I a) {  // logical
  return _mm512_srli_epi32(a, kBits);
}
CRIA_INLINE I Bits(F x) { return _mm512_castps_si512(x); }
CRIA_INLINE F FromBits(I x) { return _mm512_castsi512_ps(x); }
CRIA_INLINE F ToFloat(I x) { return _mm512_cvtepi32_ps(x); }
CRIA_INLINE I ToInt(F x) { return _mm512_cvtps_epi32(x); }  // to nearest, ties to even

CRIA_INLINE __m128i Load128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
CRIA_INLINE __m256i Load256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
CRIA_INLINE F LoadF16(const void* p) { return _mm512_cvtph_ps(Load256(p)); }
CRIA_INLINE F LoadBf16(const void* p) {
  return FromBits(_mm512_slli_epi32(_mm512_cvtepu16_epi32(Load256(p)), 16));
}
CRIA_INLINE F LoadU8(const void* p) { return ToFloat(_mm512_cvtepu8_epi32(Load128(p))); }
CRIA_INLINE F LoadI8(const void* p) { return ToFloat(_mm512_cvtepi8_epi32(Load128(p))); }
// Integers of magnitude below 128.
CRIA_INLINE void StoreI8(int8_t* p, F x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(ToInt(x)));
}
CRIA_INLINE void StoreU16(uint16_t* p, I x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(x));
}

// Sums of the lanes of four vectors, each by the same tree.
CRIA_INLINE void ReduceAdd4(F a, F b, F c, F d, float* out) {
  const F ab = Add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const F cd = Add(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  F sum = Add(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  sum = Add(sum, _mm512_shuffle_f32x4(sum, sum, 0x4e));
  sum = Add(sum, _mm512_shuffle_f32x4(sum, sum, 0xb1));
  _mm_storeu_ps(out, _mm512_castps512_ps128(sum));
}
CRIA_INLINE float ReduceMax(F x) {
  x = Max(x, _mm512_shuffle_f32x4(x, x, 0x4e));
  x = Max(x, _mm512_shuffle_f32x4(x, x, 0xb1));
  x = Max(x, _mm512_shuffle_ps(x, x, 0x4e));
  x = Max(x, _mm512_shuffle_ps(x, x, 0xb1));
  return _mm_cvtss_f32(_mm512_castps512_ps128(x));
}

// Lane i gets lane i XOR kDistance.
template <int kDistance>
CRIA_INLINE F Exchange(F x) {
  if constexpr (kDistance == 1) return _mm512_shuffle_ps(x, x, 0xb1);
  if constexpr (kDistance == 2) return _mm512_shuffle_ps(x, x, 0x4e);
  if constexpr (kDistance == 4) return _mm512_shuffle_f32x4(x, x, 0xb1);
  return _mm512_shuffle_f32x4(x, x, 0x4e);
}
// (a0 b0 a1 b1 ...) in two vectors to (a0 a1 ...), (b0 b1 ...), and back.
CRIA_INLINE void Deinterleave(F x, F y, F* even, F* odd) {
  const I evens = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  *even = _mm512_permutex2var_ps(x, evens, y);
  *odd = _mm512_permutex2var_ps(x, AddI(evens, SetI(1)), y);
}
CRIA_INLINE void Interleave(F even, F odd, F* x, F* y) {
  const I low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  *x = _mm512_permutex2var_ps(even, low, odd);
  *y = _mm512_permutex2var_ps(even, AddI(low, SetI(8)), odd);
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_SIMD_AVX512_H_
