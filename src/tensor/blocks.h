// The block formats of GGUF as they lie in a file (little-endian, fp16 = IEEE half), and their
// meaning. Source: ggml-common.h and ggml-quants.c of ggml-org/llama.cpp. Decode() in block_codec.h
// is the truth for values.
#ifndef CRIA_TENSOR_BLOCKS_H_
#define CRIA_TENSOR_BLOCKS_H_

#include <cstdint>

#include "base/half.h"

namespace cria::tensor {

struct BlockQ8_0 {  // w[j] = d * q[j]
  static constexpr int kElements = 32;
  base::f16 d;
  int8_t q[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

struct BlockQ4_0 {  // nibble n: w = d * (n - 8); low nibbles are elements 0..15, high
                    // nibbles 16..31
  static constexpr int kElements = 32;
  base::f16 d;
  uint8_t q[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

struct BlockQ4_1 {  // w = d * n + m, nibbles as in Q4_0
  static constexpr int kElements = 32;
  base::f16 d;
  base::f16 m;
  uint8_t q[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

struct BlockQ5_0 {  // fifth bit of element j is bit j of `high`: w = d * (n - 16)
  static constexpr int kElements = 32;
  base::f16 d;
  uint8_t high[4];
  uint8_t q[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

struct BlockQ5_1 {  // w = d * n + m
  static constexpr int kElements = 32;
  base::f16 d;
  base::f16 m;
  uint8_t high[4];
  uint8_t q[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

// 8 sub-blocks of 32, each with a 6-bit scale and a 6-bit minimum: w = d * scale * n - dmin *
// minimum. Bytes 32p..32p+31 of q hold sub-block 2p in their low nibbles and 2p+1 in their high
// nibbles.
struct BlockQ4K {
  static constexpr int kElements = 256;
  base::f16 d;
  base::f16 dmin;
  uint8_t scales[12];
  uint8_t q[128];
};
static_assert(sizeof(BlockQ4K) == 144);

// As Q4_K; the fifth bit of element l of sub-block s is bit s of high[l].
struct BlockQ5K {
  static constexpr int kElements = 256;
  base::f16 d;
  base::f16 dmin;
  uint8_t scales[12];
  uint8_t high[32];
  uint8_t q[128];
};
static_assert(sizeof(BlockQ5K) == 176);

// 16 sub-blocks of 16 with an 8-bit scale: w = d * scale * (n - 32), n of 6 bits: low 4 in `low`,
// high 2 in `high`.
struct BlockQ6K {
  static constexpr int kElements = 256;
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  base::f16 d;
};
static_assert(sizeof(BlockQ6K) == 210);

// The 6-bit scale and minimum of sub-block `j` in [0, 8) of Q4_K and Q5_K.
inline void UnpackScaleMin(const uint8_t scales[12], int j, uint8_t* scale, uint8_t* minimum) {
  if (j < 4) {
    *scale = scales[j] & 63;
    *minimum = scales[j + 4] & 63;
  } else {
    *scale = static_cast<uint8_t>((scales[j + 4] & 15) | ((scales[j - 4] >> 6) << 4));
    *minimum = static_cast<uint8_t>((scales[j + 4] >> 4) | ((scales[j] >> 6) << 4));
  }
}

}  // namespace cria::tensor

#endif  // CRIA_TENSOR_BLOCKS_H_
