// How a prepared token lies in memory (see Activations in matmul.h). Padding is zero.
//   kF32        float x[K rounded up to 16]
//   kBf16       uint16 x[K rounded up to 32]
//   kInt8Block  Int8TokenHeader (all zero), Int8Columns[K / 32 rounded up]
//   kInt8Token  Int8TokenHeader, Int8Columns[K / 32 rounded up], all with the token's scale
// so that both integer forms run through the same product: value = scale * (q - zero).
#ifndef CRIA_KERNELS_ACTIVATION_LAYOUT_H_
#define CRIA_KERNELS_ACTIVATION_LAYOUT_H_

#include <cstdint>

namespace cria::kernels {

struct Int8TokenHeader {
  float zero;         // the zero point, an integer
  float scaled_zero;  // scale * zero
  float unused[14];
};
static_assert(sizeof(Int8TokenHeader) == 64);

// 32 columns of a token.
struct Int8Columns {
  int8_t q[32];
  float scale;
  float scaled_sum;  // scale * (sum[0] + sum[1])
  int32_t sum[2];    // of q[0..15] and q[16..31]
};
static_assert(sizeof(Int8Columns) == 48);

// Blocks whose largest magnitude is below this become zero: its reciprocal would overflow.
constexpr float kSmallestBlockMax = 0x1p-100f;

// The smallest scale of a token (torchao's eps for float32).
constexpr float kSmallestTokenScale = 0x1p-23f;

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_ACTIVATION_LAYOUT_H_
