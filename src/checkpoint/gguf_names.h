// What GGUF's llama architecture calls the tensors that checkpoint.h names canonically.
// Source: gguf-py/gguf/constants.py of ggml-org/llama.cpp (MODEL_TENSORS, TENSOR_NAMES).
#ifndef CRIA_CHECKPOINT_GGUF_NAMES_H_
#define CRIA_CHECKPOINT_GGUF_NAMES_H_

#include <optional>
#include <string>
#include <string_view>

namespace cria::checkpoint {

// "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight"; the part after the last dot
// (weight, bias) stays. nullopt for a name that the architecture doesn't have.
std::optional<std::string> CanonicalFromGguf(std::string_view name);
std::optional<std::string> GgufFromCanonical(std::string_view name);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_GGUF_NAMES_H_
