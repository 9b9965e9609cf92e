// What an instruction set can do at most on this processor: loops of nothing but its widest
// multiply-adds and loads. Kernels are measured against them.
#ifndef CRIA_KERNELS_LIMITS_H_
#define CRIA_KERNELS_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace cria::kernels {

// Thread-safe; whoever calls takes the time. A multiply and its add count as two operations.
struct LimitProbes {
  // Each runs `steps` rounds of independent multiply-adds in registers and returns how many
  // operations that were. Where the set has no instruction for a type, the fastest way to the same
  // sums stands for it: bf16 is widened to f32, int8 is multiplied in pairs into int16.
  int64_t (*f32)(int64_t steps);
  int64_t (*bf16)(int64_t steps);
  int64_t (*int8)(int64_t steps);
  // Reads `bytes` (a multiple of kReadGrain) once. The result says what was read, so that no
  // reading can be left out.
  uint64_t (*read)(const uint8_t* data, size_t bytes);
};

inline constexpr size_t kReadGrain = 256;

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_LIMITS_H_
