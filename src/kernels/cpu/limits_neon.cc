// The limits of NEON with 8-bit dot products.
#include <arm_neon.h>

#include "kernels/cpu/limits_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::neon_dotprod {
namespace {

int64_t PeakF32(int64_t steps) {
  const float32x4_t x = vdupq_n_f32(1e-20F);
  return PeakImpl(steps, x, 4 * 2, [x](float32x4_t& sum) {
    asm volatile("fmla %0.4s, %1.4s, %1.4s" : "+w"(sum) : "w"(x));
  });
}

int64_t PeakInt8(int64_t steps) {
  const int8x16_t x = vdupq_n_s8(1);
  return PeakImpl(steps, vdupq_n_s32(0), 16 * 2, [x](int32x4_t& sum) {
    asm volatile("sdot %0.4s, %1.16b, %1.16b" : "+w"(sum) : "w"(x));
  });
}

uint64_t Read(const uint8_t* data, size_t bytes) {
  return ReadImpl(
      data, bytes, vdupq_n_u8(0), [](const uint8_t* p) { return vld1q_u8(p); },
      [](uint8x16_t v) { return vgetq_lane_u64(vreinterpretq_u64_u8(v), 0); });
}

}  // namespace

const LimitProbes kLimits = {.f32 = PeakF32, .bf16 = PeakF32, .int8 = PeakInt8, .read = Read};

}  // namespace cria::kernels::neon_dotprod
