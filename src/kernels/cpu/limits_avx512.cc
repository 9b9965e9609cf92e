// The limits of AVX-512 with VNNI.
#include <immintrin.h>

#include "kernels/cpu/limits_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx512_vnni {
namespace {

int64_t PeakF32(int64_t steps) {
  const __m512 x = _mm512_set1_ps(1e-20F);
  return PeakImpl(steps, x, 16 * 2, [x](__m512& sum) {
    asm volatile("vfmadd231ps %1, %1, %0" : "+v"(sum) : "v"(x));
  });
}

int64_t PeakInt8(int64_t steps) {
  const __m512i x = _mm512_set1_epi8(1);
  return PeakImpl(steps, x, 64 * 2, [x](__m512i& sum) {
    asm volatile("vpdpbusd %1, %1, %0" : "+v"(sum) : "v"(x));
  });
}

uint64_t Read(const uint8_t* data, size_t bytes) {
  return ReadImpl(
      data, bytes, _mm512_setzero_si512(), [](const uint8_t* p) { return _mm512_loadu_si512(p); },
      [](__m512i v) {
        return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(v)));
      });
}

}  // namespace

const LimitProbes kLimits = {.f32 = PeakF32, .bf16 = PeakF32, .int8 = PeakInt8, .read = Read};

}  // namespace cria::kernels::avx512_vnni
