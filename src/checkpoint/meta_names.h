// What Meta's checkpoints call the tensors that checkpoint.h names canonically, and how
// model-parallel shards cut them. Sources: models/llama3/model.py of
// github.com/meta-llama/llama-models (ColumnParallelLinear, RowParallelLinear);
// convert_llama_weights_to_hf.py of github.com/huggingface/transformers.
#ifndef CRIA_CHECKPOINT_META_NAMES_H_
#define CRIA_CHECKPOINT_META_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cria::checkpoint {

enum class ShardCut : uint8_t {
  kReplicated,  // norms: every shard has the whole
  kRows,        // outputs: wq, wk, wv, w1, w3, output
  kColumns,     // inputs: wo, w2
  kEmbedding,   // rows in Llama 3, columns in Llama 2: the shapes tell
};

struct MetaName {
  std::string canonical;
  ShardCut cut = ShardCut::kReplicated;
};

// "layers.3.attention.wq.weight" -> {"model.layers.3.self_attn.q_proj.weight", kRows}; also of
// X.scales, X.zeros, X.adaptor.A.weight and X.adaptor.B.weight. nullopt for a name that the text
// models don't have.
std::optional<MetaName> CanonicalFromMeta(std::string_view name);
// The other way; nullopt for a name that isn't canonical.
std::optional<std::string> MetaFromCanonical(std::string_view name);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_META_NAMES_H_
