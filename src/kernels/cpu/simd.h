// The few vector operations that the kernels of cpu/ are written in: 16 floats or 16 int32 at a time, whatever registers the
// including file's instruction set has (GCC splits the 64-byte vectors). Included by one .cc per ISA, which is compiled with
// that ISA's flags; everything has internal linkage, so that no copy can be merged into code that runs everywhere.
#ifndef CRIA_KERNELS_CPU_SIMD_H_
#define CRIA_KERNELS_CPU_SIMD_H_

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace cria::kernels {
namespace {

typedef float F16x __attribute__((vector_size(64)));     // 16 floats
typedef int32_t I16x __attribute__((vector_size(64)));   // 16 int32
typedef uint32_t U16x __attribute__((vector_size(64)));  // 16 uint32

template <typename V>
inline V Load(const void* source) {
  V value;
  std::memcpy(&value, source, sizeof value);
  return value;
}
inline F16x Broadcast(float value) { return F16x{} + value; }
inline F16x ToFloats(I16x value) { return __builtin_convertvector(value, F16x); }

// a * b + c with one rounding, on every ISA: results must not depend on how a loop was compiled.
inline F16x Fma(F16x a, F16x b, F16x c) {
#if defined(__AVX512F__)
  return reinterpret_cast<F16x>(_mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b),
                                                reinterpret_cast<__m512>(c)));
#elif defined(__FMA__)
  __m256 x[2], y[2], z[2];
  std::memcpy(x, &a, sizeof a);
  std::memcpy(y, &b, sizeof b);
  std::memcpy(z, &c, sizeof c);
  z[0] = _mm256_fmadd_ps(x[0], y[0], z[0]);
  z[1] = _mm256_fmadd_ps(x[1], y[1], z[1]);
  return Load<F16x>(z);
#else
  F16x result;
  for (int i = 0; i < 16; ++i) result[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return result;
#endif
}

// 16 IEEE halves.
inline F16x LoadHalves(const uint8_t* source) {
#if defined(__AVX512F__)
  return reinterpret_cast<F16x>(_mm512_cvtph_ps(Load<__m256i>(source)));
#elif defined(__F16C__)
  const __m256 halves[2] = {_mm256_cvtph_ps(Load<__m128i>(source)), _mm256_cvtph_ps(Load<__m128i>(source + 16))};
  return Load<F16x>(halves);
#else
  typedef __fp16 H16x __attribute__((vector_size(32)));
  return __builtin_convertvector(Load<H16x>(source), F16x);
#endif
}

inline F16x LoadUnsigned8(const uint8_t* source) {
  typedef uint8_t B16x __attribute__((vector_size(16)));
  return ToFloats(__builtin_convertvector(Load<B16x>(source), I16x));
}
inline F16x LoadSigned8(const uint8_t* source) {
  typedef int8_t B16x __attribute__((vector_size(16)));
  return ToFloats(__builtin_convertvector(Load<B16x>(source), I16x));
}

// sum[row] += the dot product of four unsigned weights of each of 16 rows with the four signed bytes of `x`.
// `Bits` bounds the weights: without a VNNI instruction pairs are summed in 16 bits, which 8-bit weights would overflow.
template <int Bits>
inline I16x DotQuad(I16x sum, I16x weights, int32_t x) {
#if defined(__AVX512VNNI__)
  return reinterpret_cast<I16x>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(weights),
                                                    _mm512_set1_epi32(x)));
#elif defined(__AVX2__)
  __m256i w[2], s[2];
  std::memcpy(w, &weights, sizeof weights);
  std::memcpy(s, &sum, sizeof sum);
  const __m256i activations = _mm256_set1_epi32(x), ones = _mm256_set1_epi16(1);
  for (int i = 0; i < 2; ++i) {
    if constexpr (Bits <= 6) {
      s[i] = _mm256_add_epi32(s[i], _mm256_madd_epi16(_mm256_maddubs_epi16(w[i], activations), ones));
    } else {
      const __m256i nibble = _mm256_set1_epi8(15), sixteens = _mm256_set1_epi16(16);
      const __m256i low = _mm256_maddubs_epi16(_mm256_and_si256(w[i], nibble), activations);
      const __m256i high = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(w[i], 4), nibble), activations);
      s[i] = _mm256_add_epi32(s[i], _mm256_add_epi32(_mm256_madd_epi16(low, ones), _mm256_madd_epi16(high, sixteens)));
    }
  }
  return Load<I16x>(s);
#elif defined(__ARM_FEATURE_DOTPROD)
  int8x16_t w[4];
  int32x4_t s[4];
  std::memcpy(w, &weights, sizeof weights);
  std::memcpy(s, &sum, sizeof sum);
  const int8x16_t activations = vreinterpretq_s8_s32(vdupq_n_s32(x));
  for (int i = 0; i < 4; ++i) {
    if constexpr (Bits <= 6) {
      s[i] = vdotq_s32(s[i], w[i], activations);
    } else {  // u = (u - 128) + 128
      s[i] = vdotq_s32(s[i], veorq_s8(w[i], vdupq_n_s8(-128)), activations);
      s[i] = vdotq_s32(s[i], vdupq_n_s8(64), activations);
      s[i] = vdotq_s32(s[i], vdupq_n_s8(64), activations);
    }
  }
  return Load<I16x>(s);
#else
#error "an instruction set without an 8-bit dot product"
#endif
}

// The sum of all lanes, in one fixed order.
inline float Sum(F16x v) {
  float lanes[16];
  std::memcpy(lanes, &v, sizeof v);
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  return lanes[0];
}

// exp(x), relative error below 2e-7 on [-87, 88]; smaller x give 0. Range reduction by log(2) in two parts and a
// polynomial of degree 6 (Moshier, Cephes expf).
inline F16x Exp(F16x x) {
  const F16x low = Broadcast(-87.0f), high = Broadcast(88.0f);
  const I16x underflow = x < low;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const F16x magic = Broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const F16x n = Fma(x, Broadcast(1.44269504088896341f), magic) - magic;
  F16x r = Fma(n, Broadcast(-0.693359375f), x);
  r = Fma(n, Broadcast(2.12194440e-4f), r);
  F16x p = Broadcast(1.9875691500e-4f);
  p = Fma(p, r, Broadcast(1.3981999507e-3f));
  p = Fma(p, r, Broadcast(8.3334519073e-3f));
  p = Fma(p, r, Broadcast(4.1665795894e-2f));
  p = Fma(p, r, Broadcast(1.6666665459e-1f));
  p = Fma(p, r, Broadcast(5.0000001201e-1f));
  p = Fma(p, r * r, r) + 1.0f;
  const I16x exponent = (__builtin_convertvector(n, I16x) + 127) << 23;
  const F16x result = p * reinterpret_cast<F16x>(exponent);
  return underflow ? F16x{} : result;
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_SIMD_H_
