#include "tensor/block_codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "tensor/blocks.h"
#include "tensor/k_quants.h"

namespace cria::tensor {
namespace {

using base::ToF16;
using base::ToFloat;

template <typename T>
T Load(const uint8_t* source) {
  T value;
  std::memcpy(&value, source, sizeof value);
  return value;
}

// Calls decode(block, out) for each block of `count` elements.
template <typename Block, typename DecodeBlock>
void ForEachBlock(const uint8_t* source, int64_t count, float* out, DecodeBlock decode) {
  CRIA_CHECK_EQ(count % Block::kElements, 0);
  for (int64_t i = 0; i < count; i += Block::kElements, source += sizeof(Block))
    decode(Load<Block>(source), out + i);
}

void DecodeQ8_0(const BlockQ8_0& block, float* out) {
  const float d = ToFloat(block.d);
  for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(block.q[j]);
}

void DecodeQ4_0(const BlockQ4_0& block, float* out) {
  const float d = ToFloat(block.d);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>((block.q[j] & 15) - 8);
    out[16 + j] = d * static_cast<float>((block.q[j] >> 4) - 8);
  }
}

void DecodeQ4_1(const BlockQ4_1& block, float* out) {
  const float d = ToFloat(block.d), m = ToFloat(block.m);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(block.q[j] & 15) + m;
    out[16 + j] = d * static_cast<float>(block.q[j] >> 4) + m;
  }
}

// The 5-bit number of element j, given the four bytes of fifth bits.
int FiveBits(const uint8_t high[4], const uint8_t q[16], int j) {
  const int low = j < 16 ? q[j] & 15 : q[j - 16] >> 4;
  return low | (((high[j / 8] >> (j % 8)) & 1) << 4);
}

void DecodeQ5_0(const BlockQ5_0& block, float* out) {
  const float d = ToFloat(block.d);
  for (int j = 0; j < 32; ++j)
    out[j] = d * static_cast<float>(FiveBits(block.high, block.q, j) - 16);
}

void DecodeQ5_1(const BlockQ5_1& block, float* out) {
  const float d = ToFloat(block.d), m = ToFloat(block.m);
  for (int j = 0; j < 32; ++j)
    out[j] = d * static_cast<float>(FiveBits(block.high, block.q, j)) + m;
}

// `high_bit(sub_block, l)` adds the bits above the nibble.
template <typename Block, typename HighBits>
void DecodeK(const Block& block, float* out, HighBits high_bits) {
  const float d = ToFloat(block.d), dmin = ToFloat(block.dmin);
  for (int s = 0; s < 8; ++s) {
    uint8_t scale = 0, minimum = 0;
    UnpackScaleMin(block.scales, s, &scale, &minimum);
    const float ds = d * static_cast<float>(scale), dm = dmin * static_cast<float>(minimum);
    const uint8_t* q = block.q + 32 * (s / 2);
    for (int l = 0; l < 32; ++l) {
      const int nibble = s % 2 == 0 ? q[l] & 15 : q[l] >> 4;
      out[32 * s + l] = ds * static_cast<float>(nibble | high_bits(s, l)) - dm;
    }
  }
}

void DecodeQ4K(const BlockQ4K& block, float* out) {
  DecodeK(block, out, [](int, int) { return 0; });
}

void DecodeQ5K(const BlockQ5K& block, float* out) {
  DecodeK(block, out, [&block](int s, int l) { return ((block.high[l] >> s) & 1) << 4; });
}

void DecodeQ6K(const BlockQ6K& block, float* out) {
  const float d = ToFloat(block.d);
  for (int half = 0; half < 2; ++half) {
    for (int l = 0; l < 128; ++l) {
      const int quarter = l / 32, column = l % 32;
      const uint8_t low_byte = block.low[64 * half + (quarter % 2) * 32 + column];
      const int low = quarter < 2 ? low_byte & 15 : low_byte >> 4;
      const int high = (block.high[32 * half + column] >> (2 * quarter)) & 3;
      const int sixteen = 8 * half + l / 16;
      const float scale = d * static_cast<float>(block.scales[sixteen]);
      out[128 * half + l] = scale * static_cast<float>((low | (high << 4)) - 32);
    }
  }
}

template <typename T>
void DecodePlain(const uint8_t* source, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    const T value = Load<T>(source + i * static_cast<int64_t>(sizeof(T)));
    if constexpr (std::is_same_v<T, base::f16> || std::is_same_v<T, base::bf16>) {
      out[i] = ToFloat(value);
    } else {
      out[i] = static_cast<float>(value);
    }
  }
}

float AbsMax(const float* x, int n) {
  float largest = 0;
  for (int i = 0; i < n; ++i) largest = std::max(largest, std::fabs(x[i]));
  return largest;
}

int Nearest(float value) { return static_cast<int>(std::floor(value + 0.5f)); }
int Clamp(int value, int low, int high) { return std::min(std::max(value, low), high); }

void EncodeQ8_0(const float* x, BlockQ8_0* block) {
  const float d = AbsMax(x, 32) / 127.0f;
  const float inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = ToF16(d);
  for (int j = 0; j < 32; ++j) block->q[j] = static_cast<int8_t>(std::roundf(x[j] * inverse));
}

// Symmetric formats: the value of largest magnitude becomes -2^(bits - 1) steps.
float SignedExtreme(const float* x) {
  float extreme = 0;
  for (int j = 0; j < 32; ++j)
    if (std::fabs(x[j]) > std::fabs(extreme)) extreme = x[j];
  return extreme;
}

void EncodeQ4_0(const float* x, BlockQ4_0* block) {
  const float d = SignedExtreme(x) / -8.0f;
  const float inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = ToF16(d);
  const auto level = [&](int j) { return std::min(15, static_cast<int>(x[j] * inverse + 8.5f)); };
  for (int j = 0; j < 16; ++j) block->q[j] = static_cast<uint8_t>(level(j) | (level(j + 16) << 4));
}

void EncodeQ4_1(const float* x, BlockQ4_1* block) {
  const auto [low, high] = std::minmax_element(x, x + 32);
  const float d = (*high - *low) / 15.0f, m = *low;
  const float inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = ToF16(d);
  block->m = ToF16(m);
  const auto level = [&](int j) { return Clamp(Nearest((x[j] - m) * inverse), 0, 15); };
  for (int j = 0; j < 16; ++j) block->q[j] = static_cast<uint8_t>(level(j) | (level(j + 16) << 4));
}

template <typename Block, typename Level>
void PackFiveBits(Block* block, Level level) {
  std::memset(block->high, 0, sizeof block->high);
  for (int j = 0; j < 16; ++j) {
    const int a = level(j), b = level(j + 16);
    block->q[j] = static_cast<uint8_t>((a & 15) | ((b & 15) << 4));
    block->high[j / 8] = static_cast<uint8_t>(block->high[j / 8] | ((a >> 4) << (j % 8)));
    block->high[2 + j / 8] = static_cast<uint8_t>(block->high[2 + j / 8] | ((b >> 4) << (j % 8)));
  }
}

void EncodeQ5_0(const float* x, BlockQ5_0* block) {
  const float d = SignedExtreme(x) / -16.0f;
  const float inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = ToF16(d);
  PackFiveBits(block,
               [&](int j) { return std::min(31, static_cast<int>(x[j] * inverse + 16.5f)); });
}

void EncodeQ5_1(const float* x, BlockQ5_1* block) {
  const auto [low, high] = std::minmax_element(x, x + 32);
  const float d = (*high - *low) / 31.0f, m = *low;
  const float inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = ToF16(d);
  block->m = ToF16(m);
  PackFiveBits(block, [&](int j) { return Clamp(Nearest((x[j] - m) * inverse), 0, 31); });
}

template <typename Block, typename EncodeBlock>
void EncodeBlocks(const float* values, int64_t count, uint8_t* out, EncodeBlock encode) {
  CRIA_CHECK_EQ(count % Block::kElements, 0);
  for (int64_t i = 0; i < count; i += Block::kElements, out += sizeof(Block)) {
    Block block;
    encode(values + i, &block);
    std::memcpy(out, &block, sizeof block);
  }
}

}  // namespace

void Decode(DType dtype, const uint8_t* source, int64_t count, float* out) {
  switch (dtype) {
    case DType::kF32:
      return DecodePlain<float>(source, count, out);
    case DType::kF16:
      return DecodePlain<base::f16>(source, count, out);
    case DType::kBf16:
      return DecodePlain<base::bf16>(source, count, out);
    case DType::kI8:
      return DecodePlain<int8_t>(source, count, out);
    case DType::kBool:
    case DType::kU8:
      return DecodePlain<uint8_t>(source, count, out);
    case DType::kI16:
      return DecodePlain<int16_t>(source, count, out);
    case DType::kI32:
      return DecodePlain<int32_t>(source, count, out);
    case DType::kI64:
      return DecodePlain<int64_t>(source, count, out);
    case DType::kF64:
      return DecodePlain<double>(source, count, out);
    case DType::kQ8_0:
      return ForEachBlock<BlockQ8_0>(source, count, out, DecodeQ8_0);
    case DType::kQ4_0:
      return ForEachBlock<BlockQ4_0>(source, count, out, DecodeQ4_0);
    case DType::kQ4_1:
      return ForEachBlock<BlockQ4_1>(source, count, out, DecodeQ4_1);
    case DType::kQ5_0:
      return ForEachBlock<BlockQ5_0>(source, count, out, DecodeQ5_0);
    case DType::kQ5_1:
      return ForEachBlock<BlockQ5_1>(source, count, out, DecodeQ5_1);
    case DType::kQ4K:
      return ForEachBlock<BlockQ4K>(source, count, out, DecodeQ4K);
    case DType::kQ5K:
      return ForEachBlock<BlockQ5K>(source, count, out, DecodeQ5K);
    case DType::kQ6K:
      return ForEachBlock<BlockQ6K>(source, count, out, DecodeQ6K);
  }
}

void Encode(DType dtype, const float* values, int64_t count, uint8_t* out) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, values, static_cast<size_t>(count) * sizeof(float));
      return;
    case DType::kF16:
      for (int64_t i = 0; i < count; ++i) {
        const base::f16 half = ToF16(values[i]);
        std::memcpy(out + 2 * i, &half, 2);
      }
      return;
    case DType::kBf16:
      for (int64_t i = 0; i < count; ++i) {
        const base::bf16 half = base::ToBf16(values[i]);
        std::memcpy(out + 2 * i, &half, 2);
      }
      return;
    case DType::kQ8_0:
      return EncodeBlocks<BlockQ8_0>(values, count, out, EncodeQ8_0);
    case DType::kQ4_0:
      return EncodeBlocks<BlockQ4_0>(values, count, out, EncodeQ4_0);
    case DType::kQ4_1:
      return EncodeBlocks<BlockQ4_1>(values, count, out, EncodeQ4_1);
    case DType::kQ5_0:
      return EncodeBlocks<BlockQ5_0>(values, count, out, EncodeQ5_0);
    case DType::kQ5_1:
      return EncodeBlocks<BlockQ5_1>(values, count, out, EncodeQ5_1);
    case DType::kQ4K:
      return EncodeBlocks<BlockQ4K>(values, count, out, EncodeQ4K);
    case DType::kQ5K:
      return EncodeBlocks<BlockQ5K>(values, count, out, EncodeQ5K);
    case DType::kQ6K:
      return EncodeBlocks<BlockQ6K>(values, count, out, EncodeQ6K);
    default:
      CRIA_CHECK(false && "Encode: no encoder for this dtype");
  }
}

}  // namespace cria::tensor
