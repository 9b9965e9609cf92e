#include "checkpoint/rope_rows.h"

#include <algorithm>
#include <string_view>

namespace cria::checkpoint {

bool FollowsRopePairing(const WeightSpec& weight) {
  const std::string_view name = weight.name;
  return weight.role == WeightRole::kQueryKey || name.ends_with("q_proj.bias") ||
         name.ends_with("k_proj.bias");
}

std::vector<uint8_t> SwapRopePairing(const tensor::View& view, const ModelConfig& config) {
  std::vector<uint8_t> swapped(view.bytes.size());
  const int64_t rows = view.shape[0];
  const size_t row_bytes = view.bytes.size() / static_cast<size_t>(rows);
  for (int64_t row = 0; row < rows; ++row) {  // as halves, and where it is with adjacent pairs
    int64_t from = AdjacentRow(row, config.head_dim, config.rotary_dim), to = row;
    if (config.rope_pairing == RopePairing::kHalves) std::swap(from, to);
    std::copy_n(view.bytes.data() + static_cast<size_t>(from) * row_bytes, row_bytes,
                swapped.data() + static_cast<size_t>(to) * row_bytes);
  }
  return swapped;
}

}  // namespace cria::checkpoint
