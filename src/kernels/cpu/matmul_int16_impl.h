// Integer weights times int16 activations, for instruction sets that multiply and add pairs of 16
// bits (AddWordPairs() in dot_*.h).
//
// A quad of weights splits into two vectors of 16-bit numbers, its even and its odd bytes, which
// meet the pairs of Int16Columns. Few tokens take weights from the packed block as they come; for
// many a panel is unpacked a slice of columns at a time into the L1 cache. In both the dot products
// of a block are exact integers and blocks are added in their order: a token's result depends on
// nothing else in the call. A block adds scale_x * (scale_w * dot(u - offset, x)), less minimum *
// scale_x * sum(x).
#ifndef CRIA_KERNELS_CPU_MATMUL_INT16_IMPL_H_
#define CRIA_KERNELS_CPU_MATMUL_INT16_IMPL_H_

#include "kernels/activation_layout.h"
#include "kernels/cpu/panel_output.h"
#include "kernels/cpu/quads.h"

namespace cria::kernels {
namespace {

constexpr int kInt16TileTokens = 4;
constexpr int kWordsBytes = 64;                    // 16 rows x 2 columns
constexpr int kWordBlockBytes = 16 * kWordsBytes;  // 32 columns
constexpr int64_t kInt16SliceBlocks = 16;          // unpacked at once, 17 KB
constexpr int64_t kInt16SlicedTokens = 12;         // fewer take packed weights
constexpr int64_t kInt16TokensAtOnce = 128;        // whose sums stay in the L1 cache

// Bytes kOdd and kOdd + 2 of quad `kQuad` of the packed block at `block`: two unsigned 16-bit
// numbers for each row.
template <int kBits, int kQuad, int kOdd>
CRIA_INLINE I Words(const uint8_t* block) {
  const I quad = Quad<kBits, kQuad>(block);
  return kOdd == 1 ? ShiftWordsRight<8>(quad) : And(quad, SetI(0x00ff00ff));
}

CRIA_INLINE const Int16Columns& Columns16(const uint8_t* x, int64_t stride, int t) {
  return *reinterpret_cast<const Int16Columns*>(x + t * stride);
}

// sums[v][t] += products of the words [kWord, kEnd) of a block (16 of 2 columns each) that
// `get`<word>(v) has.
template <int kWord, int kEnd, int kTokens, typename Get>
CRIA_INLINE void AddWords(Get get, const uint8_t* x, int64_t stride, I sums[kRowVectors][kTokens]) {
  if constexpr (kWord < kEnd) {
    I weights[kRowVectors];
    for (int v = 0; v < kRowVectors; ++v) weights[v] = get.template operator()<kWord>(v);
    for (int t = 0; t < kTokens; ++t) {
      const I values = BroadcastFour(x + t * stride + 4 * kWord);
      for (int v = 0; v < kRowVectors; ++v) AddWordPairs(sums[v][t], weights[v], values);
    }
    AddWords<kWord + 1, kEnd, kTokens>(get, x, stride, sums);
  }
}

// acc[v][t] += scale * dot products, and less the minimum's share where there is one.
template <int kTokens>
CRIA_INLINE void AddScaledSums(const I sums[kTokens], F scale, const uint8_t* x, int64_t stride,
                               F acc[kTokens]) {
  for (int t = 0; t < kTokens; ++t)
    acc[t] = Fma(Mul(ToFloat(sums[t]), scale), Set1(Columns16(x, stride, t).scale), acc[t]);
}
template <int kTokens>
CRIA_INLINE void SubtractMinimum(F minimum, const uint8_t* x, int64_t stride, F acc[kTokens]) {
  for (int t = 0; t < kTokens; ++t)
    acc[t] = Fnma(minimum, Set1(Columns16(x, stride, t).scaled_sum), acc[t]);
}

// Adds the packed block at `at`, or with kHalf 0 or 1 that half of it.
template <WeightKind kKind, int kHalf, int kTokens>
CRIA_INLINE void AddPackedDots(const uint8_t* panel, const BlockCursor<kKind>& at,
                               const BlockScales scales[kRowVectors], const uint8_t* x,
                               int64_t stride, F acc[kRowVectors][kTokens]) {
  constexpr QuantLayout kLayout = LayoutOf(kKind);
  const uint8_t* block = panel + at.quants();
  I sums[kRowVectors][kTokens];
  for (int t = 0; t < kTokens; ++t) {
    const int32_t* sum = Columns16(x, stride, t).sum;
    const I start = SetI(-kLayout.offset * (kHalf == -1 ? sum[0] + sum[1] : sum[kHalf == 1]));
    for (int v = 0; v < kRowVectors; ++v) sums[v][t] = start;
  }
  AddWords<kHalf == 1 ? 8 : 0, kHalf == 0 ? 8 : 16, kTokens>(
      [block]<int kWord>(int v) {
        return Words<kLayout.bits, kWord / 2, kWord % 2>(block + 4 * kLanes * v);
      },
      x, stride, sums);
  for (int v = 0; v < kRowVectors; ++v)
    AddScaledSums<kTokens>(sums[v], scales[v].scale[kHalf == 1], x, stride, acc[v]);
}

// One panel times kTokens tokens from `prepared` on, to sums [kTokens][16].
template <WeightKind kKind, int kTokens>
void PackedTile16(const PackedMatrix& matrix, const uint8_t* panel, const uint8_t* x,
                  int64_t stride, float* sums) {
  constexpr ScaleForm kForm = LayoutOf(kKind).form;
  F acc[kRowVectors][kTokens];
  for (auto& of_vector : acc)
    for (F& sum : of_vector) sum = Set1(0);
  BlockCursor<kKind> at(matrix.cols, matrix.group);
  const int64_t blocks = (matrix.cols + kBlockCols - 1) / kBlockCols;
  for (int64_t b = 0; b < blocks; ++b, x += sizeof(Int16Columns), at.Next()) {
    FetchAhead(panel + at.quants(), LayoutOf(kKind).block_bytes);
    BlockScales scales[kRowVectors];
    for (int v = 0; v < kRowVectors; ++v) scales[v] = LoadScales<kKind>(panel, at, v);
    if constexpr (kForm == ScaleForm::kSuper6) {
      AddPackedDots<kKind, 0, kTokens>(panel, at, scales, x, stride, acc);
      AddPackedDots<kKind, 1, kTokens>(panel, at, scales, x, stride, acc);
    } else {
      AddPackedDots<kKind, -1, kTokens>(panel, at, scales, x, stride, acc);
    }
    if constexpr (HasMinimum(kForm))
      for (int v = 0; v < kRowVectors; ++v)
        SubtractMinimum<kTokens>(scales[v].minimum, x, stride, acc[v]);
  }
  for (int v = 0; v < kRowVectors; ++v)
    for (int t = 0; t < kTokens; ++t) Store(sums + 16 * t + kLanes * v, acc[v][t]);
}

// Some blocks of a panel: signed 16-bit weights, scales as floats.
template <WeightKind kKind>
struct WordSlice {
  static constexpr QuantLayout kLayout = LayoutOf(kKind);
  static constexpr int kHalves = kLayout.form == ScaleForm::kSuper6 ? 2 : 1;
  alignas(64) uint8_t words[kInt16SliceBlocks][kWordBlockBytes];
  alignas(64) float scale[kInt16SliceBlocks][kHalves][16];
  alignas(64) float minimum[HasMinimum(kLayout.form) ? kInt16SliceBlocks : 1][16];
};

template <int kBits, int kOffset, int kWord = 0>
CRIA_INLINE void UnpackWords(const uint8_t* block, uint8_t* out) {
  if constexpr (kWord < 16) {
    for (int v = 0; v < kRowVectors; ++v) {
      const int at = 4 * kLanes * v;
      StoreI(out + kWordsBytes * kWord + at,
             SubtractWords(Words<kBits, kWord / 2, kWord % 2>(block + at), kOffset));
    }
    UnpackWords<kBits, kOffset, kWord + 1>(block, out);
  }
}

template <WeightKind kKind>
void UnpackWordSlice(const uint8_t* panel, BlockCursor<kKind> at, int64_t blocks,
                     WordSlice<kKind>* slice) {
  using Slice = WordSlice<kKind>;
  for (int64_t b = 0; b < blocks; ++b, at.Next()) {
    for (int v = 0; v < kRowVectors; ++v) {
      const BlockScales scales = LoadScales<kKind>(panel, at, v);
      for (int half = 0; half < Slice::kHalves; ++half)
        Store(slice->scale[b][half] + kLanes * v, scales.scale[half]);
      if constexpr (HasMinimum(Slice::kLayout.form))
        Store(slice->minimum[b] + kLanes * v, scales.minimum);
    }
    UnpackWords<Slice::kLayout.bits, Slice::kLayout.offset>(panel + at.quants(), slice->words[b]);
  }
}

template <WeightKind kKind, int kHalf, int kTokens>
CRIA_INLINE void AddSliceDots(const WordSlice<kKind>& slice, int64_t b, const uint8_t* x,
                              int64_t stride, F acc[kRowVectors][kTokens]) {
  const uint8_t* words = slice.words[b];
  I sums[kRowVectors][kTokens];
  for (auto& of_vector : sums)
    for (I& sum : of_vector) sum = SetI(0);
  AddWords<kHalf == 1 ? 8 : 0, kHalf == 0 ? 8 : 16, kTokens>(
      [words]<int kWord>(int v) { return LoadI(words + kWordsBytes * kWord + 4 * kLanes * v); }, x,
      stride, sums);
  for (int v = 0; v < kRowVectors; ++v)
    AddScaledSums<kTokens>(sums[v], Load(slice.scale[b][kHalf == 1] + kLanes * v), x, stride,
                           acc[v]);
}

// Adds `count` blocks of a slice with kTokens tokens, whose columns begin at x, to sums
// [kTokens][16].
template <WeightKind kKind, int kTokens>
void WordSliceTile(const WordSlice<kKind>& slice, int64_t count, const uint8_t* x, int64_t stride,
                   float* sums) {
  constexpr ScaleForm kForm = LayoutOf(kKind).form;
  F acc[kRowVectors][kTokens];
  for (int v = 0; v < kRowVectors; ++v)
    for (int t = 0; t < kTokens; ++t) acc[v][t] = Load(sums + 16 * t + kLanes * v);
  for (int64_t b = 0; b < count; ++b, x += sizeof(Int16Columns)) {
    if constexpr (kForm == ScaleForm::kSuper6) {
      AddSliceDots<kKind, 0, kTokens>(slice, b, x, stride, acc);
      AddSliceDots<kKind, 1, kTokens>(slice, b, x, stride, acc);
    } else {
      AddSliceDots<kKind, -1, kTokens>(slice, b, x, stride, acc);
    }
    if constexpr (HasMinimum(kForm))
      for (int v = 0; v < kRowVectors; ++v)
        SubtractMinimum<kTokens>(Load(slice.minimum[b] + kLanes * v), x, stride, acc[v]);
  }
  for (int v = 0; v < kRowVectors; ++v)
    for (int t = 0; t < kTokens; ++t) Store(sums + 16 * t + kLanes * v, acc[v][t]);
}

// Calls tile<n>(t) for tokens [0, tokens) in tiles of kInt16TileTokens and a remainder.
template <typename Tile>
CRIA_INLINE void ForTokenTiles(int64_t tokens, Tile tile) {
  static_assert(kInt16TileTokens == 4);
  int64_t t = 0;
  for (; t + 4 <= tokens; t += 4) tile.template operator()<4>(t);
  if (tokens - t == 3) tile.template operator()<3>(t);
  if (tokens - t == 2) tile.template operator()<2>(t);
  if (tokens - t == 1) tile.template operator()<1>(t);
}

struct Int16Job {
  const MatMulArgs* args;
  int64_t panel_bytes;
  int64_t stride;  // bytes between prepared tokens
};

template <WeightKind kKind>
void SlicedPanel16(const Int16Job& job, int64_t panel, int64_t token, int64_t tokens) {
  const PackedMatrix& matrix = *job.args->weights;
  const uint8_t* weights = matrix.data + panel * job.panel_bytes;
  const uint8_t* prepared = job.args->prepared + token * job.stride;
  const int64_t blocks = (matrix.cols + kBlockCols - 1) / kBlockCols;
  alignas(64) float sums[kInt16TokensAtOnce * 16] = {};
  WordSlice<kKind> slice;
  for (int64_t block = 0; block < blocks; block += kInt16SliceBlocks) {
    const int64_t count = Smaller(kInt16SliceBlocks, blocks - block);
    BlockCursor<kKind> at(matrix.cols, matrix.group);
    at.Skip(block, matrix.cols, matrix.group);
    UnpackWordSlice<kKind>(weights, at, count, &slice);
    const uint8_t* x = prepared + block * static_cast<int64_t>(sizeof(Int16Columns));
    ForTokenTiles(tokens, [&]<int kTokens>(int64_t t) {
      WordSliceTile<kKind, kTokens>(slice, count, x + t * job.stride, job.stride, sums + 16 * t);
    });
  }
  WriteSums(*job.args, panel, token, tokens, sums);
}

template <WeightKind kKind>
void PackedPanel16(const Int16Job& job, int64_t panel) {
  const uint8_t* weights = job.args->weights->data + panel * job.panel_bytes;
  alignas(64) float sums[kInt16SlicedTokens * 16];
  ForTokenTiles(job.args->tokens, [&]<int kTokens>(int64_t t) {
    PackedTile16<kKind, kTokens>(*job.args->weights, weights, job.args->prepared + t * job.stride,
                                 job.stride, sums + 16 * t);
  });
  WriteSums(*job.args, panel, 0, job.args->tokens, sums);
}

template <WeightKind kKind>
void MatMulInt16Kind(const MatMulArgs& args) {
  const PackedMatrix& matrix = *args.weights;
  const Int16Job job{&args, static_cast<int64_t>(PanelBytes(kKind, matrix.cols, matrix.group)),
                     static_cast<int64_t>(PreparedBytes(args.activations, matrix.cols))};
  if (args.tokens < kInt16SlicedTokens) {
    for (int64_t panel = args.panel_begin; panel < args.panel_end; ++panel)
      PackedPanel16<kKind>(job, panel);
    return;
  }
  for (int64_t token = 0; token < args.tokens; token += kInt16TokensAtOnce)
    for (int64_t panel = args.panel_begin; panel < args.panel_end; ++panel)
      SlicedPanel16<kKind>(job, panel, token, Smaller(kInt16TokensAtOnce, args.tokens - token));
}

void MatMulInt16(const MatMulArgs& args) {
  WithIntegerKind(args.weights->kind, [&]<WeightKind kKind>() { MatMulInt16Kind<kKind>(args); });
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_MATMUL_INT16_IMPL_H_
