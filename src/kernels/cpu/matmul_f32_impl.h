// Any weights times float activations, written once for every simd_*.h.
//
// Weights become exact floats kSliceCols columns at a time, [kSliceCols][16] for each panel, which
// then serve all tokens. For every (row, token) the products are added column by column into one
// float, in that order for any number of tokens, so a token's result depends on nothing else in the
// call. With few tokens several panels run side by side instead.
#ifndef CRIA_KERNELS_CPU_MATMUL_F32_IMPL_H_
#define CRIA_KERNELS_CPU_MATMUL_F32_IMPL_H_

#include "kernels/cpu/panel_output.h"
#include "kernels/cpu/quads.h"

namespace cria::kernels {
namespace {

constexpr int64_t kSliceCols = 128;

template <int kShift>
CRIA_INLINE F ByteToFloat(I quad) {
  return ToFloat(And(Shift<-kShift>(quad), SetI(0xff)));
}

template <WeightKind kKind, int kQuad>
CRIA_INLINE void WidenQuad(const uint8_t* quants, const BlockScales& scales, float* out) {
  constexpr QuantLayout kLayout = LayoutOf(kKind);
  const I quad = Quad<kLayout.bits, kQuad>(quants);
  const F scale = scales.scale[kLayout.form == ScaleForm::kSuper6 ? kQuad / 4 : 0];
  const F offset = Set1(static_cast<float>(kLayout.offset));
  const F bytes[4] = {ByteToFloat<0>(quad), ByteToFloat<8>(quad), ByteToFloat<16>(quad),
                      ByteToFloat<24>(quad)};
  for (int j = 0; j < 4; ++j) {
    F weight = Mul(scale, kLayout.offset == 0 ? bytes[j] : Sub(bytes[j], offset));
    if constexpr (HasMinimum(kLayout.form)) weight = Sub(weight, scales.minimum);
    Store(out + 16 * (4 * kQuad + j), weight);
  }
}

template <WeightKind kKind, int kQuad = 0>
CRIA_INLINE void WidenQuads(const uint8_t* quants, const BlockScales& scales, float* out) {
  if constexpr (kQuad < 8) {
    WidenQuad<kKind, kQuad>(quants, scales, out);
    WidenQuads<kKind, kQuad + 1>(quants, scales, out);
  }
}

template <WeightKind kKind>
void WidenBlocks(const PackedMatrix& matrix, const uint8_t* panel, int64_t col, int64_t cols,
                 float* out) {
  BlockCursor<kKind> at(matrix.cols, matrix.group);
  at.Skip(col / kBlockCols, matrix.cols, matrix.group);
  for (int64_t k = 0; k < cols; k += kBlockCols, at.Next()) {
    for (int v = 0; v < kRowVectors; ++v) {
      WidenQuads<kKind>(panel + at.quants() + 4 * kLanes * v, LoadScales<kKind>(panel, at, v),
                        out + 16 * k + kLanes * v);
    }
  }
}

void WidenF16(const uint8_t* panel, int64_t col, int64_t cols, float* out) {
  for (int64_t i = 0; i < 16 * cols; i += kLanes) Store(out + i, LoadF16(panel + 32 * col + 2 * i));
}

// Where a tile's weights come from: columns that are floats, [16] each, or pairs of bfloat16
// columns as they are packed, which a shift widens.
struct FloatColumns {
  static constexpr int kStep = 1;
  const float* columns;
  template <int kColumn>
  CRIA_INLINE F Get(int64_t k, int v) const {
    return Load(columns + 16 * k + kLanes * v);
  }
};
struct Bf16Columns {
  static constexpr int kStep = 2;
  const uint8_t* columns;
  template <int kColumn>
  CRIA_INLINE F Get(int64_t k, int v) const {
    const I pair = LoadI(columns + 32 * k + 4 * kLanes * v);
    if constexpr (kColumn == 0) return FromBits(ShiftLeft<16>(pair));
    return FromBits(And(pair, SetI(static_cast<int32_t>(0xffff0000u))));
  }
};

void WidenBf16(const uint8_t* panel, int64_t col, int64_t cols, float* out) {
  const Bf16Columns pairs{panel + 32 * col};
  for (int64_t k = 0; k < cols; k += 2) {
    for (int v = 0; v < kRowVectors; ++v) {
      Store(out + 16 * k + kLanes * v, pairs.Get<0>(k, v));
      Store(out + 16 * (k + 1) + kLanes * v, pairs.Get<1>(k, v));
    }
  }
}

// Columns [col, col + cols) of a panel as floats [cols][16]: in `buffer` unless they are floats
// already. `col` is a multiple of kSliceCols.
const float* Widen(const PackedMatrix& matrix, const uint8_t* panel, int64_t col, int64_t cols,
                   float* buffer) {
  switch (matrix.kind) {
    case WeightKind::kF32:
      return reinterpret_cast<const float*>(panel) + 16 * col;
    case WeightKind::kF16:
      WidenF16(panel, col, cols, buffer);
      break;
    case WeightKind::kBf16:
      WidenBf16(panel, col, cols, buffer);
      break;
    default:
      WithIntegerKind(matrix.kind, [&]<WeightKind kKind>() {
        WidenBlocks<kKind>(matrix, panel, col, cols, buffer);
      });
  }
  return buffer;
}

// Adds column k + kColumn.
template <int kColumn, typename Columns, int kPanels, int kTokens>
CRIA_INLINE void AddColumn(const Columns weights[kPanels], const float* x, int64_t stride,
                           int64_t k, F acc[kPanels][kRowVectors][kTokens]) {
  F w[kPanels][kRowVectors];
  for (int p = 0; p < kPanels; ++p)
    for (int v = 0; v < kRowVectors; ++v) w[p][v] = weights[p].template Get<kColumn>(k, v);
  for (int t = 0; t < kTokens; ++t) {
    const F value = Set1(x[t * stride + k + kColumn]);
    for (int p = 0; p < kPanels; ++p)
      for (int v = 0; v < kRowVectors; ++v) acc[p][v][t] = Fma(w[p][v], value, acc[p][v][t]);
  }
}

// Adds `cols` columns to sums [kPanels][sum_stride / 16 tokens][16]; x: kTokens rows, `stride`
// floats apart.
template <typename Columns, int kPanels, int kTokens>
void FloatTile(const Columns weights[kPanels], const float* x, int64_t stride, int64_t cols,
               float* sums, int64_t sum_stride) {
  F acc[kPanels][kRowVectors][kTokens];
  for (int p = 0; p < kPanels; ++p)
    for (int v = 0; v < kRowVectors; ++v)
      for (int t = 0; t < kTokens; ++t)
        acc[p][v][t] = Load(sums + p * sum_stride + 16 * t + kLanes * v);
  for (int64_t k = 0; k < cols; k += Columns::kStep) {
    AddColumn<0, Columns, kPanels, kTokens>(weights, x, stride, k, acc);
    if constexpr (Columns::kStep == 2)
      AddColumn<1, Columns, kPanels, kTokens>(weights, x, stride, k, acc);
  }
  for (int p = 0; p < kPanels; ++p)
    for (int v = 0; v < kRowVectors; ++v)
      for (int t = 0; t < kTokens; ++t)
        Store(sums + p * sum_stride + 16 * t + kLanes * v, acc[p][v][t]);
}

template <typename Columns, int kPanels>
void FloatTiles(const Columns weights[kPanels], const float* x, int64_t stride, int64_t tokens,
                int64_t cols, float* sums, int64_t sum_stride) {
  const auto tile = [&]<int kTokens>(int64_t t) {
    FloatTile<Columns, kPanels, kTokens>(weights, x + t * stride, stride, cols, sums + 16 * t,
                                         sum_stride);
  };
  int64_t t = 0;
  if constexpr (kPanels == 1) {
    // Eight are two times four rather than a full tile and a small one.
    for (; t + kTileTokens <= tokens && (kTileTokens >= 8 || tokens - t != 8); t += kTileTokens)
      tile.template operator()<kTileTokens>(t);
    for (; t + 4 <= tokens; t += 4) tile.template operator()<4>(t);
  }
  for (; t + 2 <= tokens; t += 2) tile.template operator()<2>(t);
  if (t < tokens) tile.template operator()<1>(t);
}

// More tokens than these are worth a widened copy of bfloat16 columns.
constexpr int64_t kMostTokensOfPairs = 12;

// kPanels panels from `panel` on, times `tokens` <= kTokensAtOnce / kPanels tokens.
template <int kPanels>
void FloatPanels(const MatMulArgs& args, int64_t panel, int64_t token, int64_t tokens) {
  const PackedMatrix& matrix = *args.weights;
  const auto panel_bytes = static_cast<int64_t>(PanelBytes(matrix.kind, matrix.cols, matrix.group));
  const auto stride =
      static_cast<int64_t>(PreparedBytes(args.activations, matrix.cols) / sizeof(float));
  const float* x = reinterpret_cast<const float*>(args.prepared) + token * stride;
  constexpr int64_t kSumStride = kTokensAtOnce * 16 / kPanels;
  alignas(64) float sums[kTokensAtOnce * 16] = {};
  alignas(64) float buffers[kPanels][kSliceCols * 16];
  for (int64_t k = 0; k < matrix.cols; k += kSliceCols) {
    const int64_t cols = Smaller(kSliceCols, matrix.cols - k);
    const auto multiply = [&]<typename Columns>(const Columns* weights) {
      FloatTiles<Columns, kPanels>(weights, x + k, stride, tokens, cols, sums, kSumStride);
    };
    if (matrix.kind == WeightKind::kBf16 && tokens <= kMostTokensOfPairs) {
      Bf16Columns weights[kPanels];
      for (int p = 0; p < kPanels; ++p) {
        weights[p].columns = matrix.data + (panel + p) * panel_bytes + 32 * k;
        if (tokens <= 2) FetchAhead(weights[p].columns, static_cast<int>(32 * cols));
      }
      multiply(weights);
    } else {
      FloatColumns weights[kPanels];
      for (int p = 0; p < kPanels; ++p)
        weights[p].columns =
            Widen(matrix, matrix.data + (panel + p) * panel_bytes, k, cols, buffers[p]);
      multiply(weights);
    }
  }
  for (int p = 0; p < kPanels; ++p)
    WriteSums(args, panel + p, token, tokens, sums + p * kSumStride);
}

// With one token or two, several panels side by side hide the latency of the multiply-adds.
constexpr int kFewTokensPanels = 4 / kRowVectors < 1 ? 1 : 4 / kRowVectors;

void MatMulF32(const MatMulArgs& args) {
  int64_t panel = args.panel_begin;
  if (args.tokens == 1 || args.tokens == 2)
    for (; panel + kFewTokensPanels <= args.panel_end; panel += kFewTokensPanels)
      FloatPanels<kFewTokensPanels>(args, panel, 0, args.tokens);
  for (int64_t token = 0; token < args.tokens; token += kTokensAtOnce)
    for (int64_t p = panel; p < args.panel_end; ++p)
      FloatPanels<1>(args, p, token, Smaller(kTokensAtOnce, args.tokens - token));
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_MATMUL_F32_IMPL_H_
