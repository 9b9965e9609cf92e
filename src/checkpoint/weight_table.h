// The one list of the tensors that a model has: it drives opening, saving, pruning and quantising.
#ifndef CRIA_CHECKPOINT_WEIGHT_TABLE_H_
#define CRIA_CHECKPOINT_WEIGHT_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/config.h"
#include "tensor/tensor.h"

namespace cria::checkpoint {

enum class WeightRole : uint8_t {
  kEmbedding,  // model.embed_tokens.weight [vocab, hidden]; three tables of an encoder
  kNorm,       // RMSNorm or LayerNorm weights [hidden]
  kQueryKey,   // q_proj and k_proj [heads * head_dim, hidden]: linear, and their rows follow the
               // rope pairing
  kLinear,     // the other matrices of a block [out, in]
  kBias,       // X.bias [out] of a block's matrix X, or of an encoder's LayerNorm
  kHead,       // lm_head.weight [vocab, hidden]
};

constexpr bool IsBlockLinear(WeightRole role) {
  return role == WeightRole::kLinear || role == WeightRole::kQueryKey;
}

struct WeightSpec {
  std::string name;  // canonical, see checkpoint.h
  tensor::Shape shape;
  WeightRole role = WeightRole::kLinear;
  int64_t layer = -1;     // -1 outside the layers
  bool optional = false;  // biases; the head of a tied model
};

// All weights of a valid `config`, in the order of the forward pass. Thread-safe, no errors.
std::vector<WeightSpec> WeightTable(const ModelConfig& config);

// "X" of "X.weight": the stem of the names of its companions X.bias, X.scales, X.adaptor.A.weight.
std::string WeightStem(const std::string& name);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_WEIGHT_TABLE_H_
