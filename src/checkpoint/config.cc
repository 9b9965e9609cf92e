#include "checkpoint/config.h"

#include <cmath>

namespace cria::checkpoint {
namespace {

absl::Status InRange(std::string_view what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("config: ", absl::string_view(what.data(), what.size()),
                                          " is ", value, ", expected ", low, " to ", high));
}

absl::Status Positive(std::string_view what, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("config: ", absl::string_view(what.data(), what.size()),
                                          " is ", value, ", expected a positive number"));
}

absl::Status ValidateLayer(const LayerConfig& layer, size_t i) {
  const std::string prefix = absl::StrCat("layer ", i, ": ");
  CRIA_RETURN_IF_ERROR(InRange(prefix + "attention heads", layer.num_heads, 1, kMaxHeads));
  CRIA_RETURN_IF_ERROR(InRange(prefix + "key/value heads", layer.num_kv_heads, 1, kMaxHeads));
  CRIA_RETURN_IF_ERROR(InRange(prefix + "FFN width", layer.ffn, 1, kMaxWidth));
  if (layer.num_heads % layer.num_kv_heads != 0)
    return absl::DataLossError(absl::StrCat("config: ", prefix, layer.num_heads,
                                            " attention heads can't share ", layer.num_kv_heads,
                                            " key/value heads evenly, expected a multiple"));
  return absl::OkStatus();
}

absl::Status ValidateRope(const ModelConfig& config) {
  CRIA_RETURN_IF_ERROR(Positive("rope theta", config.rope_theta));
  CRIA_RETURN_IF_ERROR(InRange("rotary dimension", config.rotary_dim, 2, config.head_dim));
  if (config.rotary_dim % 2 != 0)
    return absl::DataLossError(absl::StrCat("config: rotary dimension is ", config.rotary_dim,
                                            ", expected an even number"));
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.type != RopeScaling::Type::kNone)
    CRIA_RETURN_IF_ERROR(Positive("rope scaling factor", scaling.factor));
  if (scaling.type == RopeScaling::Type::kLlama3) {
    CRIA_RETURN_IF_ERROR(Positive("rope scaling low_freq_factor", scaling.low_freq_factor));
    CRIA_RETURN_IF_ERROR(Positive("rope scaling high_freq_factor", scaling.high_freq_factor));
    CRIA_RETURN_IF_ERROR(
        InRange("rope scaling original context", scaling.original_context, 1, kMaxContext));
    if (scaling.low_freq_factor >= scaling.high_freq_factor)
      return absl::DataLossError(absl::StrCat(
          "config: rope scaling low_freq_factor is ", scaling.low_freq_factor,
          ", expected less than high_freq_factor, which is ", scaling.high_freq_factor));
  }
  if (!config.rope_divisors.empty() &&
      static_cast<int64_t>(config.rope_divisors.size()) != config.rotary_dim / 2)
    return absl::DataLossError(absl::StrCat("config: ", config.rope_divisors.size(),
                                            " rope divisors, expected half the rotary dimension, ",
                                            config.rotary_dim / 2));
  for (const float divisor : config.rope_divisors)
    CRIA_RETURN_IF_ERROR(Positive("a rope divisor", divisor));
  return absl::OkStatus();
}

absl::Status ValidateEncoder(const ModelConfig& config) {
  const EncoderConfig& encoder = *config.encoder;
  CRIA_RETURN_IF_ERROR(InRange("token types", encoder.token_types, 1, kMaxVocab));
  CRIA_RETURN_IF_ERROR(InRange("tokens of a text", encoder.max_tokens, 1, config.max_context));
  for (const LayerConfig& layer : config.layers)
    if (layer.num_kv_heads != layer.num_heads || layer.num_heads * config.head_dim != config.hidden)
      return absl::DataLossError(
          absl::StrCat("config: ", layer.num_heads, " attention heads of ", config.head_dim,
                       ", expected the hidden size, which is ", config.hidden));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckMakesText(const ModelConfig& config) {
  if (!config.encoder) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("the architecture '", config.architecture,
                                               "' is an encoder: it makes embeddings and no text"));
}

absl::Status Validate(const ModelConfig& config) {
  if (config.architecture != (config.encoder ? "bert" : "llama"))
    return absl::UnimplementedError(absl::StrCat("config: architecture '", config.architecture,
                                                 "' is not supported, 'llama' and 'bert' are"));
  CRIA_RETURN_IF_ERROR(InRange("hidden size", config.hidden, 1, kMaxWidth));
  CRIA_RETURN_IF_ERROR(InRange("vocabulary size", config.vocab, 1, kMaxVocab));
  CRIA_RETURN_IF_ERROR(InRange("head dimension", config.head_dim, 1, kMaxHeadDim));
  CRIA_RETURN_IF_ERROR(InRange("context length", config.max_context, 1, kMaxContext));
  CRIA_RETURN_IF_ERROR(
      InRange("number of layers", static_cast<int64_t>(config.layers.size()), 1, kMaxLayers));
  for (size_t i = 0; i < config.layers.size(); ++i)
    CRIA_RETURN_IF_ERROR(ValidateLayer(config.layers[i], i));
  CRIA_RETURN_IF_ERROR(
      Positive(config.encoder ? "LayerNorm epsilon" : "RMSNorm epsilon", config.norm_eps));
  if (config.encoder) return ValidateEncoder(config);
  CRIA_RETURN_IF_ERROR(ValidateRope(config));
  if (!std::isfinite(config.lora_scale))
    return absl::DataLossError("config: LoRA scale is not a finite number");
  if (config.bos_id) CRIA_RETURN_IF_ERROR(InRange("BOS id", *config.bos_id, 0, INT32_MAX));
  for (const int64_t id : config.eos_ids) CRIA_RETURN_IF_ERROR(InRange("EOS id", id, 0, INT32_MAX));
  return absl::OkStatus();
}

}  // namespace cria::checkpoint
