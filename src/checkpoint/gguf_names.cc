#include "checkpoint/gguf_names.h"

#include <algorithm>
#include <array>

namespace cria::checkpoint {
namespace {

struct Pair {
  std::string_view gguf, canonical;
};

constexpr std::array<Pair, 3> kGlobal = {{
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
}};

constexpr std::array<Pair, 9> kOfLayer = {{
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
}};

constexpr Pair kLayer = {"blk.", "model.layers."};

template <size_t N>
std::optional<std::string> Lookup(const std::array<Pair, N>& table, std::string_view Pair::*from,
                                  std::string_view Pair::*to, std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  for (const Pair& pair : table)
    if (pair.*from == name.substr(0, dot))
      return std::string(pair.*to) + std::string(name.substr(dot));
  return std::nullopt;
}

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::string> Translate(std::string_view Pair::*from, std::string_view Pair::*to,
                                     std::string_view name) {
  if (!name.starts_with(kLayer.*from)) return Lookup(kGlobal, from, to, name);
  const std::string_view rest = name.substr((kLayer.*from).size());
  const size_t dot = rest.find('.');
  if (dot == std::string_view::npos || !IsNumber(rest.substr(0, dot))) return std::nullopt;
  const auto stem = Lookup(kOfLayer, from, to, rest.substr(dot + 1));
  if (!stem) return std::nullopt;
  return std::string(kLayer.*to) + std::string(rest.substr(0, dot + 1)) + *stem;
}

}  // namespace

std::optional<std::string> CanonicalFromGguf(std::string_view name) {
  return Translate(&Pair::gguf, &Pair::canonical, name);
}

std::optional<std::string> GgufFromCanonical(std::string_view name) {
  return Translate(&Pair::canonical, &Pair::gguf, name);
}

}  // namespace cria::checkpoint
