// Activations to the form that a product wants (rules in matmul.h, layout in activation_layout.h),
// written once for every simd_*.h. Integers come out exactly as the reference's.
#ifndef CRIA_KERNELS_CPU_PREPARE_IMPL_H_
#define CRIA_KERNELS_CPU_PREPARE_IMPL_H_

#include "kernels/activation_layout.h"
#include "kernels/cpu/simd_common.h"
#include "kernels/matmul.h"
#include "kernels/packed_layout.h"

namespace cria::kernels {
namespace {

constexpr int kBlockVectors = kBlockCols / kLanes;

// The values of block `block`, padded with zeros.
CRIA_INLINE void LoadBlock(const float* x, int64_t cols, int64_t block, F v[kBlockVectors]) {
  const float* source = x + block * kBlockCols;
  const int64_t count = cols - block * kBlockCols;
  for (int i = 0; i < kBlockVectors; ++i)
    v[i] = count > i * kLanes ? LoadPart(source + i * kLanes, count - i * kLanes) : Set1(0);
}

// Stores integers (of magnitude below 129) and what goes with them.
CRIA_INLINE void StoreColumns(const F q[kBlockVectors], float scale, Int8Columns* out) {
  F halves[2] = {Set1(0), Set1(0)};
  for (int i = 0; i < kBlockVectors; ++i) {
    StoreI8(out->q + i * kLanes, q[i]);
    halves[i * kLanes / 16] = Add(halves[i * kLanes / 16], q[i]);
  }
  float sums[4];
  ReduceAdd4(halves[0], halves[1], halves[0], halves[1], sums);
  out->scale = scale;
  out->scaled_sum = scale * (sums[0] + sums[1]);
  const auto first = static_cast<int32_t>(sums[0]), second = static_cast<int32_t>(sums[1]);
  out->sum[0] = first;
  out->sum[1] = second;
  out->start8 = kStartBits - 8 * (first + second);
  out->start128 = kStartBits - 128 * (first + second);
  out->start32[0] = kStartBits - 32 * first;
  out->start32[1] = kStartBits - 32 * second;
}

// NaN where a value is.
CRIA_INLINE float LargestMagnitude(const F v[kBlockVectors]) {
  I largest = SetI(0);
  for (int i = 0; i < kBlockVectors; ++i) largest = MaxI(largest, MagnitudeBits(v[i]));
  const int32_t bits = ReduceMaxBits(largest);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

void FirstParts(const float* x, int64_t cols, Int8Columns* out) {
  for (int64_t b = 0; b * kBlockCols < cols; ++b) {
    F v[kBlockVectors];
    LoadBlock(x, cols, b, v);
    const float largest = LargestMagnitude(v);
    const bool finite = largest < __builtin_inff();
    const bool usable = finite && largest >= kSmallestBlockMax;
    const F inverse = Set1(usable ? 127.0f / largest : 0.0f);
    for (int i = 0; i < kBlockVectors; ++i) v[i] = usable ? Round(Mul(v[i], inverse)) : Set1(0);
    StoreColumns(v, usable ? largest / 127.0f : finite ? 0.0f : __builtin_nanf(""), &out[b]);
  }
}

// What rounding left of one block. The reciprocal is that of FirstParts.
void SecondPart(const F v[kBlockVectors], float inverse, float scale, Int8Columns* out) {
  F left[kBlockVectors];
  for (int i = 0; i < kBlockVectors; ++i) {
    const F steps = Mul(v[i], Set1(inverse));
    left[i] = Round(Mul(Sub(steps, Round(steps)), Set1(kSecondSteps)));
    left[i] = Min(Set1(127), Max(Set1(-127), left[i]));
  }
  StoreColumns(left, scale / kSecondSteps, out);
}

void QuantiseBlocks(Activations activations, const float* x, int64_t cols, uint8_t* prepared) {
  const Int8Layout layout = Int8LayoutOf(activations, cols);
  auto* first = reinterpret_cast<Int8Columns*>(prepared + layout.columns);
  auto* second = reinterpret_cast<Int8Columns*>(prepared + layout.second);
  uint8_t* bits = prepared + sizeof(Int8TokenHeader);
  memset(prepared, 0, static_cast<size_t>(layout.columns));
  FirstParts(x, cols, first);
  MarkSecondParts(activations, first, layout.blocks, bits);
  for (int64_t b = 0; b < layout.blocks; ++b) {
    if ((bits[b / 8] >> (b % 8) & 1) == 0) {
      const Int8Columns none{{}, 0, 0, {}, kStartBits, kStartBits, {kStartBits, kStartBits}};
      second[b] = none;
      continue;
    }
    F v[kBlockVectors];
    LoadBlock(x, cols, b, v);
    SecondPart(v, 127.0f / LargestMagnitude(v), first[b].scale, &second[b]);
  }
}

// q as the int16 of Int16Columns, and the sums.
CRIA_INLINE void StoreColumns16(const F q[kBlockVectors], float scale, Int16Columns* out) {
  F halves[2] = {Set1(0), Set1(0)};
  uint16_t words[kBlockCols];
  for (int i = 0; i < kBlockVectors; ++i) {
    StoreU16(words + i * kLanes, And(ToInt(q[i]), SetI(0xffff)));
    halves[i * kLanes / 16] = Add(halves[i * kLanes / 16], q[i]);
  }
  for (int j = 0; j < kBlockCols; ++j) out->q[Int16Place(j)] = static_cast<int16_t>(words[j]);
  float sums[4];
  ReduceAdd4(halves[0], halves[1], halves[0], halves[1], sums);
  out->scale = scale;
  out->scaled_sum = scale * (sums[0] + sums[1]);
  out->sum[0] = static_cast<int32_t>(sums[0]);
  out->sum[1] = static_cast<int32_t>(sums[1]);
}

void QuantiseBlocks16(const float* x, int64_t cols, Int16Columns* out) {
  for (int64_t b = 0; b * kBlockCols < cols; ++b) {
    F v[kBlockVectors];
    LoadBlock(x, cols, b, v);
    const float largest = LargestMagnitude(v);
    const bool finite = largest < __builtin_inff();
    const bool usable = finite && largest >= kSmallestBlockMax;
    const F inverse = Set1(usable ? 32767.0f / largest : 0.0f);
    for (int i = 0; i < kBlockVectors; ++i) v[i] = usable ? Round(Mul(v[i], inverse)) : Set1(0);
    StoreColumns16(v, usable ? largest / 32767.0f : finite ? 0.0f : __builtin_nanf(""), &out[b]);
  }
}

struct Range {
  float low, high;  // of the values and zero
  bool finite;
};

Range FindRange(const float* x, int64_t cols) {
  F low = Set1(0), high = Set1(0);
  I bits = SetI(0);
  for (int64_t k = 0; k < cols; k += kLanes) {
    const F v = LoadPart(x + k, cols - k);
    low = Min(low, v);
    high = Max(high, v);
    bits = MaxI(bits, MagnitudeBits(v));
  }
  Range range{-ReduceMax(Sub(Set1(0), low)), ReduceMax(high), ReduceMaxBits(bits) < kInfinityBits};
  range.finite = range.finite && range.high - range.low <= 3.402823466e+38f;
  return range;
}

void QuantiseToken(const float* x, int64_t cols, Int8TokenHeader* header, Int8Columns* out) {
  const Range range = FindRange(x, cols);
  float scale = (range.high - range.low) / 255.0f, zero = 0;
  if (!(scale >= kSmallestTokenScale)) scale = kSmallestTokenScale;
  if (range.finite) {
    zero = -128.0f - __builtin_nearbyintf(range.low / scale);
    zero = zero < -128.0f ? -128.0f : zero > 127.0f ? 127.0f : zero;
  } else {
    scale = __builtin_nanf("");
  }
  *header = Int8TokenHeader{zero, scale * zero, {}};
  const F divisor = Set1(scale), shift = Set1(zero);
  for (int64_t b = 0; b * kBlockCols < cols; ++b) {
    F v[kBlockVectors];
    LoadBlock(x, cols, b, v);
    for (int i = 0; i < kBlockVectors; ++i) {
      const F q = Min(Set1(127), Max(Set1(-128), Add(Round(Div(v[i], divisor)), shift)));
      v[i] = range.finite ? q : Set1(0);
    }
    if ((b + 1) * kBlockCols > cols) {  // columns of padding are zero, not the zero point
      for (int i = 0; i < kBlockVectors; ++i) {
        const int64_t count = cols - b * kBlockCols - i * kLanes;
        float lanes[kLanes];
        Store(lanes, v[i]);
        v[i] = count > 0 ? LoadPart(lanes, count) : Set1(0);
      }
    }
    StoreColumns(v, scale, &out[b]);
  }
}

// To nearest, ties to even; NaN stays NaN.
CRIA_INLINE I RoundToBf16(F x) {
  const I bits = Bits(x);
  const I rounded = AddI(AddI(bits, SetI(0x7fff)), And(ShiftRight<16>(bits), SetI(1)));
  return ShiftRight<16>(rounded);
}

void RoundToken(const float* x, int64_t cols, uint16_t* out) {
  for (int64_t k = 0; k < cols; k += kLanes) {
    const F v = LoadPart(x + k, cols - k);
    uint16_t words[kLanes];
    StoreU16(words, RoundToBf16(v));
    if (ReduceMaxBits(MagnitudeBits(v)) > kInfinityBits) {
      float lanes[kLanes];
      Store(lanes, v);
      for (int i = 0; i < kLanes; ++i)
        if (lanes[i] != lanes[i]) words[i] = 0x7fc0;
    }
    memcpy(out + k, words, static_cast<size_t>(Smaller(kLanes, cols - k)) * sizeof(uint16_t));
  }
}

void PrepareImpl(Activations activations, const float* x, int64_t cols, uint8_t* prepared) {
  const auto bytes = static_cast<int64_t>(PreparedBytes(activations, cols));
  // Only the end of a token can be padding.
  memset(prepared + (bytes > 128 ? bytes - 128 : 0), 0, static_cast<size_t>(Smaller(bytes, 128)));
  switch (activations) {
    case Activations::kF32:
      memcpy(prepared, x, static_cast<size_t>(cols) * sizeof(float));
      return;
    case Activations::kBf16:
      RoundToken(x, cols, reinterpret_cast<uint16_t*>(prepared));
      return;
    case Activations::kInt8Block:
    case Activations::kInt8Pair:
      QuantiseBlocks(activations, x, cols, prepared);
      return;
    case Activations::kInt16Block:
      QuantiseBlocks16(x, cols, reinterpret_cast<Int16Columns*>(prepared));
      return;
    case Activations::kInt8Token: {
      const Int8Layout layout = Int8LayoutOf(activations, cols);
      memset(prepared, 0, static_cast<size_t>(layout.columns));
      QuantiseToken(x, cols, reinterpret_cast<Int8TokenHeader*>(prepared),
                    reinterpret_cast<Int8Columns*>(prepared + layout.columns));
      return;
    }
  }
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_PREPARE_IMPL_H_
