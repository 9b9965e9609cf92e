// Attention over a paged cache (contract in attention.h), written once for every simd_*.h.
//
// Keys come in blocks of at most 64. All query rows of the call (R = queries x group) share a
// block: its keys are widened to floats once, scored in tiles of 4 rows x 4 keys, and so are its
// values. Whatever is summed for one row is summed in an order that depends only on the row's own
// position, so prefill equals decode bit for bit.
#ifndef CRIA_KERNELS_CPU_ATTENTION_IMPL_H_
#define CRIA_KERNELS_CPU_ATTENTION_IMPL_H_

#include "kernels/attention.h"
#include "kernels/attention_layout.h"
#include "kernels/cpu/simd_common.h"

namespace cria::kernels {
namespace {

constexpr int kRowTile = 4;
constexpr int kKeyTile = 4;
// Rows that are scored together: their sums with four keys, the keys and a query stay in registers.
constexpr int kScoreRows = kRegisters >= 32 ? 4 : 2;

CRIA_INLINE F ScaledInt8(const void* p, F scale) { return Mul(LoadI8(p), scale); }

// One row of the cache, [D] of `element_bytes` each, as floats padded with zeros. `widen` loads
// kLanes elements.
template <typename Widen>
CRIA_INLINE void WidenRow(const uint8_t* row, int64_t element_bytes, int64_t head_dim, Widen widen,
                          float* out) {
  int64_t d = 0;
  for (; d + kLanes <= head_dim; d += kLanes) Store(out + d, widen(row + d * element_bytes));
  const int64_t padded = PaddedHeadDim(head_dim);
  for (; d < padded; d += kLanes) {
    uint8_t tail[4 * kLanes] = {};
    if (d < head_dim)
      memcpy(tail, row + d * element_bytes, static_cast<size_t>((head_dim - d) * element_bytes));
    Store(out + d, widen(tail));
  }
}

// Cache rows [first, first + count), all in one page, to out [count, padded D].
void WidenRows(const AttentionArgs& args, size_t offset, int64_t first, int64_t count, float* out) {
  const int64_t head_dim = args.head_dim, padded = PaddedHeadDim(head_dim);
  const int64_t token = first % args.page_tokens;
  const uint8_t* block = args.pages[first / args.page_tokens] + offset;
  const uint8_t* scales = block + (args.page_tokens * head_dim + 3) / 4 * 4;  // kInt8
  for (int64_t t = token; t < token + count; ++t, out += padded) {
    switch (args.kv_type) {
      case KvType::kF32:
        WidenRow(
            block + 4 * t * head_dim, 4, head_dim,
            [](const uint8_t* p) { return FromBits(LoadI(p)); }, out);
        break;
      case KvType::kBf16:
        WidenRow(
            block + 2 * t * head_dim, 2, head_dim, [](const uint8_t* p) { return LoadBf16(p); },
            out);
        break;
      case KvType::kInt8: {
        float scale;
        memcpy(&scale, scales + 4 * t, sizeof scale);
        const F factor = Set1(scale);
        WidenRow(
            block + t * head_dim, 1, head_dim,
            [factor](const uint8_t* p) { return ScaledInt8(p, factor); }, out);
        break;
      }
    }
  }
}

// scores[r][0..3] of kRows query rows and four keys.
template <int kRows>
CRIA_INLINE void ScoreTile(const float* queries, const float* const keys[kKeyTile], int64_t padded,
                           float* scores) {
  F sums[kRows][kKeyTile];
  for (int r = 0; r < kRows; ++r)
    for (int t = 0; t < kKeyTile; ++t) sums[r][t] = Set1(0);
  for (int64_t d = 0; d < padded; d += kLanes) {
    F key[kKeyTile];
    for (int t = 0; t < kKeyTile; ++t) key[t] = Load(keys[t] + d);
    for (int r = 0; r < kRows; ++r) {
      const F query = Load(queries + r * padded + d);
      for (int t = 0; t < kKeyTile; ++t) sums[r][t] = Fma(query, key[t], sums[r][t]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    ReduceAdd4(sums[r][0], sums[r][1], sums[r][2], sums[r][3], scores + r * kMaxKeyBlock);
}

template <int kRows>
void ScoreRows(const float* queries, const float* keys, int64_t count, int64_t padded,
               float* scores) {
  for (int64_t t = 0; t < count; t += kKeyTile) {
    const float* tile[kKeyTile];
    for (int j = 0; j < kKeyTile; ++j) tile[j] = keys + Smaller(t + j, count - 1) * padded;
    ScoreTile<kRows>(queries, tile, padded, scores + t);
  }
}

// sums[r] += scores[r] x values, after shrinking sums[r]; kVectors vectors of each row at `sums`
// and `values`.
template <int kRows, int kVectors>
CRIA_INLINE void ValueTile(const float* scores, const float* shrink, const float* values,
                           int64_t count, int64_t padded, float* sums) {
  F acc[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      acc[r][v] = Mul(Load(sums + r * padded + v * kLanes), Set1(shrink[r]));
  for (int64_t t = 0; t < count; ++t) {
    F value[kVectors];
    for (int v = 0; v < kVectors; ++v) value[v] = Load(values + t * padded + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const F weight = Set1(scores[r * kMaxKeyBlock + t]);
      for (int v = 0; v < kVectors; ++v) acc[r][v] = Fma(weight, value[v], acc[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) Store(sums + r * padded + v * kLanes, acc[r][v]);
}

template <int kRows>
void ValueRows(const float* scores, const float* shrink, const float* values, int64_t count,
               int64_t padded, float* sums) {
  int64_t d = 0;
  for (; d + 2 * kLanes <= padded; d += 2 * kLanes)
    ValueTile<kRows, 2>(scores, shrink, values + d, count, padded, sums + d);
  if (d < padded) ValueTile<kRows, 1>(scores, shrink, values + d, count, padded, sums + d);
}

// Turns one row's `count` scores into weights relative to the largest score so far, the rest of the
// row's block into zeros. Returns what the row's earlier sums must be multiplied with.
float TakeScores(float* scores, int64_t count, float* maximum, float* total) {
  F largest = Set1(*maximum);
  for (int64_t t = 0; t < count; t += kLanes) {
    const int64_t left = count - t;
    for (int64_t i = left; i < kLanes; ++i) scores[t + i] = scores[t];
    largest = Max(largest, Load(scores + t));
  }
  const float new_maximum = ReduceMax(largest);
  float shrink[kLanes];
  Store(shrink, Exp(Set1(*maximum - new_maximum)));
  F sum = Set1(0);
  for (int64_t t = 0; t < kMaxKeyBlock; t += kLanes) {
    if (t >= count) {
      Store(scores + t, Set1(0));
      continue;
    }
    const F weights = Exp(Sub(Load(scores + t), Set1(new_maximum)));
    Store(scores + t, weights);
    for (int64_t i = count - t; i < kLanes; ++i) scores[t + i] = 0;
    sum = Add(sum, Load(scores + t));
  }
  *maximum = new_maximum;
  *total = *total * shrink[0] + ReduceAdd(sum);
  return shrink[0];
}

void StartRows(const AttentionArgs& args, int64_t rows, const AttentionScratch& scratch) {
  const int64_t padded = PaddedHeadDim(args.head_dim);
  const F scale = Set1(args.scale);
  for (int64_t r = 0; r < rows; ++r) {
    const float* q = args.q + r / args.group * args.q_stride + r % args.group * args.head_dim;
    for (int64_t d = 0; d < padded; d += kLanes) {
      const F part = d < args.head_dim ? LoadPart(q + d, args.head_dim - d) : Set1(0);
      Store(scratch.queries + r * padded + d, Mul(part, scale));
      Store(scratch.sums + r * padded + d, Set1(0));
    }
    scratch.maximum[r] = -__builtin_inff();
    scratch.total[r] = 0;
  }
}

void FinishRows(const AttentionArgs& args, int64_t rows, const AttentionScratch& scratch) {
  const int64_t padded = PaddedHeadDim(args.head_dim);
  for (int64_t r = 0; r < rows; ++r) {
    float* out = args.out + r / args.group * args.out_stride + r % args.group * args.head_dim;
    const F inverse = Set1(1.0f / scratch.total[r]);
    for (int64_t d = 0; d < args.head_dim; d += kLanes)
      StorePart(out + d, Mul(Load(scratch.sums + r * padded + d), inverse), args.head_dim - d);
  }
}

// Calls tile<kRows>(row) for rows [begin, end) in tiles of kTile <= 4 and a remainder.
template <int kTile, typename Tile>
CRIA_INLINE void ForRowTiles(int64_t begin, int64_t end, Tile tile) {
  int64_t r = begin;
  for (; r + kTile <= end; r += kTile) tile.template operator()<kTile>(r);
  switch (end - r) {
    case 3:
      tile.template operator()<3>(r);
      break;
    case 2:
      tile.template operator()<2>(r);
      break;
    case 1:
      tile.template operator()<1>(r);
      break;
    default:
      break;
  }
}

// Lets query rows [begin, rows) take in cache positions [first, first + keys).
void TakeBlock(const AttentionArgs& args, int64_t begin, int64_t rows, int64_t first, int64_t keys,
               const AttentionScratch& scratch) {
  const int64_t padded = PaddedHeadDim(args.head_dim);
  WidenRows(args, args.k_offset, first, keys, scratch.rows);
  ForRowTiles<kScoreRows>(begin, rows, [&]<int kRows>(int64_t r) {
    ScoreRows<kRows>(scratch.queries + r * padded, scratch.rows, keys, padded,
                     scratch.scores + r * kMaxKeyBlock);
  });
  for (int64_t r = begin; r < rows; ++r) {
    const int64_t visible = Smaller(keys, args.first_position + r / args.group + 1 - first);
    scratch.shrink[r] = TakeScores(scratch.scores + r * kMaxKeyBlock, visible, &scratch.maximum[r],
                                   &scratch.total[r]);
  }
  WidenRows(args, args.v_offset, first, keys, scratch.rows);
  ForRowTiles<kRowTile>(begin, rows, [&]<int kRows>(int64_t r) {
    ValueRows<kRows>(scratch.scores + r * kMaxKeyBlock, scratch.shrink + r, scratch.rows, keys,
                     padded, scratch.sums + r * padded);
  });
}

void AttentionImpl(const AttentionArgs& args) {
  const int64_t rows = args.num_queries * args.group;
  const AttentionScratch scratch = DivideScratch(args.scratch, rows, args.head_dim);
  StartRows(args, rows, scratch);
  const int64_t end = args.first_position + args.num_queries, block = KeyBlock(args.page_tokens);
  for (int64_t first = 0; first < end; first += block) {
    // Queries at positions before `first` see nothing of this block.
    const int64_t blind = first > args.first_position ? first - args.first_position : 0;
    TakeBlock(args, blind * args.group, rows, first, Smaller(block, end - first), scratch);
  }
  FinishRows(args, rows, scratch);
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_ATTENTION_IMPL_H_
