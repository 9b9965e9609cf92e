// How a packed panel lies in memory; shared by the packer, the reference and every fast kernel.
//
// A panel holds 16 output rows. Integer kinds are cut into blocks of 32 columns = 8 quads of 4
// columns. One quad of a panel is 64 bytes: byte 4 * row + (column % 4), which is what an 8-bit dot
// product instruction wants. Weights are stored as unsigned numbers u; the signed value is u -
// offset.
//   8 bits: 8 vectors of 64 bytes, one per quad.
//   4 bits: 4 vectors; vector i holds quad i in its low nibbles and quad i + 4 in its high nibbles.
//   5 bits: as 4 bits, then one vector whose bit i is the fifth bit of quad i.
//   6 bits: as 4 bits, then two vectors: bits 2i, 2i + 1 of vector h are the high bits of quad 4h +
//   i.
// Blocks come in chunks that begin with their scales, so that every vector is 64-byte aligned:
//   kHalf     2 blocks: f16 d[2][16]
//   kHalfMin  2 blocks: f16 d[2][16], f16 m[2][16]
//   kSuper    8 blocks: f16 d[16], f16 dmin[16], u8 scale[8][16], u8 minimum[8][16]
//   kSuper6   8 blocks: f16 d[16], 32 bytes of padding, i8 scale[16][16]: one per 16 columns
//   kGroup    1 block, nothing; the panel begins with f32 weight_sum[16], f32 scale[K / group][16].
// weight_sum is the sum of a row's weights, which is what an activation's zero point multiplies.
// Float kinds: f32 [K][16]; f16 [K][16]; bf16 [K / 2][16][2], K padded to even.
//
// Everything here has internal linkage: files with different instruction sets include it, and the
// linker must never merge a copy that was compiled for AVX-512 into code that runs everywhere.
#ifndef CRIA_KERNELS_PACKED_LAYOUT_H_
#define CRIA_KERNELS_PACKED_LAYOUT_H_

#include <cstdint>

#include "kernels/packed_matrix.h"

namespace cria::kernels {

constexpr int kBlockCols = 32;
constexpr int kQuadBytes = 64;  // 16 rows x 4 columns

enum class ScaleForm : uint8_t { kHalf, kHalfMin, kSuper, kSuper6, kGroup };

struct QuantLayout {
  int bits;    // 4, 5, 6, 8
  int offset;  // signed weight = u - offset
  ScaleForm form;
  int chunk_blocks;
  int chunk_header;  // bytes of scales at the start of a chunk
  int block_bytes;   // quants of 32 columns

  constexpr int chunk_bytes() const { return chunk_header + chunk_blocks * block_bytes; }
};

static constexpr bool IsFloatKind(WeightKind kind) {
  return kind == WeightKind::kF32 || kind == WeightKind::kF16 || kind == WeightKind::kBf16;
}

static constexpr bool IsGroupKind(WeightKind kind) {
  return kind == WeightKind::kInt4Group || kind == WeightKind::kInt8Group;
}

static constexpr int QuantBlockBytes(int bits) {
  return bits == 8 ? 8 * kQuadBytes : (bits == 4 ? 4 : bits == 5 ? 5 : 6) * kQuadBytes;
}

static constexpr QuantLayout MakeLayout(int bits, int offset, ScaleForm form) {
  const int block_bytes = QuantBlockBytes(bits);
  switch (form) {
    case ScaleForm::kHalf:
      return {bits, offset, form, 2, 64, block_bytes};
    case ScaleForm::kHalfMin:
      return {bits, offset, form, 2, 128, block_bytes};
    case ScaleForm::kSuper:
    case ScaleForm::kSuper6:
      return {bits, offset, form, 8, 320, block_bytes};
    case ScaleForm::kGroup:
      return {bits, offset, form, 1, 0, block_bytes};
  }
  return {};
}

// For every kind but the float kinds.
static constexpr QuantLayout LayoutOf(WeightKind kind) {
  switch (kind) {
    case WeightKind::kQ8_0:
      return MakeLayout(8, 128, ScaleForm::kHalf);
    case WeightKind::kQ4_0:
      return MakeLayout(4, 8, ScaleForm::kHalf);
    case WeightKind::kQ4_1:
      return MakeLayout(4, 0, ScaleForm::kHalfMin);
    case WeightKind::kQ5_0:
      return MakeLayout(5, 16, ScaleForm::kHalf);
    case WeightKind::kQ5_1:
      return MakeLayout(5, 0, ScaleForm::kHalfMin);
    case WeightKind::kQ4K:
      return MakeLayout(4, 0, ScaleForm::kSuper);
    case WeightKind::kQ5K:
      return MakeLayout(5, 0, ScaleForm::kSuper);
    case WeightKind::kQ6K:
      return MakeLayout(6, 32, ScaleForm::kSuper6);
    case WeightKind::kInt4Group:
      return MakeLayout(4, 8, ScaleForm::kGroup);
    case WeightKind::kInt8Group:
      return MakeLayout(8, 128, ScaleForm::kGroup);
    default:
      return {};
  }
}

// Bytes before the first chunk of a panel.
static constexpr int64_t PanelHeaderBytes(WeightKind kind, int64_t cols, int64_t group) {
  return IsGroupKind(kind) ? 64 + 64 * (cols / group) : 0;
}

// The chunk that holds block `block` (32 columns each), and the block's quants.
static constexpr int64_t ChunkOffset(const QuantLayout& layout, int64_t block) {
  return block / layout.chunk_blocks * layout.chunk_bytes();
}
static constexpr int64_t QuantOffset(const QuantLayout& layout, int64_t block) {
  return ChunkOffset(layout, block) + layout.chunk_header +
         block % layout.chunk_blocks * layout.block_bytes;
}

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_PACKED_LAYOUT_H_
