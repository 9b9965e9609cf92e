// Integer weights times int8 activations, written once for every simd_*.h and dot_*.h.
//
// A tile is kPanels panels x kTokens tokens; kVectorsAtOnce vectors of each panel's rows go through
// a block together. Per block of 32 columns the dot products are exact integers, so only the order
// of the blocks matters for rounding, and that is the same for every tile: a token's result depends
// on nothing else in the call. A block adds scale_x * (scale_w * (dot(u, x)
// - offset * sum(x))), less minimum * scale_x * sum(x), and then the same of its second part if one
// of the tile's tokens has one (those of the others are zero).
#ifndef CRIA_KERNELS_CPU_MATMUL_INT8_IMPL_H_
#define CRIA_KERNELS_CPU_MATMUL_INT8_IMPL_H_

#include "kernels/activation_layout.h"
#include "kernels/cpu/matmul_f32_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels {
namespace {

struct Int8Job {
  const PackedMatrix* matrix;
  int64_t panel_bytes;
  int64_t stride;  // bytes between prepared tokens
  Int8Layout layout;
};

CRIA_INLINE const Int8Columns& Token(const Int8Columns* first, int64_t stride, int t) {
  return *reinterpret_cast<const Int8Columns*>(reinterpret_cast<const uint8_t*>(first) +
                                               t * stride);
}

// The same pointer, though the compiler can't know: what both parts of a block load is loaded twice
// instead of being kept in registers, which would push the sums out of them.
template <typename T>
CRIA_INLINE const T* Opaque(const T* p) {
  asm volatile("" : "+r"(p));
  return p;
}

CRIA_INLINE const Int8Columns* PartOf(const Int8Columns* x, int part, int64_t to_second) {
  return reinterpret_cast<const Int8Columns*>(reinterpret_cast<const uint8_t*>(x) +
                                              part * to_second);
}

// Where the sum of a block, or with kHalf 0 or 1 of that half, begins.
template <int kOffset, int kHalf>
CRIA_INLINE I StartOf(const Int8Columns& x) {
  if constexpr (kOffset == 0) return SetI(kDotStart);
  if constexpr (kDotStart == kStartBits && kHalf == -1 && kOffset == 8) return SetI(x.start8);
  if constexpr (kDotStart == kStartBits && kHalf == -1 && kOffset == 128) return SetI(x.start128);
  if constexpr (kDotStart == kStartBits && kHalf >= 0 && kOffset == 32)
    return SetI(x.start32[kHalf == 1]);
  const int32_t sum = kHalf == -1 ? x.sum[0] + x.sum[1] : x.sum[kHalf == 1];
  return SetI(kDotStart - kOffset * sum);
}

// Adds the dot products `sum` of a block with a token.
template <ScaleForm kForm>
CRIA_INLINE F AddScaled(I sum, F scale, F start_scaled, const Int8Columns& x, F acc) {
  // The scales of groups have too many bits for ScaleSum().
  if constexpr (kForm == ScaleForm::kGroup)
    return Fma(Mul(SumToFloat(sum), scale), Set1(x.scale), acc);
  return Fma(ScaleSum(sum, scale, start_scaled), Set1(x.scale), acc);
}

// A block of some panels, from vector `vector` of their rows on.
template <WeightKind kKind>
struct PanelsBlock {
  const uint8_t* panel;  // the first
  int64_t panel_bytes;
  const BlockCursor<kKind>& at;
  int vector;
  CRIA_INLINE const uint8_t* quants() const { return panel + at.quants() + 4 * kLanes * vector; }
  CRIA_INLINE BlockScales scales(int v) const {
    return LoadScales<kKind>(panel + v / kVectorsAtOnce * panel_bytes, at,
                             vector + v % kVectorsAtOnce);
  }
};

// Adds half `kHalf` (16 columns), or with -1 the whole, of one block to acc.
template <WeightKind kKind, int kHalf, int kVectors, int kTokens>
CRIA_INLINE void AddDots(const PanelsBlock<kKind>& block, const Int8Columns* x, int64_t stride,
                         F acc[kVectors][kTokens]) {
  constexpr QuantLayout kLayout = LayoutOf(kKind);
  constexpr int kFirst = kHalf == 1 ? 4 : 0, kEnd = kHalf == 0 ? 4 : 8;
  constexpr int kOffset = kLayout.offset - kDotBias<kLayout.bits>;
  I sums[kVectors][kTokens];
  for (int t = 0; t < kTokens; ++t) {
    const I start = StartOf<kOffset, kHalf>(Token(x, stride, t));
    for (int v = 0; v < kVectors; ++v) sums[v][t] = start;
  }
  DotQuads<PackedQuads<kLayout.bits>, kFirst, kEnd, kVectors, kTokens>(
      block.quants(), block.panel_bytes, x->q, stride, sums);
  for (int v = 0; v < kVectors; ++v) {
    const F scale = block.scales(v).scale[kHalf == 1];
    const F start_scaled = Mul(scale, Set1(kStartFloat));
    for (int t = 0; t < kTokens; ++t)
      acc[v][t] =
          AddScaled<kLayout.form>(sums[v][t], scale, start_scaled, Token(x, stride, t), acc[v][t]);
  }
}

template <WeightKind kKind, int kVectors, int kTokens>
CRIA_INLINE void AddBlock(const PanelsBlock<kKind>& block, const Int8Columns* x, int64_t stride,
                          F acc[kVectors][kTokens]) {
  constexpr ScaleForm kForm = LayoutOf(kKind).form;
  if constexpr (kForm == ScaleForm::kSuper6) {
    AddDots<kKind, 0, kVectors, kTokens>(block, x, stride, acc);
    AddDots<kKind, 1, kVectors, kTokens>(block, x, stride, acc);
  } else {
    AddDots<kKind, -1, kVectors, kTokens>(block, x, stride, acc);
  }
  if constexpr (HasMinimum(kForm)) {
    for (int v = 0; v < kVectors; ++v) {
      const F minimum = block.scales(v).minimum;
      for (int t = 0; t < kTokens; ++t)
        acc[v][t] = Fnma(minimum, Set1(Token(x, stride, t).scaled_sum), acc[v][t]);
    }
  }
}

// Bit b is set if block `block` + b (b < 16; `block` a multiple of 16) of one of the tokens has a
// second part.
template <int kTokens>
CRIA_INLINE unsigned SecondParts(const uint8_t* prepared, int64_t stride, int64_t block) {
  unsigned bits = 0;
  for (int t = 0; t < kTokens; ++t) {
    uint16_t of_token;
    memcpy(&of_token, prepared + t * stride + sizeof(Int8TokenHeader) + block / 8, sizeof of_token);
    bits |= of_token;
  }
  return bits;
}

// Writes the sums of one panel, less zero point x sum of the row's weights.
template <ScaleForm kForm>
CRIA_INLINE void FinishTile(const MatMulArgs& args, const Int8Job& job, int64_t panel,
                            int64_t token, int64_t tokens, float* sums) {
  if constexpr (kForm == ScaleForm::kGroup) {
    const auto* weight_sum =
        reinterpret_cast<const float*>(job.matrix->data + panel * job.panel_bytes);
    for (int64_t t = 0; t < tokens; ++t) {
      const auto* header =
          reinterpret_cast<const Int8TokenHeader*>(args.prepared + (token + t) * job.stride);
      for (int v = 0; v < kRowVectors; ++v) {
        float* sum = sums + 16 * t + kLanes * v;
        Store(sum, Fnma(Load(weight_sum + kLanes * v), Set1(header->scaled_zero), Load(sum)));
      }
    }
  }
  WriteSums(args, panel, token, tokens, sums);
}

template <WeightKind kKind, int kPanels, int kTokens>
void Int8Tile(const MatMulArgs& args, const Int8Job& job, int64_t panel, int64_t token) {
  const uint8_t* weights = job.matrix->data + panel * job.panel_bytes;
  const uint8_t* prepared = args.prepared + token * job.stride;
  const auto* x = reinterpret_cast<const Int8Columns*>(prepared + job.layout.columns);
  const int64_t to_second = job.layout.second - job.layout.columns;
  constexpr int kPasses = kRowVectors / kVectorsAtOnce, kVectors = kPanels * kVectorsAtOnce;
  F acc[kPasses][kVectors][kTokens];
  for (auto& of_pass : acc)
    for (auto& of_vector : of_pass)
      for (F& sum : of_vector) sum = Set1(0);
  BlockCursor<kKind> at(job.matrix->cols, job.matrix->group);
  unsigned second = 0;
  for (int64_t b = 0; b < job.layout.blocks; ++b, ++x, at.Next(), second >>= 1) {
    if (b % 16 == 0) second = SecondParts<kTokens>(prepared, job.stride, b);
    for (int p = 0; p < kPanels; ++p)
      FetchAhead(weights + p * job.panel_bytes + at.quants(), LayoutOf(kKind).block_bytes);
    for (int pass = 0; pass < kPasses; ++pass)
      for (int part = 0; part <= static_cast<int>(second & 1); ++part)
        AddBlock<kKind, kVectors, kTokens>(
            PanelsBlock<kKind>{kTokens == 1 ? weights : Opaque(weights), job.panel_bytes, at,
                               pass * kVectorsAtOnce},
            PartOf(x, part, to_second), job.stride, acc[pass]);
  }
  alignas(64) float sums[kTokens * 16];
  for (int p = 0; p < kPanels; ++p) {
    for (int t = 0; t < kTokens; ++t)
      for (int v = 0; v < kRowVectors; ++v)
        Store(sums + 16 * t + kLanes * v,
              acc[v / kVectorsAtOnce][p * kVectorsAtOnce + v % kVectorsAtOnce][t]);
    FinishTile<LayoutOf(kKind).form>(args, job, panel + p, token, kTokens, sums);
  }
}

// The last `tokens` <= kTokens.
template <WeightKind kKind, int kPanels, int kTokens>
void LastTile(const MatMulArgs& args, const Int8Job& job, int64_t panel, int64_t token,
              int64_t tokens) {
  if constexpr (kTokens > 0) {
    if (tokens == kTokens) return Int8Tile<kKind, kPanels, kTokens>(args, job, panel, token);
    LastTile<kKind, kPanels, kTokens - 1>(args, job, panel, token, tokens);
  }
}

// All tokens times kPanels panels.
template <WeightKind kKind, int kPanels>
CRIA_INLINE void TilePanels(const MatMulArgs& args, const Int8Job& job, int64_t panel,
                            int64_t begin, int64_t end) {
  int64_t t = begin;
  for (; t + kInt8TileTokens <= end; t += kInt8TileTokens)
    Int8Tile<kKind, kPanels, kInt8TileTokens>(args, job, panel, t);
  LastTile<kKind, kPanels, kInt8TileTokens - 1>(args, job, panel, t, end - t);
}

// Activations of at most this many bytes pass over all panels before the next ones: they stay in
// the L2 cache.
constexpr int64_t kActivationBytesAtOnce = 512 << 10;

struct TiledProduct {
  template <WeightKind kKind>
  static void Run(const MatMulArgs& args, const Int8Job& job) {
    const int64_t fitting = kActivationBytesAtOnce / job.stride / kInt8TileTokens * kInt8TileTokens;
    const int64_t at_once = fitting < kInt8TileTokens ? kInt8TileTokens : fitting;
    for (int64_t begin = 0; begin < args.tokens; begin += at_once) {
      const int64_t end = Smaller(args.tokens, begin + at_once);
      int64_t panel = args.panel_begin;
      // One token reads weights as fast as they come; it takes panel after panel, in one stream.
      if constexpr (kInt8TilePanels > 1) {
        for (; args.tokens > 1 && panel + kInt8TilePanels <= args.panel_end;
             panel += kInt8TilePanels)
          TilePanels<kKind, kInt8TilePanels>(args, job, panel, begin, end);
      }
      for (; panel < args.panel_end; ++panel) TilePanels<kKind, 1>(args, job, panel, begin, end);
    }
  }
};

template <WeightKind kKind, typename Product>
void MatMulInt8(const MatMulArgs& args) {
  const PackedMatrix& matrix = *args.weights;
  Product::template Run<kKind>(
      args, {&matrix, static_cast<int64_t>(PanelBytes(matrix.kind, matrix.cols, matrix.group)),
             static_cast<int64_t>(PreparedBytes(args.activations, matrix.cols)),
             Int8LayoutOf(args.activations, matrix.cols)});
}

// Groups that don't fill whole blocks are rare (no released model has them): left to the reference.
bool OddGroups(const PackedMatrix& matrix) {
  return IsGroupKind(matrix.kind) && matrix.group != matrix.cols && matrix.group % kBlockCols != 0;
}

// `Product` multiplies integers: TiledProduct or what an instruction set has for many tokens.
template <typename Product>
void MatMulImpl(const MatMulArgs& args) {
  const bool elsewhere =
      args.activations == Activations::kBf16 || args.activations == Activations::kInt16Block;
  if (OddGroups(*args.weights) || elsewhere) return reference::MatMul(args);
  if (args.activations == Activations::kF32) return MatMulF32(args);
  WithIntegerKind(args.weights->kind,
                  [&]<WeightKind kKind>() { MatMulInt8<kKind, Product>(args); });
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_MATMUL_INT8_IMPL_H_
