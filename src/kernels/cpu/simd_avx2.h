// The vector type of the AVX2 kernels: 8 lanes. See simd_avx512.h.
#ifndef CRIA_KERNELS_CPU_SIMD_AVX2_H_
#define CRIA_KERNELS_CPU_SIMD_AVX2_H_

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#define CRIA_INLINE [[gnu::always_inline]] inline

namespace cria::kernels {
namespace {

using F = __m256;
using I = __m256i;
constexpr int kLanes = 8;
constexpr int kRegisters = 16;
constexpr int kTileTokens = 6;

CRIA_INLINE F Set1(float x) { return _mm256_set1_ps(x); }
CRIA_INLINE F Load(const float* p) { return _mm256_loadu_ps(p); }
CRIA_INLINE void Store(float* p, F x) { _mm256_storeu_ps(p, x); }
CRIA_INLINE F Add(F a, F b) { return _mm256_add_ps(a, b); }
CRIA_INLINE F Sub(F a, F b) { return _mm256_sub_ps(a, b); }
CRIA_INLINE F Mul(F a, F b) { return _mm256_mul_ps(a, b); }
CRIA_INLINE F Div(F a, F b) { return _mm256_div_ps(a, b); }
CRIA_INLINE F Fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
CRIA_INLINE F Fnma(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }
CRIA_INLINE F Fms(F a, F b, F c) { return _mm256_fmsub_ps(a, b, c); }
CRIA_INLINE F Max(F a, F b) { return _mm256_max_ps(a, b); }
CRIA_INLINE F Min(F a, F b) { return _mm256_min_ps(a, b); }
CRIA_INLINE F Round(F x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

CRIA_INLINE I SetI(int32_t x) { return _mm256_set1_epi32(x); }
CRIA_INLINE I LoadI(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
CRIA_INLINE void StoreI(void* p, I x) { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }
CRIA_INLINE I And(I a, I b) { return _mm256_and_si256(a, b); }
CRIA_INLINE I Or(I a, I b) { return _mm256_or_si256(a, b); }
CRIA_INLINE I AddI(I a, I b) { return _mm256_add_epi32(a, b); }
CRIA_INLINE I MaxI(I a, I b) { return _mm256_max_epi32(a, b); }
template <int kBits>
CRIA_INLINE I ShiftLeft(I a) {
  return _mm256_slli_epi32(a, kBits);
}
template <int kBits>
CRIA_INLINE I ShiftRight(I a) {
  return _mm256_srli_epi32(a, kBits);
}
CRIA_INLINE I Bits(F x) { return _mm256_castps_si256(x); }
CRIA_INLINE F FromBits(I x) { return _mm256_castsi256_ps(x); }
CRIA_INLINE F ToFloat(I x) { return _mm256_cvtepi32_ps(x); }
CRIA_INLINE I ToInt(F x) { return _mm256_cvtps_epi32(x); }

CRIA_INLINE __m128i Load64(const void* p) {
  return _mm_loadl_epi64(static_cast<const __m128i*>(p));
}
CRIA_INLINE __m128i Load128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
CRIA_INLINE F LoadF16(const void* p) { return _mm256_cvtph_ps(Load128(p)); }
CRIA_INLINE F LoadBf16(const void* p) {
  return FromBits(_mm256_slli_epi32(_mm256_cvtepu16_epi32(Load128(p)), 16));
}
CRIA_INLINE F LoadU8(const void* p) { return ToFloat(_mm256_cvtepu8_epi32(Load64(p))); }
CRIA_INLINE F LoadI8(const void* p) { return ToFloat(_mm256_cvtepi8_epi32(Load64(p))); }
CRIA_INLINE void StoreI8(int8_t* p, F x) {
  const I v = ToInt(x);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
}
CRIA_INLINE void StoreU16(uint16_t* p, I x) {
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), words);
}

CRIA_INLINE void ReduceAdd4(F a, F b, F c, F d, float* out) {
  const F ab = Add(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
  const F cd = Add(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
  const F sum = Add(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1)));
}
CRIA_INLINE float ReduceMax(F x) {
  __m128 v = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  v = _mm_max_ps(v, _mm_shuffle_ps(v, v, 0x4e));
  v = _mm_max_ps(v, _mm_shuffle_ps(v, v, 0xb1));
  return _mm_cvtss_f32(v);
}

template <int kDistance>
CRIA_INLINE F Exchange(F x) {
  if constexpr (kDistance == 1) return _mm256_permute_ps(x, 0xb1);
  if constexpr (kDistance == 2) return _mm256_permute_ps(x, 0x4e);
  return _mm256_permute2f128_ps(x, x, 0x01);
}
CRIA_INLINE F FixLanes(F x) {  // exchanges the middle quarters
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
CRIA_INLINE void Deinterleave(F x, F y, F* even, F* odd) {
  *even = FixLanes(_mm256_shuffle_ps(x, y, 0x88));
  *odd = FixLanes(_mm256_shuffle_ps(x, y, 0xdd));
}
CRIA_INLINE void Interleave(F even, F odd, F* x, F* y) {
  const F a = FixLanes(even), b = FixLanes(odd);
  *x = _mm256_unpacklo_ps(a, b);
  *y = _mm256_unpackhi_ps(a, b);
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_SIMD_AVX2_H_
