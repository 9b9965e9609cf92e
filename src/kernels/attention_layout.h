// How the cache of one head lies in a page, and how a call divides its scratch. Internal linkage
// throughout: see packed_layout.h.
#ifndef CRIA_KERNELS_ATTENTION_LAYOUT_H_
#define CRIA_KERNELS_ATTENTION_LAYOUT_H_

#include <cstdint>

#include "kernels/attention.h"

namespace cria::kernels {

// Keys that are scored together. A block never crosses a page and always begins at a multiple of
// its size, so that a query's result doesn't depend on which other queries share the call.
constexpr int64_t kMaxKeyBlock = 64;
static constexpr int64_t KeyBlock(int64_t page_tokens) {
  return page_tokens < kMaxKeyBlock ? page_tokens : kMaxKeyBlock;
}

// Rows in scratch are padded so that every row is a whole number of vectors of any ISA.
static constexpr int64_t PaddedHeadDim(int64_t head_dim) { return (head_dim + 15) / 16 * 16; }

// Scratch, in floats; R = num_queries * group query rows.
struct AttentionScratch {
  float* queries;  // [R, padded D], scaled
  float* sums;     // [R, padded D], weighted sums of values
  float* scores;   // [R, kMaxKeyBlock]
  float* rows;     // [kMaxKeyBlock, padded D], a block of keys, then of values
  float* maximum;  // [R]
  float* total;    // [R]
  float* shrink;   // [R]
};

static constexpr int64_t ScratchFloats(int64_t rows, int64_t head_dim) {
  const int64_t padded = PaddedHeadDim(head_dim);
  const int64_t padded_rows = (rows + 15) / 16 * 16;
  return padded_rows * (2 * padded + kMaxKeyBlock + 3) + kMaxKeyBlock * padded;
}

static constexpr AttentionScratch DivideScratch(float* scratch, int64_t rows, int64_t head_dim) {
  const int64_t padded = PaddedHeadDim(head_dim);
  const int64_t padded_rows = (rows + 15) / 16 * 16;
  AttentionScratch parts{};
  parts.queries = scratch;
  parts.sums = parts.queries + padded_rows * padded;
  parts.scores = parts.sums + padded_rows * padded;
  parts.rows = parts.scores + padded_rows * kMaxKeyBlock;
  parts.maximum = parts.rows + kMaxKeyBlock * padded;
  parts.total = parts.maximum + padded_rows;
  parts.shrink = parts.total + padded_rows;
  return parts;
}

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_ATTENTION_LAYOUT_H_
