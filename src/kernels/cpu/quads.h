// Unpacks the quants and scales of a panel (packed_layout.h), written once for every simd_*.h.
// `vector` counts the kRowVectors vectors of kLanes rows that make up a panel's 16 rows.
#ifndef CRIA_KERNELS_CPU_QUADS_H_
#define CRIA_KERNELS_CPU_QUADS_H_

#include "kernels/cpu/simd_common.h"
#include "kernels/packed_layout.h"

namespace cria::kernels {
namespace {

template <int kBits>
CRIA_INLINE I Shift(I x) {  // left for positive, right for negative
  if constexpr (kBits > 0) return ShiftLeft<kBits>(x);
  if constexpr (kBits < 0) return ShiftRight<-kBits>(x);
  return x;
}

// Quad `kQuad` (0..7) of the block at `block` (moved on to the wanted vector): 4 unsigned bytes for
// each row.
template <int kBits, int kQuad>
CRIA_INLINE I Quad(const uint8_t* block) {
  if constexpr (kBits == 8) return LoadI(block + kQuadBytes * kQuad);
  const I nibbles = LoadI(block + kQuadBytes * (kQuad % 4));
  const I low = And(Shift < kQuad < 4 ? 0 : -4 > (nibbles), SetI(0x0f0f0f0f));
  if constexpr (kBits == 5) {
    const I plane = LoadI(block + kQuadBytes * 4);
    return Or(low, And(Shift<4 - kQuad>(plane), SetI(0x10101010)));
  } else if constexpr (kBits == 6) {
    const I plane = LoadI(block + kQuadBytes * (4 + kQuad / 4));
    return Or(low, And(Shift<4 - 2 * (kQuad % 4)>(plane), SetI(0x30303030)));
  } else {
    return low;
  }
}

// Where a tile's quads come from: a packed block of kBits, or one that was unpacked to a byte a
// weight (of which kBits can be set).
template <int kWeightBits>
struct PackedQuads {
  static constexpr int kBits = kWeightBits;
  template <int kQuad>
  CRIA_INLINE static I Get(const uint8_t* block) {
    return Quad<kBits, kQuad>(block);
  }
};
template <int kWeightBits>
struct ByteQuads {
  static constexpr int kBits = kWeightBits;
  template <int kQuad>
  CRIA_INLINE static I Get(const uint8_t* block) {
    return LoadI(block + kQuadBytes * kQuad);
  }
};

// Where a block lies, counted from the start of its panel. Walks block by block.
template <WeightKind kKind>
struct BlockCursor {
  static constexpr QuantLayout kLayout = LayoutOf(kKind);
  int64_t chunk;
  int in_chunk = 0;
  int64_t group_scale = 64;  // kGroup
  int64_t blocks_of_group =
      0;  // kGroup: how many blocks share one scale, and how many of them are left
  int64_t left = 0;

  CRIA_INLINE BlockCursor(int64_t cols, int64_t group)
      : chunk(PanelHeaderBytes(kKind, cols, group)) {
    if constexpr (kLayout.form == ScaleForm::kGroup)
      left = blocks_of_group = (group + kBlockCols - 1) / kBlockCols;
  }
  CRIA_INLINE void Skip(int64_t blocks, int64_t cols, int64_t group) {
    chunk = PanelHeaderBytes(kKind, cols, group) + ChunkOffset(kLayout, blocks);
    in_chunk = static_cast<int>(blocks % kLayout.chunk_blocks);
    if constexpr (kLayout.form == ScaleForm::kGroup) {
      group_scale = 64 + 64 * (blocks / blocks_of_group);
      left = blocks_of_group - blocks % blocks_of_group;
    }
  }
  CRIA_INLINE int64_t quants() const {
    return chunk + kLayout.chunk_header + in_chunk * kLayout.block_bytes;
  }
  CRIA_INLINE void Next() {
    if constexpr (kLayout.chunk_blocks == 1) {
      chunk += kLayout.chunk_bytes();
    } else if (++in_chunk == kLayout.chunk_blocks) {
      in_chunk = 0;
      chunk += kLayout.chunk_bytes();
    }
    if constexpr (kLayout.form == ScaleForm::kGroup) {
      if (--left == 0) {
        left = blocks_of_group;
        group_scale += 64;
      }
    }
  }
};

// Asks for what the walk over a panel reads a little later: the processor's own prefetching stops
// at every page. (Measured on Ice Lake: a fifth more bandwidth.)
CRIA_INLINE void FetchAhead(const uint8_t* quants, int bytes) {
  constexpr int kAhead = 3072;
  for (int line = 0; line < bytes + 64; line += 64) __builtin_prefetch(quants + kAhead + line);
}

// Calls call<kind>() for a kind of integers; does nothing for the others.
template <typename Call>
CRIA_INLINE void WithIntegerKind(WeightKind kind, Call call) {
  switch (kind) {
    case WeightKind::kQ8_0:
      return call.template operator()<WeightKind::kQ8_0>();
    case WeightKind::kQ4_0:
      return call.template operator()<WeightKind::kQ4_0>();
    case WeightKind::kQ4_1:
      return call.template operator()<WeightKind::kQ4_1>();
    case WeightKind::kQ5_0:
      return call.template operator()<WeightKind::kQ5_0>();
    case WeightKind::kQ5_1:
      return call.template operator()<WeightKind::kQ5_1>();
    case WeightKind::kQ4K:
      return call.template operator()<WeightKind::kQ4K>();
    case WeightKind::kQ5K:
      return call.template operator()<WeightKind::kQ5K>();
    case WeightKind::kQ6K:
      return call.template operator()<WeightKind::kQ6K>();
    case WeightKind::kInt4Group:
      return call.template operator()<WeightKind::kInt4Group>();
    case WeightKind::kInt8Group:
      return call.template operator()<WeightKind::kInt8Group>();
    case WeightKind::kF32:
    case WeightKind::kF16:
    case WeightKind::kBf16:
      return;
  }
}

constexpr bool HasMinimum(ScaleForm form) {
  return form == ScaleForm::kHalfMin || form == ScaleForm::kSuper;
}

// weight = scale[half] * (u - offset) - minimum; halves of 16 columns differ in kSuper6 only.
struct BlockScales {
  F scale[2];
  F minimum;
};

template <WeightKind kKind>
CRIA_INLINE BlockScales LoadScales(const uint8_t* panel, const BlockCursor<kKind>& at, int vector) {
  constexpr ScaleForm kForm = LayoutOf(kKind).form;
  const uint8_t* chunk = panel + at.chunk;
  const int row = vector * kLanes, s = at.in_chunk;
  BlockScales scales{};
  if constexpr (kForm == ScaleForm::kHalf) {
    scales.scale[0] = LoadF16(chunk + 32 * s + 2 * row);
  } else if constexpr (kForm == ScaleForm::kHalfMin) {
    scales.scale[0] = LoadF16(chunk + 32 * s + 2 * row);
    scales.minimum = Sub(Set1(0), LoadF16(chunk + 64 + 32 * s + 2 * row));
  } else if constexpr (kForm == ScaleForm::kSuper) {
    scales.scale[0] = Mul(LoadF16(chunk + 2 * row), LoadU8(chunk + 64 + 16 * s + row));
    scales.minimum = Mul(LoadF16(chunk + 32 + 2 * row), LoadU8(chunk + 192 + 16 * s + row));
  } else if constexpr (kForm == ScaleForm::kSuper6) {
    const F d = LoadF16(chunk + 2 * row);
    scales.scale[0] = Mul(d, LoadI8(chunk + 64 + 32 * s + row));
    scales.scale[1] = Mul(d, LoadI8(chunk + 64 + 32 * s + 16 + row));
  } else {
    scales.scale[0] = FromBits(LoadI(panel + at.group_scale + 4 * row));
  }
  return scales;
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_QUADS_H_
