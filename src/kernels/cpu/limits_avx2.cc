// The limits of AVX2 with FMA.
#include <immintrin.h>

#include "kernels/cpu/limits_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx2 {
namespace {

int64_t PeakF32(int64_t steps) {
  const __m256 x = _mm256_set1_ps(1e-20F);
  return PeakImpl(steps, x, 8 * 2, [x](__m256& sum) {
    asm volatile("vfmadd231ps %1, %1, %0" : "+x"(sum) : "x"(x));
  });
}

// Four products of bytes are added in 16 bits before they are widened: 4-bit weights allow it, and
// nothing is faster without a dot product instruction.
int64_t PeakInt8(int64_t steps) {
  const __m256i x = _mm256_set1_epi8(1);
  const auto step = [x](__m256i& sum) {
    __m256i a, b;
    asm volatile("vpmaddubsw %1, %1, %0" : "=x"(a) : "x"(x));
    for (int i = 0; i < 3; ++i)
      asm volatile("vpmaddubsw %2, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(a), "=&x"(b) : "x"(x));
    asm volatile("vpmaddwd %1, %0, %0" : "+x"(a) : "x"(x));
    asm volatile("vpaddd %1, %0, %0" : "+x"(sum) : "x"(a));
  };
  return PeakImpl(steps, x, 4 * 32 * 2, step);
}

uint64_t Read(const uint8_t* data, size_t bytes) {
  return ReadImpl(
      data, bytes, _mm256_setzero_si256(),
      [](const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); },
      [](__m256i v) { return static_cast<uint64_t>(_mm256_extract_epi64(v, 0)); });
}

}  // namespace

const LimitProbes kLimits = {.f32 = PeakF32, .bf16 = PeakF32, .int8 = PeakInt8, .read = Read};

}  // namespace cria::kernels::avx2
