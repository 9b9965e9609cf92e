// Integer weights times the int8 activations of many tokens, for instruction sets whose dot product
// takes unsigned weights (Dot() in dot_*.h). The same sums in the same order as in
// matmul_int8_impl.h, bit for bit.
//
// kSlicePanels panels are unpacked a slice of columns at a time into the L1 cache: quads to bytes,
// scales to floats. Tiles of kSliceTile tokens then run over the slice: each activation that is
// broadcast serves all rows, each quad all tokens, and no unpacking stands between the dot
// products.
#ifndef CRIA_KERNELS_CPU_MATMUL_INT8_SLICES_H_
#define CRIA_KERNELS_CPU_MATMUL_INT8_SLICES_H_

#include "kernels/cpu/matmul_int8_impl.h"

namespace cria::kernels {
namespace {

constexpr int kSlicePanels = kInt8TilePanels;
constexpr int kSliceVectors = kSlicePanels * kRowVectors;
constexpr int kSliceTile = kInt8TileTokens;
static_assert(kVectorsAtOnce == kRowVectors);
constexpr int kSliceBlocks = 16;
constexpr int64_t kSlicedTokens = 12;  // fewer are faster without the unpacked copy
constexpr int kFullBlockBytes = 8 * kQuadBytes;

// A slice of one panel.
template <WeightKind kKind>
struct PanelSlice {
  static constexpr QuantLayout kLayout = LayoutOf(kKind);
  static constexpr int kHalves = kLayout.form == ScaleForm::kSuper6 ? 2 : 1;
  alignas(64) uint8_t quants[kSliceBlocks][kFullBlockBytes];
  alignas(64) float scale[kSliceBlocks][kHalves][16];
  alignas(64) float start_scaled[kSliceBlocks][kHalves][16];
  alignas(64) float minimum[HasMinimum(kLayout.form) ? kSliceBlocks : 1][16];
};

template <int kBits, int kQuad = 0>
CRIA_INLINE void UnpackQuads(const uint8_t* block, uint8_t* out) {
  if constexpr (kQuad < 8) {
    for (int v = 0; v < kRowVectors; ++v) {
      const int at = 4 * kLanes * v;
      StoreI(out + kQuadBytes * kQuad + at, Quad<kBits, kQuad>(block + at));
    }
    UnpackQuads<kBits, kQuad + 1>(block, out);
  }
}

template <WeightKind kKind>
void UnpackSlice(const uint8_t* panel, BlockCursor<kKind> at, int64_t blocks,
                 PanelSlice<kKind>* slice) {
  using Slice = PanelSlice<kKind>;
  for (int64_t b = 0; b < blocks; ++b, at.Next()) {
    for (int v = 0; v < kRowVectors; ++v) {
      const BlockScales scales = LoadScales<kKind>(panel, at, v);
      for (int half = 0; half < Slice::kHalves; ++half) {
        const F scale = scales.scale[half];
        Store(slice->scale[b][half] + kLanes * v, scale);
        Store(slice->start_scaled[b][half] + kLanes * v, Mul(scale, Set1(kStartFloat)));
      }
      if constexpr (HasMinimum(Slice::kLayout.form))
        Store(slice->minimum[b] + kLanes * v, scales.minimum);
    }
    UnpackQuads<Slice::kLayout.bits>(panel + at.quants(), slice->quants[b]);
  }
}

// Vector v of a tile: which panel's, and where in a column of 16 rows it begins.
CRIA_INLINE int PanelOf(int v) { return v / kRowVectors; }
CRIA_INLINE int RowOf(int v) { return v % kRowVectors * kLanes; }

template <WeightKind kKind, int kHalf, int kTokens>
CRIA_INLINE void SliceDots(const PanelSlice<kKind>* slices, int64_t b, const Int8Columns* x,
                           int64_t stride, F acc[kSliceVectors][kTokens]) {
  constexpr QuantLayout kLayout = LayoutOf(kKind);
  constexpr int kFirst = kHalf == 1 ? 4 : 0, kEnd = kHalf == 0 ? 4 : 8, kScale = kHalf == 1;
  I sums[kSliceVectors][kTokens];
  for (int t = 0; t < kTokens; ++t) {
    const I start = StartOf<kLayout.offset, kHalf>(Token(x, stride, t));
    for (int v = 0; v < kSliceVectors; ++v) sums[v][t] = start;
  }
  DotQuads<ByteQuads<kLayout.bits>, kFirst, kEnd, kSliceVectors, kTokens>(
      slices[0].quants[b], sizeof(PanelSlice<kKind>), x->q, stride, sums);
  for (int v = 0; v < kSliceVectors; ++v) {
    const PanelSlice<kKind>& slice = slices[PanelOf(v)];
    const F scale = Load(slice.scale[b][kScale] + RowOf(v));
    const F start_scaled = Load(slice.start_scaled[b][kScale] + RowOf(v));
    for (int t = 0; t < kTokens; ++t)
      acc[v][t] =
          AddScaled<kLayout.form>(sums[v][t], scale, start_scaled, Token(x, stride, t), acc[v][t]);
  }
}

template <WeightKind kKind, int kTokens>
CRIA_INLINE void SliceBlock(const PanelSlice<kKind>* slices, int64_t b, const Int8Columns* x,
                            int64_t stride, F acc[kSliceVectors][kTokens]) {
  constexpr ScaleForm kForm = LayoutOf(kKind).form;
  if constexpr (kForm == ScaleForm::kSuper6) {
    SliceDots<kKind, 0, kTokens>(slices, b, x, stride, acc);
    SliceDots<kKind, 1, kTokens>(slices, b, x, stride, acc);
  } else {
    SliceDots<kKind, -1, kTokens>(slices, b, x, stride, acc);
  }
  if constexpr (HasMinimum(kForm)) {
    for (int v = 0; v < kSliceVectors; ++v) {
      const F minimum = Load(slices[PanelOf(v)].minimum[b] + RowOf(v));
      for (int t = 0; t < kTokens; ++t)
        acc[v][t] = Fnma(minimum, Set1(Token(x, stride, t).scaled_sum), acc[v][t]);
    }
  }
}

// Adds the second parts of block `of_token` (`b` of the slice) of those tokens that have one.
template <WeightKind kKind, int kTokens>
void AddSecondParts(const PanelSlice<kKind>* slices, int64_t b, const uint8_t* prepared,
                    int64_t of_token, const Int8Job& job, F acc[kSliceVectors][kTokens]) {
  for (int t = 0; t < kTokens; ++t) {
    const uint8_t* token = prepared + t * job.stride;
    if ((token[static_cast<int64_t>(sizeof(Int8TokenHeader)) + of_token / 8] >> of_token % 8 & 1) ==
        0)
      continue;
    F sum[kSliceVectors][1];
    for (int v = 0; v < kSliceVectors; ++v) sum[v][0] = acc[v][t];
    const auto* second = reinterpret_cast<const Int8Columns*>(token + job.layout.second) + of_token;
    SliceBlock<kKind, 1>(slices, b, second, job.stride, sum);
    for (int v = 0; v < kSliceVectors; ++v) acc[v][t] = sum[v][0];
  }
}

// Adds blocks [block, block + count) of kTokens tokens to sums [kSlicePanels][sum_stride / 16][16].
template <WeightKind kKind, int kTokens>
void SliceTile(const PanelSlice<kKind>* slices, const Int8Job& job, const uint8_t* prepared,
               int64_t block, int64_t count, float* sums, int64_t sum_stride) {
  const int64_t stride = job.stride, to_second = job.layout.second - job.layout.columns;
  const auto* x = reinterpret_cast<const Int8Columns*>(prepared + job.layout.columns) + block;
  const auto sum_at = [&](int v, int t) {
    return sums + PanelOf(v) * sum_stride + 16 * t + RowOf(v);
  };
  F acc[kSliceVectors][kTokens];
  for (int v = 0; v < kSliceVectors; ++v)
    for (int t = 0; t < kTokens; ++t) acc[v][t] = Load(sum_at(v, t));
  unsigned second = SecondParts<kTokens>(prepared, stride, block);
  for (int64_t b = 0; b < count; ++b, ++x, second >>= 1) {
    SliceBlock<kKind, kTokens>(Opaque(slices), b, x, stride, acc);
    if ((second & 1) == 0) continue;
    if constexpr (kSecondPartsAlone)
      AddSecondParts<kKind, kTokens>(slices, b, prepared, block + b, job, acc);
    else
      SliceBlock<kKind, kTokens>(Opaque(slices), b, PartOf(x, 1, to_second), stride, acc);
  }
  for (int v = 0; v < kSliceVectors; ++v)
    for (int t = 0; t < kTokens; ++t) Store(sum_at(v, t), acc[v][t]);
}

// The last tile of a chunk: `tokens` < kTokens + 1 of them.
template <WeightKind kKind, int kTokens>
void LastSliceTile(const PanelSlice<kKind>* slices, const Int8Job& job, const uint8_t* prepared,
                   int64_t block, int64_t count, int64_t tokens, float* sums, int64_t sum_stride) {
  if constexpr (kTokens > 0) {
    if (tokens == kTokens)
      return SliceTile<kKind, kTokens>(slices, job, prepared, block, count, sums, sum_stride);
    LastSliceTile<kKind, kTokens - 1>(slices, job, prepared, block, count, tokens, sums,
                                      sum_stride);
  }
}

constexpr int64_t kSliceTokens = 96;                // at once: their sums stay in the L1 cache too
constexpr int64_t kSliceActivationBytes = 1 << 20;  // first parts: they stay in the L2 cache

// kSlicePanels panels times `tokens` <= kSliceTokens tokens.
template <WeightKind kKind>
void SlicedPanels(const MatMulArgs& args, const Int8Job& job, int64_t panel, int64_t token,
                  int64_t tokens) {
  constexpr int64_t kSumStride = kSliceTokens * 16;
  const PackedMatrix& matrix = *job.matrix;
  const uint8_t* prepared = args.prepared + token * job.stride;
  alignas(64) float sums[kSlicePanels * kSumStride];
  memset(sums, 0, sizeof sums);
  PanelSlice<kKind> slices[kSlicePanels];
  for (int64_t block = 0; block < job.layout.blocks; block += kSliceBlocks) {
    const int64_t count = Smaller(kSliceBlocks, job.layout.blocks - block);
    BlockCursor<kKind> at(matrix.cols, matrix.group);
    at.Skip(block, matrix.cols, matrix.group);
    for (int p = 0; p < kSlicePanels; ++p)
      UnpackSlice<kKind>(matrix.data + (panel + p) * job.panel_bytes, at, count, &slices[p]);
    int64_t t = 0;
    for (; t + kSliceTile <= tokens; t += kSliceTile)
      SliceTile<kKind, kSliceTile>(slices, job, prepared + t * job.stride, block, count,
                                   sums + 16 * t, kSumStride);
    LastSliceTile<kKind, kSliceTile - 1>(slices, job, prepared + t * job.stride, block, count,
                                         tokens - t, sums + 16 * t, kSumStride);
  }
  for (int p = 0; p < kSlicePanels; ++p)
    FinishTile<LayoutOf(kKind).form>(args, job, panel + p, token, tokens, sums + p * kSumStride);
}

struct SlicedProduct {
  template <WeightKind kKind>
  static void Run(const MatMulArgs& args, const Int8Job& job) {
    if (args.tokens < kSlicedTokens) return TiledProduct::Run<kKind>(args, job);
    const int64_t sliced =
        args.panel_begin + (args.panel_end - args.panel_begin) / kSlicePanels * kSlicePanels;
    const int64_t fitting = kSliceActivationBytes / job.layout.second / kSliceTile * kSliceTile;
    const int64_t at_once = Smaller(kSliceTokens, fitting < kSliceTile ? kSliceTile : fitting);
    for (int64_t token = 0; token < args.tokens; token += at_once) {
      const int64_t tokens = Smaller(at_once, args.tokens - token);
      for (int64_t panel = args.panel_begin; panel < sliced; panel += kSlicePanels)
        SlicedPanels<kKind>(args, job, panel, token, tokens);
    }
    if (sliced < args.panel_end) {
      MatMulArgs last = args;
      last.panel_begin = sliced;
      TiledProduct::Run<kKind>(last, job);
    }
  }
};

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_MATMUL_INT8_SLICES_H_
