#include "checkpoint/weight_table.h"

#include <string_view>

#include "base/check.h"

namespace cria::checkpoint {
namespace {

void AddLinear(const std::string& stem, int64_t out, int64_t in, WeightRole role, int64_t layer,
               std::vector<WeightSpec>* table) {
  table->push_back({stem + ".weight", {out, in}, role, layer, false});
  table->push_back({stem + ".bias", {out}, WeightRole::kBias, layer, true});
}

void AddLayer(const ModelConfig& config, int64_t i, std::vector<WeightSpec>* table) {
  const LayerConfig& layer = config.layers[static_cast<size_t>(i)];
  const std::string prefix = absl::StrCat("model.layers.", i, ".");
  const int64_t hidden = config.hidden;
  const int64_t query = layer.num_heads * config.head_dim;
  const int64_t kv = layer.num_kv_heads * config.head_dim;
  table->push_back({prefix + "input_layernorm.weight", {hidden}, WeightRole::kNorm, i, false});
  AddLinear(prefix + "self_attn.q_proj", query, hidden, WeightRole::kQueryKey, i, table);
  AddLinear(prefix + "self_attn.k_proj", kv, hidden, WeightRole::kQueryKey, i, table);
  AddLinear(prefix + "self_attn.v_proj", kv, hidden, WeightRole::kLinear, i, table);
  AddLinear(prefix + "self_attn.o_proj", hidden, query, WeightRole::kLinear, i, table);
  table->push_back(
      {prefix + "post_attention_layernorm.weight", {hidden}, WeightRole::kNorm, i, false});
  AddLinear(prefix + "mlp.gate_proj", layer.ffn, hidden, WeightRole::kLinear, i, table);
  AddLinear(prefix + "mlp.up_proj", layer.ffn, hidden, WeightRole::kLinear, i, table);
  AddLinear(prefix + "mlp.down_proj", hidden, layer.ffn, WeightRole::kLinear, i, table);
}

}  // namespace

std::vector<WeightSpec> WeightTable(const ModelConfig& config) {
  std::vector<WeightSpec> table;
  table.push_back({"model.embed_tokens.weight",
                   {config.vocab, config.hidden},
                   WeightRole::kEmbedding,
                   -1,
                   false});
  for (size_t i = 0; i < config.layers.size(); ++i)
    AddLayer(config, static_cast<int64_t>(i), &table);
  table.push_back({"model.norm.weight", {config.hidden}, WeightRole::kNorm, -1, false});
  table.push_back({"lm_head.weight",
                   {config.vocab, config.hidden},
                   WeightRole::kHead,
                   -1,
                   config.tied_embeddings});
  return table;
}

std::string WeightStem(const std::string& name) {
  constexpr std::string_view kSuffix = ".weight";
  CRIA_CHECK(std::string_view(name).ends_with(kSuffix));
  return name.substr(0, name.size() - kSuffix.size());
}

}  // namespace cria::checkpoint
