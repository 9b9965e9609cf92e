// The intrinsics of AVX-512 as SIMDe writes them for lesser processors, under their own names, and
// those that Debian 12's SIMDe (0.7.4-rc2) lacks. Only the tests include it: see simd_avx512.h.
#ifndef CRIA_TESTS_KERNELS_CROSS_SIMDE_SHIM_H_
#define CRIA_TESTS_KERNELS_CROSS_SIMDE_SHIM_H_

#if defined(__AVX512F__)
#error "SIMDe would use the real instructions"
#endif

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

namespace cria::kernels {
namespace {

// Two halves of 8 lanes each, by AVX2.
inline __m512i Join(__m256i low, __m256i high) {
  return simde_mm512_inserti64x4(simde_mm512_castsi256_si512(low), high, 1);
}
inline __m512 Join(__m256 low, __m256 high) {
  return simde_mm512_castsi512_ps(Join(_mm256_castps_si256(low), _mm256_castps_si256(high)));
}
inline __m256i Half(__m512i x, int half) {
  __m256i halves[2];
  __builtin_memcpy(halves, &x, sizeof x);
  return halves[half];
}
inline __m256 Half(__m512 x, int half) {
  return _mm256_castsi256_ps(Half(simde_mm512_castps_si512(x), half));
}

inline __m512 ShimCvtEpi32Ps(__m512i x) {
  return Join(_mm256_cvtepi32_ps(Half(x, 0)), _mm256_cvtepi32_ps(Half(x, 1)));
}
inline __m512i ShimCvtPsEpi32(__m512 x) {
  return Join(_mm256_cvtps_epi32(Half(x, 0)), _mm256_cvtps_epi32(Half(x, 1)));
}
inline __m512 ShimCvtPhPs(__m256i x) {
  return Join(_mm256_cvtph_ps(_mm256_castsi256_si128(x)),
              _mm256_cvtph_ps(_mm256_extracti128_si256(x, 1)));
}
inline __m512i ShimCvtEpi8Epi32(__m128i x) {
  return Join(_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8)));
}
inline __m512i ShimCvtEpu8Epi32(__m128i x) {
  return Join(_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8)));
}
inline __m512i ShimCvtEpu16Epi32(__m256i x) {
  return Join(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(x)),
              _mm256_cvtepu16_epi32(_mm256_extracti128_si256(x, 1)));
}
inline __m256i ShimCvtEpi32Epi16(__m512i x) {  // the low half of each lane
  int32_t lanes[16];
  int16_t words[16];
  __builtin_memcpy(lanes, &x, sizeof lanes);
  for (int i = 0; i < 16; ++i) words[i] = static_cast<int16_t>(lanes[i]);
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words));
}

}  // namespace
}  // namespace cria::kernels

#define _mm512_cvtepi32_ps ::cria::kernels::ShimCvtEpi32Ps
#define _mm512_cvtps_epi32 ::cria::kernels::ShimCvtPsEpi32
#define _mm512_cvtph_ps ::cria::kernels::ShimCvtPhPs
#define _mm512_cvtepi8_epi32 ::cria::kernels::ShimCvtEpi8Epi32
#define _mm512_cvtepu8_epi32 ::cria::kernels::ShimCvtEpu8Epi32
#define _mm512_cvtepu16_epi32 ::cria::kernels::ShimCvtEpu16Epi32
#define _mm512_cvtepi32_epi16 ::cria::kernels::ShimCvtEpi32Epi16

// SIMDe has it, but not under this name.
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4(a, b, lanes) simde_mm512_shuffle_f32x4(a, b, lanes)

#endif  // CRIA_TESTS_KERNELS_CROSS_SIMDE_SHIM_H_
