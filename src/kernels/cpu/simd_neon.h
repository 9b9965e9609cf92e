// The vector type of the NEON kernels: 4 lanes. See simd_avx512.h.
#ifndef CRIA_KERNELS_CPU_SIMD_NEON_H_
#define CRIA_KERNELS_CPU_SIMD_NEON_H_

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#define CRIA_INLINE [[gnu::always_inline]] inline

namespace cria::kernels {
namespace {

using F = float32x4_t;
using I = int32x4_t;
constexpr int kLanes = 4;
constexpr int kRegisters = 32;
constexpr int kTileTokens = 4;

CRIA_INLINE F Set1(float x) { return vdupq_n_f32(x); }
CRIA_INLINE F Load(const float* p) { return vld1q_f32(p); }
CRIA_INLINE void Store(float* p, F x) { vst1q_f32(p, x); }
CRIA_INLINE F Add(F a, F b) { return vaddq_f32(a, b); }
CRIA_INLINE F Sub(F a, F b) { return vsubq_f32(a, b); }
CRIA_INLINE F Mul(F a, F b) { return vmulq_f32(a, b); }
CRIA_INLINE F Div(F a, F b) { return vdivq_f32(a, b); }
CRIA_INLINE F Fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
CRIA_INLINE F Fnma(F a, F b, F c) { return vfmsq_f32(c, a, b); }
CRIA_INLINE F Max(F a, F b) { return vmaxq_f32(a, b); }
CRIA_INLINE F Min(F a, F b) { return vminq_f32(a, b); }
CRIA_INLINE F Round(F x) { return vrndnq_f32(x); }

CRIA_INLINE I SetI(int32_t x) { return vdupq_n_s32(x); }
CRIA_INLINE I LoadI(const void* p) {
  return vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t*>(p)));
}
CRIA_INLINE I And(I a, I b) { return vandq_s32(a, b); }
CRIA_INLINE I Or(I a, I b) { return vorrq_s32(a, b); }
CRIA_INLINE I AddI(I a, I b) { return vaddq_s32(a, b); }
CRIA_INLINE I MaxI(I a, I b) { return vmaxq_s32(a, b); }
template <int kBits>
CRIA_INLINE I ShiftLeft(I a) {
  return vshlq_n_s32(a, kBits);
}
template <int kBits>
CRIA_INLINE I ShiftRight(I a) {
  if constexpr (kBits == 0) return a;
  return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a), kBits == 0 ? 1 : kBits));
}
CRIA_INLINE I Bits(F x) { return vreinterpretq_s32_f32(x); }
CRIA_INLINE F FromBits(I x) { return vreinterpretq_f32_s32(x); }
CRIA_INLINE F ToFloat(I x) { return vcvtq_f32_s32(x); }
CRIA_INLINE I ToInt(F x) { return vcvtnq_s32_f32(x); }

CRIA_INLINE F LoadF16(const void* p) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(static_cast<const uint8_t*>(p))));
}
CRIA_INLINE F LoadBf16(const void* p) {
  const uint16x4_t words = vreinterpret_u16_u8(vld1_u8(static_cast<const uint8_t*>(p)));
  return vreinterpretq_f32_u32(vshll_n_u16(words, 16));
}
CRIA_INLINE uint8x8_t LoadFourBytes(const void* p) {
  uint32_t bytes;
  memcpy(&bytes, p, sizeof bytes);
  return vcreate_u8(bytes);
}
CRIA_INLINE F LoadU8(const void* p) {
  return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(LoadFourBytes(p)))));
}
CRIA_INLINE F LoadI8(const void* p) {
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(LoadFourBytes(p))))));
}
CRIA_INLINE void StoreI8(int8_t* p, F x) {
  const int16x4_t words = vqmovn_s32(ToInt(x));
  const int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
  vst1_lane_s32(reinterpret_cast<int32_t*>(p), vreinterpret_s32_s8(bytes), 0);
}
CRIA_INLINE void StoreU16(uint16_t* p, I x) { vst1_u16(p, vmovn_u32(vreinterpretq_u32_s32(x))); }

CRIA_INLINE void ReduceAdd4(F a, F b, F c, F d, float* out) {
  vst1q_f32(out, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}
CRIA_INLINE float ReduceMax(F x) { return vmaxvq_f32(x); }

template <int kDistance>
CRIA_INLINE F Exchange(F x) {
  if constexpr (kDistance == 1) return vrev64q_f32(x);
  return vextq_f32(x, x, 2);
}
CRIA_INLINE void Deinterleave(F x, F y, F* even, F* odd) {
  *even = vuzp1q_f32(x, y);
  *odd = vuzp2q_f32(x, y);
}
CRIA_INLINE void Interleave(F even, F odd, F* x, F* y) {
  *x = vzip1q_f32(even, odd);
  *y = vzip2q_f32(even, odd);
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_SIMD_NEON_H_
