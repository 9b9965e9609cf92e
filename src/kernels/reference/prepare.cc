#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/checked_math.h"
#include "base/half.h"
#include "kernels/activation_layout.h"
#include "kernels/isa_tables.h"
#include "kernels/packed_layout.h"

namespace cria::kernels::reference {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool AllFinite(const float* x, int64_t count) {
  return std::all_of(x, x + count, [](float value) { return std::isfinite(value); });
}

void FinishColumns(float scale, Int8Columns* columns) {
  columns->scale = scale;
  for (int j = 0; j < kBlockCols; ++j) columns->sum[j / 16] += columns->q[j];
  const int32_t sum = columns->sum[0] + columns->sum[1];
  columns->scaled_sum = scale * static_cast<float>(sum);
  columns->start8 = kStartBits - 8 * sum;
  columns->start128 = kStartBits - 128 * sum;
  for (int half = 0; half < 2; ++half)
    columns->start32[half] = kStartBits - 32 * columns->sum[half];
}

Int8Columns QuantiseBlock(const float* x, int count) {
  Int8Columns columns{};
  float largest = 0;
  for (int j = 0; j < count; ++j) largest = std::max(largest, std::fabs(x[j]));
  float scale = 0;
  if (!AllFinite(x, count)) {
    scale = kNan;  // the token's results become NaN: an error stays visible
  } else if (largest >= kSmallestBlockMax) {
    scale = largest / 127.0f;
    const float inverse = 127.0f / largest;
    for (int j = 0; j < count; ++j)
      columns.q[j] = static_cast<int8_t>(std::nearbyint(x[j] * inverse));
  }
  FinishColumns(scale, &columns);
  return columns;
}

// What rounding to `first` left of the block.
Int8Columns SecondPart(const float* x, int count, const Int8Columns& first) {
  Int8Columns columns{};
  float largest = 0;
  for (int j = 0; j < count; ++j) largest = std::max(largest, std::fabs(x[j]));
  const float inverse = 127.0f / largest;
  for (int j = 0; j < count; ++j) {
    const float left = x[j] * inverse - static_cast<float>(first.q[j]);
    columns.q[j] =
        static_cast<int8_t>(std::clamp(std::nearbyint(left * kSecondSteps), -127.0f, 127.0f));
  }
  FinishColumns(first.scale / kSecondSteps, &columns);
  return columns;
}

void QuantiseBlocks(Activations activations, const float* x, int64_t cols, uint8_t* prepared) {
  const Int8Layout layout = Int8LayoutOf(activations, cols);
  auto* first = reinterpret_cast<Int8Columns*>(prepared + layout.columns);
  auto* second = reinterpret_cast<Int8Columns*>(prepared + layout.second);
  uint8_t* bits = prepared + sizeof(Int8TokenHeader);
  const auto count = [&](int64_t b) {
    return static_cast<int>(std::min<int64_t>(kBlockCols, cols - b * kBlockCols));
  };
  for (int64_t b = 0; b < layout.blocks; ++b)
    first[b] = QuantiseBlock(x + b * kBlockCols, count(b));
  MarkSecondParts(activations, first, layout.blocks, bits);
  for (int64_t b = 0; b < layout.blocks; ++b) {
    if (bits[b / 8] >> (b % 8) & 1)
      second[b] = SecondPart(x + b * kBlockCols, count(b), first[b]);
    else
      FinishColumns(0, &second[b]);
  }
}

Int16Columns QuantiseBlock16(const float* x, int count) {
  Int16Columns columns{};
  float largest = 0;
  for (int j = 0; j < count; ++j) largest = std::max(largest, std::fabs(x[j]));
  if (!AllFinite(x, count)) {
    columns.scale = kNan;
  } else if (largest >= kSmallestBlockMax) {
    columns.scale = largest / 32767.0f;
    const float inverse = 32767.0f / largest;
    for (int j = 0; j < count; ++j) {
      const auto q = static_cast<int16_t>(std::nearbyint(x[j] * inverse));
      columns.q[Int16Place(j)] = q;
      columns.sum[j / 16] += q;
    }
  }
  columns.scaled_sum = columns.scale * static_cast<float>(columns.sum[0] + columns.sum[1]);
  return columns;
}

void QuantiseToken(const float* x, int64_t cols, Int8TokenHeader* header, Int8Columns* blocks) {
  const auto [low_at, high_at] = std::minmax_element(x, x + cols);
  const float low = std::min(0.0f, *low_at), high = std::max(0.0f, *high_at);
  float scale = std::max((high - low) / 255.0f, kSmallestTokenScale), zero = 0;
  const bool finite = AllFinite(x, cols) && std::isfinite(high - low);
  if (finite) {
    zero = std::clamp(-128.0f - std::nearbyint(low / scale), -128.0f, 127.0f);
  } else {
    scale = kNan;
  }
  *header = {zero, scale * zero, {}};
  for (int64_t k = 0; k < cols; k += kBlockCols) {
    Int8Columns columns{};
    const int64_t count = std::min<int64_t>(kBlockCols, cols - k);
    for (int64_t j = 0; j < count && finite; ++j)
      columns.q[j] =
          static_cast<int8_t>(std::clamp(std::nearbyint(x[k + j] / scale) + zero, -128.0f, 127.0f));
    FinishColumns(scale, &columns);
    blocks[k / kBlockCols] = columns;
  }
}

}  // namespace

void Prepare(Activations activations, const float* x, int64_t cols, uint8_t* prepared) {
  std::memset(prepared, 0, PreparedBytes(activations, cols));
  auto* header = reinterpret_cast<Int8TokenHeader*>(prepared);
  switch (activations) {
    case Activations::kF32:
      std::memcpy(prepared, x, static_cast<size_t>(cols) * sizeof(float));
      return;
    case Activations::kBf16:
      for (int64_t k = 0; k < cols; ++k) {
        const base::bf16 value = base::ToBf16(x[k]);
        std::memcpy(prepared + 2 * k, &value, sizeof value);
      }
      return;
    case Activations::kInt8Block:
    case Activations::kInt8Pair:
      QuantiseBlocks(activations, x, cols, prepared);
      return;
    case Activations::kInt16Block:
      for (int64_t k = 0; k < cols; k += kBlockCols)
        reinterpret_cast<Int16Columns*>(prepared)[k / kBlockCols] =
            QuantiseBlock16(x + k, static_cast<int>(std::min<int64_t>(kBlockCols, cols - k)));
      return;
    case Activations::kInt8Token:
      QuantiseToken(
          x, cols, header,
          reinterpret_cast<Int8Columns*>(prepared + Int8LayoutOf(activations, cols).columns));
      return;
  }
}

}  // namespace cria::kernels::reference
