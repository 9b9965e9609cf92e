#include "checkpoint/weight_table.h"

#include <string_view>
#include <utility>

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

// Of an encoder every matrix and norm has a bias.
void AddEncoderLinear(const std::string& stem, int64_t out, int64_t in, int64_t layer,
                      std::vector<WeightSpec>* table) {
  table->push_back({stem + ".weight", {out, in}, WeightRole::kLinear, layer, false});
  table->push_back({stem + ".bias", {out}, WeightRole::kBias, layer, false});
}

void AddEncoderNorm(const std::string& stem, int64_t hidden, int64_t layer,
                    std::vector<WeightSpec>* table) {
  table->push_back({stem + ".weight", {hidden}, WeightRole::kNorm, layer, false});
  table->push_back({stem + ".bias", {hidden}, WeightRole::kBias, layer, false});
}

std::vector<WeightSpec> EncoderWeights(const ModelConfig& config) {
  const int64_t hidden = config.hidden;
  std::vector<WeightSpec> table;
  const std::pair<const char*, int64_t> kTables[] = {
      {"word_embeddings", config.vocab},
      {"position_embeddings", config.max_context},
      {"token_type_embeddings", config.encoder->token_types}};
  for (const auto& [name, rows] : kTables)
    table.push_back({absl::StrCat("embeddings.", name, ".weight"),
                     {rows, hidden},
                     WeightRole::kEmbedding,
                     -1,
                     false});
  AddEncoderNorm("embeddings.LayerNorm", hidden, -1, &table);
  for (size_t i = 0; i < config.layers.size(); ++i) {
    const std::string prefix = absl::StrCat("encoder.layer.", i, ".");
    const auto layer = static_cast<int64_t>(i);
    for (const char* name : {"query", "key", "value"})
      AddEncoderLinear(absl::StrCat(prefix, "attention.self.", name), hidden, hidden, layer,
                       &table);
    AddEncoderLinear(prefix + "attention.output.dense", hidden, hidden, layer, &table);
    AddEncoderNorm(prefix + "attention.output.LayerNorm", hidden, layer, &table);
    const int64_t ffn = config.layers[i].ffn;
    AddEncoderLinear(prefix + "intermediate.dense", ffn, hidden, layer, &table);
    AddEncoderLinear(prefix + "output.dense", hidden, ffn, layer, &table);
    AddEncoderNorm(prefix + "output.LayerNorm", hidden, layer, &table);
  }
  // For classifiers; what pools the hidden states of a text instead is in EncoderConfig.
  table.push_back({"pooler.dense.weight", {hidden, hidden}, WeightRole::kLinear, -1, true});
  table.push_back({"pooler.dense.bias", {hidden}, WeightRole::kBias, -1, true});
  return table;
}

}  // namespace

std::vector<WeightSpec> WeightTable(const ModelConfig& config) {
  if (config.encoder) return EncoderWeights(config);
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
