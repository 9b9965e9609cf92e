#include "kernels/attention.h"

#include <cmath>
#include <cstring>

#include "base/checked_math.h"
#include "base/half.h"
#include "kernels/attention_layout.h"

namespace cria::kernels {
namespace {

void StoreInt8Row(const float* row, int64_t head_dim, int64_t page_tokens, int64_t token,
                  uint8_t* block) {
  float largest = 0;
  bool finite = true;
  for (int64_t d = 0; d < head_dim; ++d) {
    finite = finite && std::isfinite(row[d]);
    largest = std::fabs(row[d]) > largest ? std::fabs(row[d]) : largest;
  }
  // A row that holds NaN or infinity reads back as NaN everywhere: an error stays visible.
  const bool usable = finite && largest >= 0x1p-100f;
  const float scale = usable ? largest / 127.0f : finite ? 0.0f : NAN;
  const float inverse = usable ? 127.0f / largest : 0.0f;
  uint8_t* target = block + token * head_dim;
  for (int64_t d = 0; d < head_dim; ++d) {
    const float q = usable ? std::nearbyint(row[d] * inverse) : 0.0f;
    target[d] = static_cast<uint8_t>(static_cast<int8_t>(q));
  }
  std::memcpy(block + base::CeilDiv(page_tokens * head_dim, 4) * 4 + 4 * token, &scale,
              sizeof scale);
}

}  // namespace

std::string_view Name(KvType type) {
  switch (type) {
    case KvType::kBf16:
      return "bf16";
    case KvType::kInt8:
      return "int8";
    case KvType::kF32:
      return "f32";
  }
  return "unknown";
}

size_t KvBlockBytes(KvType type, int64_t page_tokens, int64_t head_dim) {
  const int64_t elements = page_tokens * head_dim;
  switch (type) {
    case KvType::kBf16:
      return static_cast<size_t>(base::RoundUp(2 * elements, 4));
    case KvType::kInt8:
      return static_cast<size_t>(base::RoundUp(elements, 4) + 4 * page_tokens);
    case KvType::kF32:
      return static_cast<size_t>(4 * elements);
  }
  return 0;
}

size_t AttentionScratchFloats(int64_t num_queries, int64_t group, int64_t head_dim) {
  return static_cast<size_t>(ScratchFloats(num_queries * group, head_dim));
}

void StoreKvRow(KvType type, const float* row, int64_t head_dim, int64_t page_tokens, int64_t token,
                uint8_t* block) {
  switch (type) {
    case KvType::kF32:
      std::memcpy(block + 4 * token * head_dim, row, static_cast<size_t>(4 * head_dim));
      return;
    case KvType::kBf16: {
      uint8_t* target = block + 2 * token * head_dim;
      for (int64_t d = 0; d < head_dim; ++d) {
        const base::bf16 value = base::ToBf16(row[d]);
        std::memcpy(target + 2 * d, &value, sizeof value);
      }
      return;
    }
    case KvType::kInt8:
      return StoreInt8Row(row, head_dim, page_tokens, token, block);
  }
}

}  // namespace cria::kernels
