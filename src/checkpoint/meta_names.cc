#include "checkpoint/meta_names.h"

#include <algorithm>
#include <span>

namespace cria::checkpoint {
namespace {

struct Row {
  std::string_view meta, canonical;
  ShardCut cut;
};

constexpr Row kGlobal[] = {
    {"tok_embeddings", "model.embed_tokens", ShardCut::kEmbedding},
    {"norm", "model.norm", ShardCut::kReplicated},
    {"output", "lm_head", ShardCut::kRows},
};

constexpr Row kOfLayer[] = {
    {"attention_norm", "input_layernorm", ShardCut::kReplicated},
    {"attention.wq", "self_attn.q_proj", ShardCut::kRows},
    {"attention.wk", "self_attn.k_proj", ShardCut::kRows},
    {"attention.wv", "self_attn.v_proj", ShardCut::kRows},
    {"attention.wo", "self_attn.o_proj", ShardCut::kColumns},
    {"ffn_norm", "post_attention_layernorm", ShardCut::kReplicated},
    {"feed_forward.w1", "mlp.gate_proj", ShardCut::kRows},
    {"feed_forward.w2", "mlp.down_proj", ShardCut::kColumns},
    {"feed_forward.w3", "mlp.up_proj", ShardCut::kRows},
};

constexpr std::string_view kParts[] = {".weight", ".scales", ".zeros", ".adaptor.A.weight",
                                       ".adaptor.B.weight"};

std::optional<MetaName> Lookup(std::span<const Row> table, const std::string& prefix,
                               std::string_view name) {
  for (const Row& row : table) {
    if (!name.starts_with(row.meta)) continue;
    const std::string_view part = name.substr(row.meta.size());
    if (std::find(std::begin(kParts), std::end(kParts), part) == std::end(kParts)) continue;
    return MetaName{prefix + std::string(row.canonical) + std::string(part), row.cut};
  }
  return std::nullopt;
}

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<MetaName> CanonicalFromMeta(std::string_view name) {
  constexpr std::string_view kLayers = "layers.";
  if (!name.starts_with(kLayers)) return Lookup(kGlobal, "", name);
  const std::string_view rest = name.substr(kLayers.size());
  const size_t dot = rest.find('.');
  if (dot == std::string_view::npos || !IsNumber(rest.substr(0, dot))) return std::nullopt;
  const std::string prefix = "model.layers." + std::string(rest.substr(0, dot + 1));
  return Lookup(kOfLayer, prefix, rest.substr(dot + 1));
}

std::optional<std::string> MetaFromCanonical(std::string_view name) {
  constexpr std::string_view kLayers = "model.layers.";
  std::string prefix;
  std::span<const Row> table = kGlobal;
  if (name.starts_with(kLayers)) {
    const std::string_view rest = name.substr(kLayers.size());
    const size_t dot = rest.find('.');
    if (dot == std::string_view::npos || !IsNumber(rest.substr(0, dot))) return std::nullopt;
    prefix = "layers." + std::string(rest.substr(0, dot + 1));
    name = rest.substr(dot + 1);
    table = kOfLayer;
  }
  for (const Row& row : table)
    if (name.starts_with(row.canonical) && name.substr(row.canonical.size()).starts_with('.'))
      return prefix + std::string(row.meta) + std::string(name.substr(row.canonical.size()));
  return std::nullopt;
}

}  // namespace cria::checkpoint
