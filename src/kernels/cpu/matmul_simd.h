// The matrix product on packed panels; see packed_layout.h and activation_layout.h. Included by one .cc per ISA.
//
// A tile is one panel of 16 rows times up to kTileTokens tokens: weights are unpacked once per tile. Each token has sums of its
// own that are added up over the columns in one order, so that its result depends on nothing else in the call.
#ifndef CRIA_KERNELS_CPU_MATMUL_SIMD_H_
#define CRIA_KERNELS_CPU_MATMUL_SIMD_H_

#include <algorithm>

#include "kernels/activation_layout.h"
#include "kernels/cpu/simd.h"
#include "kernels/matmul.h"
#include "kernels/packed_layout.h"

namespace cria::kernels {
namespace {

#if defined(__AVX512F__)
constexpr int kTileTokens = 8;
#else
constexpr int kTileTokens = 4;
#endif

struct Tile {
  const PackedMatrix* matrix;
  const uint8_t* panel;
  const uint8_t* prepared;  // of the first token
  size_t prepared_stride;
};

// The eight quads of a block as unsigned bytes.
template <int Bits>
inline void UnpackQuads(const uint8_t* quants, I16x quads[8]) {
  if constexpr (Bits == 8) {
    for (int i = 0; i < 8; ++i) quads[i] = Load<I16x>(quants + kQuadBytes * i);
    return;
  }
  for (int i = 0; i < 4; ++i) {
    const U16x bytes = Load<U16x>(quants + kQuadBytes * i);
    quads[i] = reinterpret_cast<I16x>(bytes & 0x0f0f0f0fu);
    quads[i + 4] = reinterpret_cast<I16x>((bytes >> 4) & 0x0f0f0f0fu);
  }
  if constexpr (Bits == 5) {
    const U16x high = Load<U16x>(quants + 4 * kQuadBytes);
    for (int i = 0; i < 8; ++i) quads[i] |= reinterpret_cast<I16x>(((high >> i) & 0x01010101u) << 4);
  }
  if constexpr (Bits == 6) {
    for (int h = 0; h < 2; ++h) {
      const U16x high = Load<U16x>(quants + (4 + h) * kQuadBytes);
      for (int i = 0; i < 4; ++i) quads[4 * h + i] |= reinterpret_cast<I16x>(((high >> (2 * i)) & 0x03030303u) << 4);
    }
  }
}

// w = scale * (u - offset) + bias for the columns of one half block (16 columns) of each row.
struct Scales {
  F16x scale[2], bias[2];  // bias already holds -offset * scale
};

template <WeightKind Kind>
inline Scales LoadScales(const Tile& tile, int64_t block) {
  constexpr QuantLayout kLayout = LayoutOf(Kind);
  const auto offset = static_cast<float>(kLayout.offset);
  const uint8_t* chunk =
      tile.panel + PanelHeaderBytes(Kind, tile.matrix->cols, tile.matrix->group) + ChunkOffset(kLayout, block);
  const int64_t in_chunk = block % kLayout.chunk_blocks;
  Scales s;
  if constexpr (kLayout.form == ScaleForm::kHalf) {
    s.scale[0] = LoadHalves(chunk + 32 * in_chunk);
    s.bias[0] = s.scale[0] * -offset;
  } else if constexpr (kLayout.form == ScaleForm::kHalfMin) {
    s.scale[0] = LoadHalves(chunk + 32 * in_chunk);
    s.bias[0] = LoadHalves(chunk + 64 + 32 * in_chunk);
  } else if constexpr (kLayout.form == ScaleForm::kSuper) {
    s.scale[0] = LoadHalves(chunk) * LoadUnsigned8(chunk + 64 + 16 * in_chunk);
    s.bias[0] = -(LoadHalves(chunk + 32) * LoadUnsigned8(chunk + 192 + 16 * in_chunk));
  } else if constexpr (kLayout.form == ScaleForm::kSuper6) {
    const F16x d = LoadHalves(chunk);
    for (int h = 0; h < 2; ++h) {
      s.scale[h] = d * LoadSigned8(chunk + 64 + 16 * (2 * in_chunk + h));
      s.bias[h] = s.scale[h] * -offset;
    }
    return s;
  } else {
    const int64_t group = block * kBlockCols / tile.matrix->group;
    s.scale[0] = Load<F16x>(tile.panel + 64 + 64 * group);
    s.bias[0] = s.scale[0] * -offset;
  }
  s.scale[1] = s.scale[0];
  s.bias[1] = s.bias[0];
  return s;
}

template <WeightKind Kind>
inline const uint8_t* Quants(const Tile& tile, int64_t block) {
  return tile.panel + PanelHeaderBytes(Kind, tile.matrix->cols, tile.matrix->group) + QuantOffset(LayoutOf(Kind), block);
}

// Integer weights times int8 activations.
template <WeightKind Kind, int Tokens>
void IntegerTile(const Tile& tile, F16x sums[Tokens]) {
  constexpr QuantLayout kLayout = LayoutOf(Kind);
  constexpr bool kHalves = kLayout.form == ScaleForm::kSuper6;
  for (int64_t block = 0; block < tile.matrix->cols / kBlockCols; ++block) {
    I16x quads[8];
    UnpackQuads<kLayout.bits>(Quants<Kind>(tile, block), quads);
    const Scales s = LoadScales<Kind>(tile, block);
    for (int m = 0; m < Tokens; ++m) {
      const auto* x = reinterpret_cast<const Int8Columns*>(tile.prepared + static_cast<size_t>(m) * tile.prepared_stride +
                                                           sizeof(Int8TokenHeader)) + block;
      I16x dot[2] = {};
      for (int i = 0; i < 8; ++i)
        dot[i / 4] = DotQuad<kLayout.bits>(dot[i / 4], quads[i], Load<int32_t>(x->q + 4 * i));
      if constexpr (kHalves) {
        for (int h = 0; h < 2; ++h) {
          const F16x scaled_dot = ToFloats(dot[h]) * x->scale;
          sums[m] = Fma(s.scale[h], scaled_dot, sums[m]);
          sums[m] = Fma(s.bias[h], Broadcast(x->scale * static_cast<float>(x->sum[h])), sums[m]);
        }
      } else {
        const F16x scaled_dot = ToFloats(dot[0] + dot[1]) * x->scale;
        sums[m] = Fma(s.scale[0], scaled_dot, sums[m]);
        sums[m] = Fma(s.bias[0], Broadcast(x->scaled_sum), sums[m]);
      }
    }
  }
  if constexpr (IsGroupKind(Kind)) {  // the zero point times the sum of the row's weights
    const F16x weight_sum = Load<F16x>(tile.panel);
    for (int m = 0; m < Tokens; ++m) {
      const auto* header = reinterpret_cast<const Int8TokenHeader*>(tile.prepared + static_cast<size_t>(m) * tile.prepared_stride);
      sums[m] = Fma(weight_sum, Broadcast(-header->scaled_zero), sums[m]);
    }
  }
}

template <int Tokens>
inline void AddColumn(const Tile& tile, int64_t k, F16x weights, F16x sums[Tokens]) {
  for (int m = 0; m < Tokens; ++m) {
    const uint8_t* x = tile.prepared + static_cast<size_t>(m) * tile.prepared_stride + 4 * k;
    sums[m] = Fma(weights, Broadcast(Load<float>(x)), sums[m]);
  }
}

// Integer weights, unpacked to floats, times float activations.
template <WeightKind Kind, int Tokens>
void UnpackedTile(const Tile& tile, F16x sums[Tokens]) {
  constexpr QuantLayout kLayout = LayoutOf(Kind);
  for (int64_t block = 0; block < tile.matrix->cols / kBlockCols; ++block) {
    I16x quads[8];
    UnpackQuads<kLayout.bits>(Quants<Kind>(tile, block), quads);
    const Scales s = LoadScales<Kind>(tile, block);
    for (int i = 0; i < 8; ++i)
      for (int c = 0; c < 4; ++c) {
        const I16x u = (quads[i] >> (8 * c)) & 0xff;
        AddColumn<Tokens>(tile, block * kBlockCols + 4 * i + c, Fma(s.scale[i / 4], ToFloats(u), s.bias[i / 4]), sums);
      }
  }
}

template <WeightKind Kind, int Tokens>
void FloatTile(const Tile& tile, F16x sums[Tokens]) {
  const int64_t cols = tile.matrix->cols;
  if constexpr (Kind == WeightKind::kF32) {
    for (int64_t k = 0; k < cols; ++k) AddColumn<Tokens>(tile, k, Load<F16x>(tile.panel + 64 * k), sums);
  } else if constexpr (Kind == WeightKind::kF16) {
    for (int64_t k = 0; k < cols; ++k) AddColumn<Tokens>(tile, k, LoadHalves(tile.panel + 32 * k), sums);
  } else {  // prepared tokens are padded with zeros, so is an odd last column
    for (int64_t k = 0; k < cols; k += 2) {
      const U16x pair = Load<U16x>(tile.panel + 32 * k);
      AddColumn<Tokens>(tile, k, reinterpret_cast<F16x>(pair << 16), sums);
      if (k + 1 < cols) AddColumn<Tokens>(tile, k + 1, reinterpret_cast<F16x>(pair & 0xffff0000u), sums);
    }
  }
}

// bf16 weights times activations that were rounded to bf16; products and sums in float.
template <int Tokens>
void Bf16Tile(const Tile& tile, F16x sums[Tokens]) {
  for (int64_t k = 0; k < tile.matrix->cols; k += 2) {
    const U16x pair = Load<U16x>(tile.panel + 32 * k);
    for (int m = 0; m < Tokens; ++m) {
      const auto x = Load<uint32_t>(tile.prepared + static_cast<size_t>(m) * tile.prepared_stride + 2 * k);
      const uint32_t low = x << 16, high = x & 0xffff0000u;
      sums[m] = Fma(reinterpret_cast<F16x>(pair << 16), Broadcast(Load<float>(&low)), sums[m]);
      sums[m] = Fma(reinterpret_cast<F16x>(pair & 0xffff0000u), Broadcast(Load<float>(&high)), sums[m]);
    }
  }
}

template <WeightKind Kind, int Tokens>
void RunTile(Activations activations, const Tile& tile, F16x sums[Tokens]) {
  if constexpr (IsFloatKind(Kind)) {
    if (Kind == WeightKind::kBf16 && activations == Activations::kBf16) return Bf16Tile<Tokens>(tile, sums);
    FloatTile<Kind, Tokens>(tile, sums);
  } else {
    if (activations == Activations::kF32) return UnpackedTile<Kind, Tokens>(tile, sums);
    IntegerTile<Kind, Tokens>(tile, sums);
  }
}

template <WeightKind Kind, int Tokens>
void PanelTimesTokens(const MatMulArgs& args, const Tile& tile, int64_t panel, int64_t token) {
  F16x sums[Tokens] = {};
  RunTile<Kind, Tokens>(args.activations, tile, sums);
  const int64_t rows = std::min(kPanelRows, args.weights->rows - panel * kPanelRows);
  for (int m = 0; m < Tokens; ++m) {
    float* out = args.out + (token + m) * args.out_stride + panel * kPanelRows;
    for (int64_t r = 0; r < rows; ++r) out[r] = args.accumulate ? out[r] + sums[m][r] : sums[m][r];
  }
}

// Tokens in groups that stay in the second-level cache while all panels pass over them.
constexpr int64_t kTokenGroup = 64;

template <WeightKind Kind>
void MatMulKind(const MatMulArgs& args) {
  const PackedMatrix& matrix = *args.weights;
  const size_t panel_bytes = PanelBytes(matrix.kind, matrix.cols, matrix.group);
  const size_t stride = PreparedBytes(args.activations, matrix.cols);
  for (int64_t group = 0; group < args.tokens; group += kTokenGroup) {
    const int64_t end = std::min(args.tokens, group + kTokenGroup);
    for (int64_t panel = args.panel_begin; panel < args.panel_end; ++panel) {
      const uint8_t* weights = matrix.data + static_cast<size_t>(panel) * panel_bytes;
      int64_t token = group;
      while (token < end) {
        const Tile tile{&matrix, weights, args.prepared + static_cast<size_t>(token) * stride, stride};
        if (end - token >= kTileTokens) {
          PanelTimesTokens<Kind, kTileTokens>(args, tile, panel, token);
          token += kTileTokens;
        } else if (end - token >= 2) {
          PanelTimesTokens<Kind, 2>(args, tile, panel, token);
          token += 2;
        } else {
          PanelTimesTokens<Kind, 1>(args, tile, panel, token);
          ++token;
        }
      }
    }
  }
}

void MatMulSimd(const MatMulArgs& args) {
  switch (args.weights->kind) {
    case WeightKind::kF32: return MatMulKind<WeightKind::kF32>(args);
    case WeightKind::kF16: return MatMulKind<WeightKind::kF16>(args);
    case WeightKind::kBf16: return MatMulKind<WeightKind::kBf16>(args);
    case WeightKind::kQ8_0: return MatMulKind<WeightKind::kQ8_0>(args);
    case WeightKind::kQ4_0: return MatMulKind<WeightKind::kQ4_0>(args);
    case WeightKind::kQ4_1: return MatMulKind<WeightKind::kQ4_1>(args);
    case WeightKind::kQ5_0: return MatMulKind<WeightKind::kQ5_0>(args);
    case WeightKind::kQ5_1: return MatMulKind<WeightKind::kQ5_1>(args);
    case WeightKind::kQ4K: return MatMulKind<WeightKind::kQ4K>(args);
    case WeightKind::kQ5K: return MatMulKind<WeightKind::kQ5K>(args);
    case WeightKind::kQ6K: return MatMulKind<WeightKind::kQ6K>(args);
    case WeightKind::kInt4Group: return MatMulKind<WeightKind::kInt4Group>(args);
    case WeightKind::kInt8Group: return MatMulKind<WeightKind::kInt8Group>(args);
  }
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_MATMUL_SIMD_H_
