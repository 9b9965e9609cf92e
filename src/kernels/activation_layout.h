// How a prepared token lies in memory (see Activations in matmul.h). Padding is zero.
//   kF32   float x[K rounded up to 16]
//   kBf16  uint16 x[K rounded up to 32]
//   int8   Int8TokenHeader, a bit for each block that has a second part (rounded up to 64 bytes),
//          Int8Columns[blocks], and for kInt8Block and kInt8Pair Int8Columns[blocks] again: the
//          second parts, all zero where there is none
//   kInt16Block  Int16Columns[blocks], rounded up to 64 bytes
// A block is 32 columns. All int8 forms run through the same product: value = scale * (q - zero),
// summed over both parts.
//
// Everything with a body here has internal linkage: see packed_layout.h.
#ifndef CRIA_KERNELS_ACTIVATION_LAYOUT_H_
#define CRIA_KERNELS_ACTIVATION_LAYOUT_H_

#include <cmath>
#include <cstdint>

#include "kernels/matmul.h"

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
  // Where a dot product with weights of an offset begins: kStartBits - offset * sum. As the bits of
  // a float such a sum of products s, |s| < 2^22, is exactly 1.5 * 2^23 + s.
  int32_t start8, start128;  // offsets 8 and 128
  int32_t start32[2];        // offset 32, for each half of the block
};
static_assert(sizeof(Int8Columns) == 64);
constexpr int32_t kStartBits = 0x4B400000;
constexpr float kStartFloat = 0x1.8p23f;

// 32 columns of a token in 16 bits. The middle two of every four columns have changed places: a
// quad of weights (packed_layout.h) splits into its even and its odd bytes.
struct Int16Columns {
  int16_t q[32];
  float scale;
  float scaled_sum;  // scale * (sum[0] + sum[1])
  int32_t sum[2];    // of columns 0..15 and 16..31
};
static_assert(sizeof(Int16Columns) == 80);

// Where column `column` of a block lies in Int16Columns::q.
static constexpr int Int16Place(int column) {
  const int in_quad = column % 4;
  return column - in_quad + (in_quad == 1 ? 2 : in_quad == 2 ? 1 : in_quad);
}

// Blocks whose largest magnitude is below this become zero: its reciprocal would overflow.
constexpr float kSmallestBlockMax = 0x1p-100f;

// The smallest scale of a token (torchao's eps for float32).
constexpr float kSmallestTokenScale = 0x1p-23f;

// A second part's unit is this part of the first's: half a unit of rounding becomes at most 128.
constexpr float kSecondSteps = 256;

// Where the parts of an int8 token begin, in bytes.
struct Int8Layout {
  int64_t blocks;
  int64_t columns;  // the first part
  int64_t second;   // the second, which begins after the first
  int64_t bytes;    // of the token
};

static inline Int8Layout Int8LayoutOf(Activations activations, int64_t cols) {
  Int8Layout layout{};
  layout.blocks = (cols + 31) / 32;
  layout.columns = static_cast<int64_t>(sizeof(Int8TokenHeader)) + (layout.blocks + 511) / 512 * 64;
  const auto part = layout.blocks * static_cast<int64_t>(sizeof(Int8Columns));
  layout.second = layout.columns + part;
  layout.bytes = activations == Activations::kInt8Token ? layout.second : layout.second + part;
  return layout;
}

// Sets the bits of the blocks that get a second part. `columns` are the first parts.
static inline void MarkSecondParts(Activations activations, const Int8Columns* columns,
                                   int64_t blocks, uint8_t* bits) {
  double squares = 0;  // of numbers of 24 bits: exact, so that every ISA finds the same blocks
  for (int64_t b = 0; b < blocks; ++b)
    squares += static_cast<double>(columns[b].scale) * static_cast<double>(columns[b].scale);
  const double limit = activations == Activations::kInt8Pair
                           ? 0
                           : kSecondPartLimit * std::sqrt(squares / static_cast<double>(blocks));
  for (int64_t b = 0; b < blocks; ++b) {
    const auto scale = static_cast<double>(columns[b].scale);
    if (scale > 0 && scale >= limit) bits[b / 8] = static_cast<uint8_t>(bits[b / 8] | 1 << b % 8);
  }
}

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_ACTIVATION_LAYOUT_H_
