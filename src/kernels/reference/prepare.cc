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
  columns->scaled_sum = scale * static_cast<float>(columns->sum[0] + columns->sum[1]);
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
  auto* blocks = reinterpret_cast<Int8Columns*>(prepared + sizeof(Int8TokenHeader));
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
      for (int64_t k = 0; k < cols; k += kBlockCols)
        blocks[k / kBlockCols] =
            QuantiseBlock(x + k, static_cast<int>(std::min<int64_t>(kBlockCols, cols - k)));
      return;
    case Activations::kInt8Token:
      QuantiseToken(x, cols, header, blocks);
      return;
  }
}

}  // namespace cria::kernels::reference
