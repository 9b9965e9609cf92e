// Weight matrices in the layout that the matrix product wants: panels of 16 output rows, packed
// once at load.
//
// Shape letters of this folder: N output rows, K columns (input features), M tokens, D head_dim, G
// query heads per KV head.
#ifndef CRIA_KERNELS_PACKED_MATRIX_H_
#define CRIA_KERNELS_PACKED_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cria::kernels {

// What a weight is at run time. The GGUF kinds keep their exact stored values (no re-quantisation).
enum class WeightKind : uint8_t {
  kF32,
  kF16,
  kBf16,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ4K,
  kQ5K,
  kQ6K,
  kInt4Group,  // int8 storage of values in [-8, 7], one float scale per row and `group` columns
  kInt8Group,  // int8 values, one float scale per row and `group` columns; group == K: one scale
               // per row
};
std::string_view Name(WeightKind kind);

// Rows as a checkpoint stores them. `data` needs no alignment.
struct WeightSource {
  WeightKind kind = WeightKind::kF32;
  int64_t rows = 0;   // N
  int64_t cols = 0;   // K, a multiple of the kind's block (1, 32 or 256) or of `group`
  int64_t group = 0;  // kInt4Group, kInt8Group: columns per scale (divides K); 0 for the others
  const uint8_t* data = nullptr;  // [N, K] in the file's layout
  const uint8_t* scales =
      nullptr;  // float32 [N, K / group], unaligned, for kInt4Group and kInt8Group
};

constexpr int64_t kPanelRows = 16;

// Borrows packed bytes (64-byte aligned). Rows are padded to whole panels with zero weights.
struct PackedMatrix {
  WeightKind kind = WeightKind::kF32;
  int64_t rows = 0;  // N, without the padding
  int64_t cols = 0;  // K
  int64_t group = 0;
  const uint8_t* data = nullptr;

  int64_t panels() const { return (rows + kPanelRows - 1) / kPanelRows; }
};

// Bytes of one packed panel, a multiple of 64. The layout is the same for every ISA (so it can be
// cached on disk).
size_t PanelBytes(WeightKind kind, int64_t cols, int64_t group);

// Packs panels [panel_begin, panel_end) of `source` to packed + panel_begin * PanelBytes().
// Thread-safe for disjoint ranges. CHECKs the shape rules above: the caller has validated its
// input.
void PackPanels(const WeightSource& source, int64_t panel_begin, int64_t panel_end,
                uint8_t* packed);

// The exact stored values again, by plain code: columns [col_begin, col_end) of one panel as
// [columns, 16] (the rows of the padding are zero).
void UnpackPanel(const PackedMatrix& matrix, int64_t panel, int64_t col_begin, int64_t col_end,
                 float* out);

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_PACKED_MATRIX_H_
