// The loops of kernels/limits.h, for the vector type and the steps of one instruction set.
// Everything here is local to the file that includes it (see packed_layout.h).
#ifndef CRIA_KERNELS_CPU_LIMITS_IMPL_H_
#define CRIA_KERNELS_CPU_LIMITS_IMPL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/limits.h"

namespace cria::kernels {
namespace {

// Enough independent sums to hide the latency of any multiply-add there is.
constexpr int kSums = 12;

// `step(sum)` is one multiply-add on `sum`, in assembly that the compiler neither moves nor drops.
template <typename Vector, typename Step>
int64_t PeakImpl(int64_t steps, Vector start, int64_t operations_a_step, Step step) {
  Vector sums[kSums];
#pragma GCC unroll 12
  for (int i = 0; i < kSums; ++i) sums[i] = start;
  for (int64_t k = 0; k < steps; ++k) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) step(sums[i]);
  }
  return steps * kSums * operations_a_step;
}

// `Load(p)` is a vector; vectors know ^.
template <typename Vector, typename Load, typename Fold>
uint64_t ReadImpl(const uint8_t* data, size_t bytes, Vector zero, Load load, Fold fold) {
  constexpr size_t kWidth = sizeof(Vector);
  Vector sums[4] = {zero, zero, zero, zero};
  for (size_t at = 0; at + 4 * kWidth <= bytes; at += 4 * kWidth) {
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) sums[i] = sums[i] ^ load(data + at + i * kWidth);
  }
  return fold(sums[0] ^ sums[1] ^ sums[2] ^ sums[3]);
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_LIMITS_IMPL_H_
