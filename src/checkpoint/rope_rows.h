// The two orders in which the rows of wq and wk are stored.
#ifndef CRIA_CHECKPOINT_ROPE_ROWS_H_
#define CRIA_CHECKPOINT_ROPE_ROWS_H_

#include <cstdint>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/weight_table.h"
#include "tensor/tensor.h"

namespace cria::checkpoint {

// For row `row` of a matrix whose rotating pairs are halves (i, i + rotary_dim / 2) of a head: the
// row of the same matrix stored with adjacent pairs (2i, 2i + 1). Rows of a head beyond
// `rotary_dim` don't rotate and stay. The permutation of convert_llama_weights_to_hf.py (permute)
// in github.com/huggingface/transformers.
constexpr int64_t AdjacentRow(int64_t row, int64_t head_dim, int64_t rotary_dim) {
  const int64_t head = row / head_dim, j = row % head_dim, half = rotary_dim / 2;
  if (j >= rotary_dim) return row;
  return head * head_dim + (j < half ? 2 * j : 2 * (j - half) + 1);
}

// Whether the rows of a weight follow the rope pairing: those of wq and wk, and their biases.
bool FollowsRopePairing(const WeightSpec& weight);

// The bytes of `view`, a weight that follows the pairing of `config`, with its rows in the order of
// the other pairing.
std::vector<uint8_t> SwapRopePairing(const tensor::View& view, const ModelConfig& config);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_ROPE_ROWS_H_
