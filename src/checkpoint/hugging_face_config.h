// config.json and generation_config.json of Hugging Face's llama models.
// Meaning of the fields: LlamaConfig and modeling_rope_utils of
// github.com/huggingface/transformers, versions 4 and 5.
#ifndef CRIA_CHECKPOINT_HUGGING_FACE_CONFIG_H_
#define CRIA_CHECKPOINT_HUGGING_FACE_CONFIG_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "checkpoint/config.h"

namespace cria::checkpoint {

struct HuggingFaceConfig {
  ModelConfig model;
  bool attention_bias = false;  // q, k, v and o have biases
  bool mlp_bias = false;        // gate, up and down have biases
};

// Reads the content of config.json. Absent optional fields mean what they mean in transformers.
// Beyond transformers, intermediate_size, num_attention_heads and num_key_value_heads may be lists
// of one value per layer. kDataLoss names a field that is missing or wrong, kUnimplemented a thing
// that Cria doesn't run: another model type, activation, rope type or quantisation. `what` names
// the file in messages. Pure.
absl::StatusOr<HuggingFaceConfig> ParseHuggingFaceConfig(std::string_view json,
                                                         const std::string& what);

// Adds what generation_config.json says: its EOS ids to those of config.json, temperature, top_p,
// top_k.
absl::Status AddGenerationConfig(std::string_view json, const std::string& what,
                                 ModelConfig* config);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_HUGGING_FACE_CONFIG_H_
