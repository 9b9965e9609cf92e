// The limits of AVX-512 with BF16 where they differ from those of VNNI.
#include <immintrin.h>

#include "kernels/cpu/limits_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx512_bf16 {
namespace {

int64_t PeakBf16(int64_t steps) {
  const __m512 x = _mm512_set1_ps(1e-20F);
  return PeakImpl(steps, x, 32 * 2, [x](__m512& sum) {
    asm volatile("vdpbf16ps %1, %1, %0" : "+v"(sum) : "v"(x));
  });
}

}  // namespace

const LimitProbes kLimits = {.f32 = avx512_vnni::kLimits.f32,
                             .bf16 = PeakBf16,
                             .int8 = avx512_vnni::kLimits.int8,
                             .read = avx512_vnni::kLimits.read};

}  // namespace cria::kernels::avx512_bf16
