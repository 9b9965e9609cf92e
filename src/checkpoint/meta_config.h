// params.json of Meta's checkpoints. Meaning of the fields: models/llama3/args.py of
// github.com/meta-llama/llama-models.
#ifndef CRIA_CHECKPOINT_META_CONFIG_H_
#define CRIA_CHECKPOINT_META_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cria::checkpoint {

// What params.json says. The widths that it leaves open (FFN, head_dim, at times the vocabulary)
// follow from the tensors, whose shapes count; multiple_of and ffn_dim_multiplier aren't needed.
struct MetaParams {
  int64_t dim = 0, layers = 0, heads = 0, kv_heads = 0;
  std::optional<int64_t> vocab, head_dim;
  double norm_eps = 1e-5;
  // Llama 3's files all state it. Llama 2's don't: precompute_freqs_cis in llama/model.py of
  // github.com/meta-llama/llama takes 10000.
  double rope_theta = 10000;
  bool scaled_rope = false;
  std::optional<double> rope_factor;  // else it follows from the model, see MetaRopeFactor
  double high_freq_factor = 4;

  bool quantized = false;  // int4 weights, int8 activations
  bool spinquant = false;
  double lora_scale = 0;  // 0: no LoRA branch
};

// Reads the content of params.json, the arguments themselves or {"model": {...}}. kDataLoss names a
// field that is missing or wrong; kUnimplemented a thing that Cria doesn't run: vision, mixtures of
// experts, other quantisation schemes. Unknown keys are ignored, as in the original. `what` names
// the file in messages. Pure.
absl::StatusOr<MetaParams> ParseMetaParams(std::string_view json, const std::string& what);

// The factor that use_scaled_rope means. params.json doesn't hold it; as published, it is 32 for
// the text models of 3.2 (config.json of meta-llama/Llama-3.2-1B and -3B) and 8 for all others.
// Llama Guard 3 1B, whose dimensions are those of the 1B model, is told apart by its head, which
// isn't the embedding table, and has 8.
double MetaRopeFactor(const MetaParams& params, bool head_is_embedding);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_META_CONFIG_H_
