// Everything but the matrix product: activations, norms, rope, attention. Included by one .cc per ISA.
#ifndef CRIA_KERNELS_CPU_OPS_SIMD_H_
#define CRIA_KERNELS_CPU_OPS_SIMD_H_

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/checked_math.h"
#include "kernels/activation_layout.h"
#include "kernels/attention_layout.h"
#include "kernels/cpu/simd.h"
#include "kernels/packed_layout.h"
#include "kernels/reference/reference.h"
#include "kernels/registry.h"

namespace cria::kernels {
namespace {

// Up to 16 floats; the lanes from `count` on are zero.
inline F16x LoadPart(const float* source, int64_t count) {
  F16x value = {};
  std::memcpy(&value, source, static_cast<size_t>(std::min<int64_t>(count, 16)) * sizeof(float));
  return value;
}
inline void StorePart(F16x value, int64_t count, float* out) {
  std::memcpy(out, &value, static_cast<size_t>(std::min<int64_t>(count, 16)) * sizeof(float));
}

float SumOfSquares(const float* x, int64_t n) {
  F16x sum = {};
  for (int64_t i = 0; i < n; i += 16) {
    const F16x v = LoadPart(x + i, n - i);
    sum = Fma(v, v, sum);
  }
  return Sum(sum);
}

void RmsNormSimd(const float* x, const float* weight, float eps, int64_t n, float* y) {
  const float scale = 1.0f / std::sqrt(SumOfSquares(x, n) / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; i += 16)
    StorePart(LoadPart(x + i, n - i) * scale * LoadPart(weight + i, n - i), n - i, y + i);
}

void SwigluSimd(const float* gate, const float* up, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += 16) {
    const F16x g = LoadPart(gate + i, n - i);
    StorePart(g / (Exp(-g) + 1.0f) * LoadPart(up + i, n - i), n - i, out + i);
  }
}

void AddSimd(const float* y, int64_t n, float* x) {
  for (int64_t i = 0; i < n; i += 16) StorePart(LoadPart(x + i, n - i) + LoadPart(y + i, n - i), n - i, x + i);
}

// One block of 32 columns, symmetric; the rule of kInt8Block in matmul.h.
bool QuantiseBlockSimd(const float* x, Int8Columns* columns) {
  const F16x a = Load<F16x>(x), b = Load<F16x>(x + 16);
  const F16x abs_a = a < 0.0f ? -a : a, abs_b = b < 0.0f ? -b : b;
  float lanes[16], largest = 0;
  const F16x both = abs_a > abs_b ? abs_a : abs_b;
  std::memcpy(lanes, &both, sizeof both);
  for (const float lane : lanes) largest = std::max(largest, lane);
  const bool finite = std::isfinite(Sum(abs_a * 0.0f + abs_b * 0.0f)) && std::isfinite(largest);
  if (!finite || largest < kSmallestBlockMax) return false;
  const F16x inverse = Broadcast(127.0f / largest), magic = Broadcast(12582912.0f);
  typedef int8_t B16x __attribute__((vector_size(16)));
  const I16x qa = __builtin_convertvector((a * inverse + magic) - magic, I16x);
  const I16x qb = __builtin_convertvector((b * inverse + magic) - magic, I16x);
  const B16x bytes[2] = {__builtin_convertvector(qa, B16x), __builtin_convertvector(qb, B16x)};
  std::memcpy(columns->q, bytes, sizeof bytes);
  columns->scale = largest / 127.0f;
  columns->sum[0] = columns->sum[1] = 0;
  for (int j = 0; j < kBlockCols; ++j) columns->sum[j / 16] += columns->q[j];
  columns->scaled_sum = columns->scale * static_cast<float>(columns->sum[0] + columns->sum[1]);
  return true;
}

void PrepareSimd(Activations activations, const float* x, int64_t cols, uint8_t* prepared) {
  if (activations != Activations::kInt8Block || cols % kBlockCols != 0)
    return reference::Prepare(activations, x, cols, prepared);
  auto* header = reinterpret_cast<Int8TokenHeader*>(prepared);
  auto* blocks = reinterpret_cast<Int8Columns*>(prepared + sizeof(Int8TokenHeader));
  *header = {};
  for (int64_t k = 0; k < cols; k += kBlockCols)  // zeros, NaN and infinities are the reference's business
    if (!QuantiseBlockSimd(x + k, &blocks[k / kBlockCols])) return reference::Prepare(activations, x, cols, prepared);
}

// Rows of the cache [first, first + count) as floats [count, padded].
void WidenRows(const AttentionArgs& args, size_t offset, int64_t first, int64_t count, float* rows) {
  const int64_t d = args.head_dim, padded = PaddedHeadDim(d);
  const uint8_t* block = args.pages[first / args.page_tokens] + offset;
  const int64_t token = first % args.page_tokens;
  const auto* scales = reinterpret_cast<const float*>(block + base::RoundUp(args.page_tokens * d, 4));
  for (int64_t t = 0; t < count; ++t) {
    float* row = rows + t * padded;
    const int64_t at = (token + t) * d;
    if (args.kv_type == KvType::kF32) {
      std::memcpy(row, block + 4 * at, static_cast<size_t>(d) * 4);
    } else if (args.kv_type == KvType::kBf16) {
      for (int64_t i = 0; i < d; ++i) {
        const uint32_t bits = static_cast<uint32_t>(Load<uint16_t>(block + 2 * (at + i))) << 16;
        std::memcpy(row + i, &bits, 4);
      }
    } else {
      const float scale = Load<float>(scales + token + t);
      for (int64_t i = 0; i < d; ++i) row[i] = scale * static_cast<float>(static_cast<int8_t>(block[at + i]));
    }
    for (int64_t i = d; i < padded; ++i) row[i] = 0;
  }
}

float Dot(const float* a, const float* b, int64_t padded) {
  F16x sum = {};
  for (int64_t i = 0; i < padded; i += 16) sum = Fma(Load<F16x>(a + i), Load<F16x>(b + i), sum);
  return Sum(sum);
}

// Takes `count` (<= kMaxKeyBlock) scored keys into one query row's running softmax; returns by how much older sums shrink.
float TakeScores(float* scores, int64_t count, float* maximum, float* total) {
  float largest = *maximum;
  for (int64_t t = 0; t < count; ++t) largest = std::max(largest, scores[t]);
  const float shrink = *maximum == largest ? 1.0f : std::exp(*maximum - largest);
  float sum = 0;
  for (int64_t t = 0; t < count; t += 16) {
    const F16x weights = Exp(LoadPart(scores + t, count - t) - largest);
    StorePart(weights, count - t, scores + t);
  }
  for (int64_t t = 0; t < count; ++t) sum += scores[t];
  *maximum = largest;
  *total = *total * shrink + sum;
  return shrink;
}

void AttentionSimd(const AttentionArgs& args) {
  const int64_t d = args.head_dim, padded = PaddedHeadDim(d), rows = args.num_queries * args.group;
  const AttentionScratch s = DivideScratch(args.scratch, rows, d);
  for (int64_t r = 0; r < rows; ++r) {
    const float* q = args.q + r / args.group * args.q_stride + r % args.group * d;
    for (int64_t i = 0; i < padded; ++i) s.queries[r * padded + i] = i < d ? q[i] * args.scale : 0.0f;
    std::fill_n(s.sums + r * padded, padded, 0.0f);
    s.maximum[r] = -std::numeric_limits<float>::infinity();
    s.total[r] = 0;
  }
  const int64_t block = KeyBlock(args.page_tokens), end = args.first_position + args.num_queries;
  for (int64_t first = 0; first < end; first += block) {
    const int64_t keys = std::min(block, end - first);
    // How many of these keys each query may see; the later queries see more.
    const auto visible = [&](int64_t r) {
      return std::clamp(args.first_position + r / args.group + 1 - first, int64_t{0}, keys);
    };
    WidenRows(args, args.k_offset, first, keys, s.rows);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t t = 0; t < visible(r); ++t)
        s.scores[r * kMaxKeyBlock + t] = Dot(s.queries + r * padded, s.rows + t * padded, padded);
    WidenRows(args, args.v_offset, first, keys, s.rows);
    for (int64_t r = 0; r < rows; ++r) {
      if (visible(r) == 0) continue;
      float* scores = s.scores + r * kMaxKeyBlock;
      const float shrink = TakeScores(scores, visible(r), &s.maximum[r], &s.total[r]);
      for (int64_t i = 0; i < padded; i += 16) {
        F16x sum = Load<F16x>(s.sums + r * padded + i) * shrink;
        for (int64_t t = 0; t < visible(r); ++t)
          sum = Fma(Load<F16x>(s.rows + t * padded + i), Broadcast(scores[t]), sum);
        std::memcpy(s.sums + r * padded + i, &sum, sizeof sum);
      }
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* out = args.out + r / args.group * args.out_stride + r % args.group * d;
    for (int64_t i = 0; i < d; ++i) out[i] = s.sums[r * padded + i] / s.total[r];
  }
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_OPS_SIMD_H_
