#include "kernels/packed_matrix.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/half.h"
#include "kernels/packed_layout.h"
#include "tensor/blocks.h"

namespace cria::kernels {
namespace {

using base::f16;

template <typename T>
T LoadAs(const uint8_t* source) {
  T value;
  std::memcpy(&value, source, sizeof value);
  return value;
}

template <typename T>
void StoreAs(uint8_t* target, T value) {
  std::memcpy(target, &value, sizeof value);
}

// Columns that share one stored block.
int64_t SourceBlock(const WeightSource& source) {
  switch (source.kind) {
    case WeightKind::kF32:
    case WeightKind::kF16:
    case WeightKind::kBf16:
      return 1;
    case WeightKind::kInt4Group:
    case WeightKind::kInt8Group:
      return source.group;
    case WeightKind::kQ4K:
    case WeightKind::kQ5K:
    case WeightKind::kQ6K:
      return 256;
    default:
      return 32;
  }
}

int64_t SourceRowBytes(const WeightSource& source) {
  switch (source.kind) {
    case WeightKind::kF32:
      return 4 * source.cols;
    case WeightKind::kF16:
    case WeightKind::kBf16:
      return 2 * source.cols;
    case WeightKind::kInt4Group:
    case WeightKind::kInt8Group:
      return source.cols;
    case WeightKind::kQ8_0:
      return source.cols / 32 * int64_t{sizeof(tensor::BlockQ8_0)};
    case WeightKind::kQ4_0:
      return source.cols / 32 * int64_t{sizeof(tensor::BlockQ4_0)};
    case WeightKind::kQ4_1:
      return source.cols / 32 * int64_t{sizeof(tensor::BlockQ4_1)};
    case WeightKind::kQ5_0:
      return source.cols / 32 * int64_t{sizeof(tensor::BlockQ5_0)};
    case WeightKind::kQ5_1:
      return source.cols / 32 * int64_t{sizeof(tensor::BlockQ5_1)};
    case WeightKind::kQ4K:
      return source.cols / 256 * int64_t{sizeof(tensor::BlockQ4K)};
    case WeightKind::kQ5K:
      return source.cols / 256 * int64_t{sizeof(tensor::BlockQ5K)};
    case WeightKind::kQ6K:
      return source.cols / 256 * int64_t{sizeof(tensor::BlockQ6K)};
  }
  return 0;
}

// ---- Packing: one row's block of 32 unsigned numbers into its place in the panel.

void StoreQuants(int bits, const uint8_t u[32], int row, uint8_t* block) {
  uint32_t quad[8];
  std::memcpy(quad, u, sizeof quad);
  uint8_t* out = block + 4 * row;
  if (bits == 8) {
    for (int i = 0; i < 8; ++i) StoreAs(out + kQuadBytes * i, quad[i]);
    return;
  }
  constexpr uint32_t kLow = 0x0f0f0f0fu, kOne = 0x01010101u, kTwo = 0x03030303u;
  for (int i = 0; i < 4; ++i)
    StoreAs(out + kQuadBytes * i, (quad[i] & kLow) | ((quad[i + 4] & kLow) << 4));
  if (bits == 5) {
    uint32_t plane = 0;
    for (int i = 0; i < 8; ++i) plane |= ((quad[i] >> 4) & kOne) << i;
    StoreAs(out + kQuadBytes * 4, plane);
  } else if (bits == 6) {
    uint32_t planes[2] = {0, 0};
    for (int i = 0; i < 8; ++i) planes[i / 4] |= ((quad[i] >> 4) & kTwo) << (2 * (i % 4));
    StoreAs(out + kQuadBytes * 4, planes[0]);
    StoreAs(out + kQuadBytes * 5, planes[1]);
  }
}

void UnpackNibbles(const uint8_t q[16], uint8_t u[32]) {
  for (int j = 0; j < 16; ++j) {
    u[j] = q[j] & 15;
    u[j + 16] = q[j] >> 4;
  }
}

void AddFifthBits(const uint8_t high[4], uint8_t u[32]) {
  const auto bits = LoadAs<uint32_t>(high);
  for (int j = 0; j < 32; ++j) u[j] = static_cast<uint8_t>(u[j] | (((bits >> j) & 1u) << 4));
}

// The quants of a block of 32, unsigned.
void Quants(const tensor::BlockQ8_0& block, uint8_t u[32]) {
  for (int j = 0; j < 32; ++j) u[j] = static_cast<uint8_t>(block.q[j] + 128);
}
void Quants(const tensor::BlockQ4_0& block, uint8_t u[32]) { UnpackNibbles(block.q, u); }
void Quants(const tensor::BlockQ4_1& block, uint8_t u[32]) { UnpackNibbles(block.q, u); }
void Quants(const tensor::BlockQ5_0& block, uint8_t u[32]) {
  UnpackNibbles(block.q, u);
  AddFifthBits(block.high, u);
}
void Quants(const tensor::BlockQ5_1& block, uint8_t u[32]) {
  UnpackNibbles(block.q, u);
  AddFifthBits(block.high, u);
}

// The quants of sub-block `s` (32 columns) of a super-block.
void Quants(const tensor::BlockQ4K& block, int s, uint8_t u[32]) {
  const uint8_t* q = block.q + 32 * (s / 2);
  for (int l = 0; l < 32; ++l) u[l] = s % 2 == 0 ? q[l] & 15 : q[l] >> 4;
}
void Quants(const tensor::BlockQ5K& block, int s, uint8_t u[32]) {
  const uint8_t* q = block.q + 32 * (s / 2);
  for (int l = 0; l < 32; ++l) {
    const int nibble = s % 2 == 0 ? q[l] & 15 : q[l] >> 4;
    u[l] = static_cast<uint8_t>(nibble | (((block.high[l] >> s) & 1) << 4));
  }
}
void Quants(const tensor::BlockQ6K& block, int s, uint8_t u[32]) {
  const int half = s / 4, quarter = s % 4;
  const uint8_t* low = block.low + 64 * half + 32 * (quarter % 2);
  const uint8_t* high = block.high + 32 * half;
  for (int l = 0; l < 32; ++l) {
    const int nibble = quarter < 2 ? low[l] & 15 : low[l] >> 4;
    u[l] = static_cast<uint8_t>(nibble | (((high[l] >> (2 * quarter)) & 3) << 4));
  }
}

template <typename Block>
void PackRowOfBlocks(const uint8_t* source, int64_t cols, const QuantLayout& layout, int row,
                     uint8_t* panel) {
  for (int64_t b = 0; b < cols / kBlockCols; ++b, source += sizeof(Block)) {
    const auto block = LoadAs<Block>(source);
    uint8_t* scales = panel + ChunkOffset(layout, b) + 32 * (b % 2) + 2 * row;
    StoreAs(scales, block.d);
    if constexpr (requires { block.m; }) StoreAs(scales + 64, block.m);
    uint8_t u[32];
    Quants(block, u);
    StoreQuants(layout.bits, u, row, panel + QuantOffset(layout, b));
  }
}

template <typename Block>
void PackRowOfSuperBlocks(const uint8_t* source, int64_t cols, const QuantLayout& layout, int row,
                          uint8_t* panel) {
  for (int64_t b = 0; b < cols / kBlockCols; b += 8, source += sizeof(Block)) {
    const auto block = LoadAs<Block>(source);
    uint8_t* chunk = panel + ChunkOffset(layout, b);
    StoreAs(chunk + 2 * row, block.d);
    if constexpr (requires { block.dmin; }) {
      StoreAs(chunk + 32 + 2 * row, block.dmin);
      for (int s = 0; s < 8; ++s)
        tensor::UnpackScaleMin(block.scales, s, chunk + 64 + 16 * s + row,
                               chunk + 192 + 16 * s + row);
    } else {
      for (int s = 0; s < 16; ++s) StoreAs(chunk + 64 + 16 * s + row, block.scales[s]);
    }
    for (int s = 0; s < 8; ++s) {
      uint8_t u[32];
      Quants(block, s, u);
      StoreQuants(layout.bits, u, row, panel + QuantOffset(layout, b + s));
    }
  }
}

void PackRowOfGroups(const WeightSource& source, int64_t source_row, int row, uint8_t* panel) {
  const QuantLayout layout = LayoutOf(source.kind);
  const uint8_t* weights = source.data + source_row * source.cols;
  const int64_t groups = source.cols / source.group;
  const uint8_t* scales = source.scales + 4 * source_row * groups;
  double weight_sum = 0;
  for (int64_t g = 0; g < groups; ++g) {
    int64_t sum = 0;
    for (int64_t k = g * source.group; k < (g + 1) * source.group; ++k)
      sum += static_cast<int8_t>(weights[k]);
    const auto scale = LoadAs<float>(scales + 4 * g);
    StoreAs(panel + 64 + 64 * g + 4 * row, scale);
    weight_sum += static_cast<double>(scale) * static_cast<double>(sum);
  }
  StoreAs(panel + 4 * row, static_cast<float>(weight_sum));
  uint8_t* blocks = panel + PanelHeaderBytes(source.kind, source.cols, source.group);
  for (int64_t k = 0; k < source.cols; k += kBlockCols) {
    uint8_t u[32];
    const int count = static_cast<int>(std::min<int64_t>(kBlockCols, source.cols - k));
    for (int j = 0; j < kBlockCols; ++j) {
      const int value = j < count ? static_cast<int8_t>(weights[k + j]) : 0;
      u[j] = static_cast<uint8_t>(value + layout.offset);
    }
    StoreQuants(layout.bits, u, row, blocks + QuantOffset(layout, k / kBlockCols));
  }
}

void PackRow(const WeightSource& source, int64_t source_row, int row, uint8_t* panel) {
  const uint8_t* data = source.data + source_row * SourceRowBytes(source);
  const int64_t cols = source.cols;
  const QuantLayout layout = LayoutOf(source.kind);
  switch (source.kind) {
    case WeightKind::kF32:
      for (int64_t k = 0; k < cols; ++k) std::memcpy(panel + 64 * k + 4 * row, data + 4 * k, 4);
      return;
    case WeightKind::kF16:
      for (int64_t k = 0; k < cols; ++k) std::memcpy(panel + 32 * k + 2 * row, data + 2 * k, 2);
      return;
    case WeightKind::kBf16:
      for (int64_t k = 0; k < cols; ++k)
        std::memcpy(panel + 64 * (k / 2) + 4 * row + 2 * (k % 2), data + 2 * k, 2);
      return;
    case WeightKind::kQ8_0:
      return PackRowOfBlocks<tensor::BlockQ8_0>(data, cols, layout, row, panel);
    case WeightKind::kQ4_0:
      return PackRowOfBlocks<tensor::BlockQ4_0>(data, cols, layout, row, panel);
    case WeightKind::kQ4_1:
      return PackRowOfBlocks<tensor::BlockQ4_1>(data, cols, layout, row, panel);
    case WeightKind::kQ5_0:
      return PackRowOfBlocks<tensor::BlockQ5_0>(data, cols, layout, row, panel);
    case WeightKind::kQ5_1:
      return PackRowOfBlocks<tensor::BlockQ5_1>(data, cols, layout, row, panel);
    case WeightKind::kQ4K:
      return PackRowOfSuperBlocks<tensor::BlockQ4K>(data, cols, layout, row, panel);
    case WeightKind::kQ5K:
      return PackRowOfSuperBlocks<tensor::BlockQ5K>(data, cols, layout, row, panel);
    case WeightKind::kQ6K:
      return PackRowOfSuperBlocks<tensor::BlockQ6K>(data, cols, layout, row, panel);
    case WeightKind::kInt4Group:
    case WeightKind::kInt8Group:
      return PackRowOfGroups(source, source_row, row, panel);
  }
}

// ---- Unpacking.

float HalfAt(const uint8_t* at) { return base::ToFloat(LoadAs<f16>(at)); }

// The unsigned number of column j of a block.
int QuantAt(int bits, const uint8_t* block, int row, int j) {
  const int quad = j / 4, byte = 4 * row + j % 4;
  if (bits == 8) return block[kQuadBytes * quad + byte];
  const int packed = block[kQuadBytes * (quad % 4) + byte];
  const int nibble = quad < 4 ? packed & 15 : packed >> 4;
  if (bits == 5) return nibble | (((block[kQuadBytes * 4 + byte] >> quad) & 1) << 4);
  if (bits == 6)
    return nibble | (((block[kQuadBytes * (4 + quad / 4) + byte] >> (2 * (quad % 4))) & 3) << 4);
  return nibble;
}

// Weight = scale * quant - minimum.
struct ScaleMin {
  float scale, minimum;
};

// For column `col` of row `row`; `panel` is where the panel begins.
ScaleMin ScaleMinAt(const PackedMatrix& matrix, const QuantLayout& layout, const uint8_t* panel,
                    int row, int64_t col) {
  const int64_t block = col / kBlockCols;
  const uint8_t* chunk = panel + ChunkOffset(layout, block);
  const int64_t s = block % 8;
  switch (layout.form) {
    case ScaleForm::kHalf:
      return {HalfAt(chunk + 32 * (block % 2) + 2 * row), 0};
    case ScaleForm::kHalfMin: {
      const uint8_t* d = chunk + 32 * (block % 2) + 2 * row;
      return {HalfAt(d), -HalfAt(d + 64)};
    }
    case ScaleForm::kSuper:
      return {HalfAt(chunk + 2 * row) * static_cast<float>(chunk[64 + 16 * s + row]),
              HalfAt(chunk + 32 + 2 * row) * static_cast<float>(chunk[192 + 16 * s + row])};
    case ScaleForm::kSuper6: {
      const int64_t sixteen = 2 * s + col % kBlockCols / 16;
      const auto scale = static_cast<int8_t>(chunk[64 + 16 * sixteen + row]);
      return {HalfAt(chunk + 2 * row) * static_cast<float>(scale), 0};
    }
    case ScaleForm::kGroup:
      return {LoadAs<float>(panel + 64 + 64 * (col / matrix.group) + 4 * row), 0};
  }
  return {0, 0};
}

float WeightAt(const PackedMatrix& matrix, const uint8_t* panel, int row, int64_t col) {
  switch (matrix.kind) {
    case WeightKind::kF32:
      return LoadAs<float>(panel + 64 * col + 4 * row);
    case WeightKind::kF16:
      return HalfAt(panel + 32 * col + 2 * row);
    case WeightKind::kBf16:
      return base::ToFloat(LoadAs<base::bf16>(panel + 64 * (col / 2) + 4 * row + 2 * (col % 2)));
    default:
      break;
  }
  const QuantLayout layout = LayoutOf(matrix.kind);
  const uint8_t* blocks = panel + PanelHeaderBytes(matrix.kind, matrix.cols, matrix.group);
  const uint8_t* block = blocks + QuantOffset(layout, col / kBlockCols);
  const int quant =
      QuantAt(layout.bits, block, row, static_cast<int>(col % kBlockCols)) - layout.offset;
  const ScaleMin s = ScaleMinAt(matrix, layout, panel, row, col);
  return s.scale * static_cast<float>(quant) - s.minimum;
}

}  // namespace

std::string_view Name(WeightKind kind) {
  switch (kind) {
    case WeightKind::kF32:
      return "F32";
    case WeightKind::kF16:
      return "F16";
    case WeightKind::kBf16:
      return "BF16";
    case WeightKind::kQ8_0:
      return "Q8_0";
    case WeightKind::kQ4_0:
      return "Q4_0";
    case WeightKind::kQ4_1:
      return "Q4_1";
    case WeightKind::kQ5_0:
      return "Q5_0";
    case WeightKind::kQ5_1:
      return "Q5_1";
    case WeightKind::kQ4K:
      return "Q4_K";
    case WeightKind::kQ5K:
      return "Q5_K";
    case WeightKind::kQ6K:
      return "Q6_K";
    case WeightKind::kInt4Group:
      return "INT4_GROUP";
    case WeightKind::kInt8Group:
      return "INT8_GROUP";
  }
  return "unknown";
}

size_t PanelBytes(WeightKind kind, int64_t cols, int64_t group) {
  if (kind == WeightKind::kF32) return static_cast<size_t>(64 * cols);
  if (kind == WeightKind::kF16 || kind == WeightKind::kBf16)
    return static_cast<size_t>(64 * base::CeilDiv(cols, 2));
  const QuantLayout layout = LayoutOf(kind);
  CRIA_CHECK_GE(layout.chunk_blocks, 1);
  const int64_t blocks = base::CeilDiv(cols, kBlockCols);
  return static_cast<size_t>(PanelHeaderBytes(kind, cols, group) +
                             base::CeilDiv(blocks, layout.chunk_blocks) * layout.chunk_bytes());
}

void PackPanels(const WeightSource& source, int64_t panel_begin, int64_t panel_end,
                uint8_t* packed) {
  CRIA_CHECK_GE(source.rows, 1);
  CRIA_CHECK_GE(source.cols, 1);
  if (IsGroupKind(source.kind)) {
    CRIA_CHECK_GE(source.group, 1);
    CRIA_CHECK(source.scales != nullptr);
  }
  CRIA_CHECK_EQ(source.cols % SourceBlock(source), 0);
  CRIA_CHECK_LE(panel_end, base::CeilDiv(source.rows, kPanelRows));
  const auto panel_bytes = static_cast<int64_t>(PanelBytes(source.kind, source.cols, source.group));
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    uint8_t* panel = packed + p * panel_bytes;
    std::memset(panel, 0, static_cast<size_t>(panel_bytes));
    const int64_t rows = std::min(kPanelRows, source.rows - p * kPanelRows);
    for (int r = 0; r < static_cast<int>(rows); ++r) PackRow(source, p * kPanelRows + r, r, panel);
  }
}

void UnpackPanel(const PackedMatrix& matrix, int64_t panel, int64_t col_begin, int64_t col_end,
                 float* out) {
  const size_t panel_bytes = PanelBytes(matrix.kind, matrix.cols, matrix.group);
  const uint8_t* data = matrix.data + static_cast<size_t>(panel) * panel_bytes;
  for (int64_t k = col_begin; k < col_end; ++k)
    for (int r = 0; r < kPanelRows; ++r) *out++ = WeightAt(matrix, data, r, k);
}

}  // namespace cria::kernels
