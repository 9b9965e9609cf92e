// Causal attention of some query tokens over a paged KV cache, for one KV head and its group of
// query heads, blocked over the cache with a running softmax (Milakov, Gimelshein: "Online
// normalizer calculation for softmax", 2018): no score matrix of queries x context is ever stored.
#ifndef CRIA_KERNELS_ATTENTION_H_
#define CRIA_KERNELS_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cria::kernels {

enum class KvType : uint8_t { kBf16, kInt8, kF32 };
std::string_view Name(KvType type);

// Bytes of the K (or V) rows of one KV head in one page: [page_tokens, D] elements; for kInt8
// followed by float scale[page_tokens] (symmetric, absmax / 127 per row). A multiple of 4.
size_t KvBlockBytes(KvType type, int64_t page_tokens, int64_t head_dim);

struct AttentionArgs {
  const float* q = nullptr;  // query i at q + i * q_stride: [G, D], RoPE applied, not scaled
  int64_t q_stride = 0;      // floats
  float* out = nullptr;      // result i at out + i * out_stride: [G, D]
  int64_t out_stride = 0;    // floats
  int64_t num_queries = 0;
  int64_t group = 0;           // G
  int64_t head_dim = 0;        // D, any value >= 1
  float scale = 0;             // 1 / sqrt(D)
  int64_t first_position = 0;  // query i sees cache positions 0 .. first_position + i
  KvType kv_type = KvType::kBf16;
  const uint8_t* const* pages =
      nullptr;               // page p holds positions [p * page_tokens, (p + 1) * page_tokens)
  int64_t page_tokens = 0;   // a power of two
  size_t k_offset = 0;       // where in a page this head's K block starts (4-byte aligned)
  size_t v_offset = 0;       // and its V block
  float* scratch = nullptr;  // AttentionScratchFloats() floats, 64-byte aligned
};

// Scratch that one call needs; independent of the length of the context.
size_t AttentionScratchFloats(int64_t num_queries, int64_t group, int64_t head_dim);

// At most this many queries in one call.
constexpr int64_t kMaxAttentionQueries = 32;

// Writes one token's K (or V) of one KV head, float [D], as row `token` of the block at `block`
// (KvBlockBytes).
void StoreKvRow(KvType type, const float* row, int64_t head_dim, int64_t page_tokens, int64_t token,
                uint8_t* block);

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_ATTENTION_H_
