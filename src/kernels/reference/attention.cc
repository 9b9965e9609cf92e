// softmax(q K^T * scale) V, one query head at a time, in double.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/checked_math.h"
#include "base/half.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::reference {
namespace {

// Element d of the key (offset = k_offset) or value row at `position`.
double CacheAt(const AttentionArgs& args, size_t offset, int64_t position, int64_t d) {
  const uint8_t* block = args.pages[position / args.page_tokens] + offset;
  const int64_t token = position % args.page_tokens, index = token * args.head_dim + d;
  switch (args.kv_type) {
    case KvType::kF32: {
      float value;
      std::memcpy(&value, block + 4 * index, sizeof value);
      return static_cast<double>(value);
    }
    case KvType::kBf16: {
      base::bf16 value;
      std::memcpy(&value, block + 2 * index, sizeof value);
      return static_cast<double>(base::ToFloat(value));
    }
    case KvType::kInt8: {
      float scale;
      std::memcpy(&scale, block + base::RoundUp(args.page_tokens * args.head_dim, 4) + 4 * token,
                  sizeof scale);
      return static_cast<double>(scale) * static_cast<double>(static_cast<int8_t>(block[index]));
    }
  }
  return 0;
}

double Score(const AttentionArgs& args, const float* q, int64_t position) {
  double score = 0;
  for (int64_t d = 0; d < args.head_dim; ++d)
    score += static_cast<double>(q[d]) * CacheAt(args, args.k_offset, position, d);
  return score * static_cast<double>(args.scale);
}

void OneHead(const AttentionArgs& args, const float* q, int64_t visible, float* out) {
  double largest = -std::numeric_limits<double>::infinity(), total = 0;
  for (int64_t t = 0; t < visible; ++t) largest = std::max(largest, Score(args, q, t));
  // The sums of a few elements at a time: scratch holds floats, and these want double.
  constexpr int64_t kAtOnce = 64;
  for (int64_t d0 = 0; d0 < args.head_dim; d0 += kAtOnce) {
    const int64_t count = std::min(kAtOnce, args.head_dim - d0);
    double sums[kAtOnce] = {};
    total = 0;
    for (int64_t t = 0; t < visible; ++t) {
      const double weight = std::exp(Score(args, q, t) - largest);
      total += weight;
      for (int64_t d = 0; d < count; ++d)
        sums[d] += weight * CacheAt(args, args.v_offset, t, d0 + d);
    }
    for (int64_t d = 0; d < count; ++d) out[d0 + d] = static_cast<float>(sums[d] / total);
  }
}

}  // namespace

void Attention(const AttentionArgs& args) {
  for (int64_t i = 0; i < args.num_queries; ++i) {
    for (int64_t g = 0; g < args.group; ++g) {
      const int64_t at = g * args.head_dim;
      OneHead(args, args.q + i * args.q_stride + at, args.first_position + i + 1,
              args.out + i * args.out_stride + at);
    }
  }
}

}  // namespace cria::kernels::reference
