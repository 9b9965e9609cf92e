// Integer weights times int8 activations, written once for every simd_*.h and dot_*.h.
//
// A tile is kPanels panels x kTokens tokens. Per block of 32 columns the dot products are exact
// integers, so only the order of the blocks matters for rounding, and that is the same for every
// tile: a token's result depends on nothing else in the call. A block adds scale_w * scale_x *
// (dot(u, x) - offset * sum(x)), less minimum * scale_x * sum(x).
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
};

CRIA_INLINE const Int8Columns& Token(const Int8Columns* first, int64_t stride, int t) {
  return *reinterpret_cast<const Int8Columns*>(reinterpret_cast<const uint8_t*>(first) +
                                               t * stride);
}

// Adds half `kHalf` (16 columns), or with -1 the whole, of one block to acc.
template <WeightKind kKind, int kHalf, int kTokens>
CRIA_INLINE void AddDots(const uint8_t* quants, const Int8Columns* x, int64_t stride, F scale,
                         F acc[kTokens]) {
  constexpr QuantLayout kLayout = LayoutOf(kKind);
  constexpr int kFirst = kHalf == 1 ? 4 : 0, kEnd = kHalf == 0 ? 4 : 8;
  constexpr int kOffset = kLayout.offset - kDotBias<kLayout.bits>;
  I sums[kTokens];
  for (int t = 0; t < kTokens; ++t) {
    const Int8Columns& token = Token(x, stride, t);
    const int32_t sum = kHalf == -1 ? token.sum[0] + token.sum[1] : token.sum[kHalf == 1];
    sums[t] = SetI(kOffset == 0 ? 0 : -kOffset * sum);
  }
  DotQuads<kLayout.bits, kFirst, kEnd, kTokens>(quants, x->q, stride, sums);
  for (int t = 0; t < kTokens; ++t)
    acc[t] = Fma(ToFloat(sums[t]), Mul(scale, Set1(Token(x, stride, t).scale)), acc[t]);
}

template <WeightKind kKind, int kPanels, int kTokens>
void Int8Tile(const MatMulArgs& args, const Int8Job& job, int64_t panel, int64_t token) {
  constexpr ScaleForm kForm = LayoutOf(kKind).form;
  const uint8_t* weights = job.matrix->data + panel * job.panel_bytes;
  const uint8_t* prepared = args.prepared + token * job.stride;
  const auto* x = reinterpret_cast<const Int8Columns*>(prepared + sizeof(Int8TokenHeader));
  F acc[kPanels][kRowVectors][kTokens];
  for (auto& of_panel : acc)
    for (auto& of_vector : of_panel)
      for (F& sum : of_vector) sum = Set1(0);
  BlockCursor<kKind> at(job.matrix->cols, job.matrix->group);
  for (int64_t k = 0; k < job.matrix->cols; k += kBlockCols, ++x, at.Next()) {
    for (int p = 0; p < kPanels; ++p) {
      const uint8_t* panel_data = weights + p * job.panel_bytes;
      for (int v = 0; v < kRowVectors; ++v) {
        const uint8_t* quants = panel_data + at.quants() + 4 * kLanes * v;
        const BlockScales scales = LoadScales<kKind>(panel_data, at, v);
        F* sums = acc[p][v];
        if constexpr (kForm == ScaleForm::kSuper6) {
          AddDots<kKind, 0, kTokens>(quants, x, job.stride, scales.scale[0], sums);
          AddDots<kKind, 1, kTokens>(quants, x, job.stride, scales.scale[1], sums);
        } else {
          AddDots<kKind, -1, kTokens>(quants, x, job.stride, scales.scale[0], sums);
        }
        if constexpr (HasMinimum(kForm)) {
          for (int t = 0; t < kTokens; ++t)
            sums[t] = Fnma(scales.minimum, Set1(Token(x, job.stride, t).scaled_sum), sums[t]);
        }
      }
    }
  }
  for (int p = 0; p < kPanels; ++p) {
    alignas(64) float sums[kTokens * 16];
    for (int t = 0; t < kTokens; ++t) {
      const auto* header = reinterpret_cast<const Int8TokenHeader*>(prepared + t * job.stride);
      for (int v = 0; v < kRowVectors; ++v) {
        F sum = acc[p][v][t];
        if constexpr (kForm == ScaleForm::kGroup) {  // less zero point x sum of the row's weights
          const float* weight_sum = reinterpret_cast<const float*>(weights + p * job.panel_bytes);
          sum = Fnma(Load(weight_sum + kLanes * v), Set1(header->scaled_zero), sum);
        }
        Store(sums + 16 * t + kLanes * v, sum);
      }
    }
    WriteSums(args, panel + p, token, kTokens, sums);
  }
}

// Activations of at most this many bytes pass over all panels before the next ones: they stay in
// the L2 cache.
constexpr int64_t kActivationBytesAtOnce = 512 << 10;

template <WeightKind kKind>
void MatMulInt8(const MatMulArgs& args) {
  const PackedMatrix& matrix = *args.weights;
  const Int8Job job{&matrix,
                    static_cast<int64_t>(PanelBytes(matrix.kind, matrix.cols, matrix.group)),
                    static_cast<int64_t>(PreparedBytes(args.activations, matrix.cols))};
  int64_t panel = args.panel_begin;
  if (args.tokens == 1)
    for (; panel + 4 <= args.panel_end; panel += 4) Int8Tile<kKind, 4, 1>(args, job, panel, 0);
  if (args.tokens == 2)
    for (; panel + 2 <= args.panel_end; panel += 2) Int8Tile<kKind, 2, 2>(args, job, panel, 0);
  const int64_t fitting = kActivationBytesAtOnce / job.stride / kTileTokens * kTileTokens;
  const int64_t at_once = fitting < kTileTokens ? kTileTokens : fitting;
  for (int64_t begin = 0; begin < args.tokens; begin += at_once) {
    const int64_t end = Smaller(args.tokens, begin + at_once);
    for (int64_t p = panel; p < args.panel_end; ++p) {
      int64_t t = begin;
      for (; t + kTileTokens <= end; t += kTileTokens)
        Int8Tile<kKind, 1, kTileTokens>(args, job, p, t);
      for (; t + 4 <= end; t += 4) Int8Tile<kKind, 1, 4>(args, job, p, t);
      for (; t + 2 <= end; t += 2) Int8Tile<kKind, 1, 2>(args, job, p, t);
      for (; t < end; ++t) Int8Tile<kKind, 1, 1>(args, job, p, t);
    }
  }
}

// Groups that don't fill whole blocks are rare (no released model has them): left to the reference.
bool OddGroups(const PackedMatrix& matrix) {
  return IsGroupKind(matrix.kind) && matrix.group != matrix.cols && matrix.group % kBlockCols != 0;
}

void MatMulImpl(const MatMulArgs& args) {
  if (OddGroups(*args.weights) || (args.activations == Activations::kBf16))
    return reference::MatMul(args);
  if (args.activations == Activations::kF32) return MatMulF32(args);
  switch (args.weights->kind) {
    case WeightKind::kQ8_0:
      return MatMulInt8<WeightKind::kQ8_0>(args);
    case WeightKind::kQ4_0:
      return MatMulInt8<WeightKind::kQ4_0>(args);
    case WeightKind::kQ4_1:
      return MatMulInt8<WeightKind::kQ4_1>(args);
    case WeightKind::kQ5_0:
      return MatMulInt8<WeightKind::kQ5_0>(args);
    case WeightKind::kQ5_1:
      return MatMulInt8<WeightKind::kQ5_1>(args);
    case WeightKind::kQ4K:
      return MatMulInt8<WeightKind::kQ4K>(args);
    case WeightKind::kQ5K:
      return MatMulInt8<WeightKind::kQ5K>(args);
    case WeightKind::kQ6K:
      return MatMulInt8<WeightKind::kQ6K>(args);
    case WeightKind::kInt4Group:
      return MatMulInt8<WeightKind::kInt4Group>(args);
    case WeightKind::kInt8Group:
      return MatMulInt8<WeightKind::kInt8Group>(args);
    default:
      return reference::MatMul(args);  // which names what is wrong
  }
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_MATMUL_INT8_IMPL_H_
