// The angles of rotary position embedding (Su et al., "RoFormer", 2021), with Llama 3.1's frequency
// scaling.
#ifndef CRIA_MODEL_ROPE_TABLE_H_
#define CRIA_MODEL_ROPE_TABLE_H_

#include <cstdint>
#include <vector>

#include "checkpoint/config.h"

namespace cria::model {

// The frequency of each rotated pair, [rotary_dim / 2]: theta^(-2i/d), scaled as the config says.
// The llama3 rule is that of meta-llama/llama-models models/llama3/model.py (apply_scaling) with
// the factor from the checkpoint. Computed in double.
std::vector<float> RopeFrequencies(const checkpoint::ModelConfig& config);

// Cosines and sines at one position. Immutable; share freely.
class RopeTable {
 public:
  explicit RopeTable(const checkpoint::ModelConfig& config)
      : frequencies_(RopeFrequencies(config)) {}

  int64_t half() const { return static_cast<int64_t>(frequencies_.size()); }
  // Fills cos [half] and sin [half].
  void Fill(int64_t position, float* cos, float* sin) const;

 private:
  std::vector<float> frequencies_;
};

}  // namespace cria::model

#endif  // CRIA_MODEL_ROPE_TABLE_H_
