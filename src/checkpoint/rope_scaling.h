// The frequency scaling of Llama 3.1 and later.
#ifndef CRIA_CHECKPOINT_ROPE_SCALING_H_
#define CRIA_CHECKPOINT_ROPE_SCALING_H_

#include <vector>

#include "checkpoint/config.h"

namespace cria::checkpoint {

// The scaled frequency of a rotating pair; `scaling` is of type kLlama3. The rule of apply_scaling
// in models/llama3/model.py of github.com/meta-llama/llama-models, with the factors of the
// checkpoint.
double ScaleLlama3(double frequency, const RopeScaling& scaling);

// theta^(-2i / rotary_dim), the frequency of pair i before any scaling.
double RopeFrequency(const ModelConfig& config, int64_t i);

// By what the llama3 scaling of `config` divides each frequency, [rotary_dim / 2]: the tensor
// rope_freqs of GGUF files.
std::vector<float> Llama3Divisors(const ModelConfig& config);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_ROPE_SCALING_H_
