#include "checkpoint/meta_config.h"

#include <cmath>

#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/config.h"

namespace cria::checkpoint {
namespace {

using base::json::object;
using base::json::value;

constexpr std::string_view kScheme = "int4_weight_int8_dynamic_activation";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// A wrong type inside a file is damage, not a wrong request.
template <typename T>
absl::StatusOr<std::optional<T>> FromFile(absl::StatusOr<std::optional<T>> field) {
  if (field.ok()) return field;
  return absl::DataLossError(field.status().message());
}

absl::StatusOr<int64_t> Bounded(std::string_view key, int64_t number, int64_t limit) {
  if (number >= 1 && number <= limit) return number;
  return absl::DataLossError(
      absl::StrCat("'", View(key), "' is ", number, ", expected 1 to ", limit));
}

absl::StatusOr<int64_t> Require(const object& fields, std::string_view key, int64_t limit) {
  CRIA_ASSIGN_OR_RETURN(const auto field, FromFile(base::GetInt(fields, key)));
  if (!field) return absl::DataLossError(absl::StrCat("'", View(key), "' is missing"));
  return Bounded(key, *field, limit);
}

// -1 stands for a number that isn't known yet.
absl::StatusOr<std::optional<int64_t>> Optional(const object& fields, std::string_view key,
                                                int64_t limit) {
  CRIA_ASSIGN_OR_RETURN(const auto field, FromFile(base::GetInt(fields, key)));
  if (!field || *field == -1) return std::optional<int64_t>();
  CRIA_ASSIGN_OR_RETURN(const int64_t number, Bounded(key, *field, limit));
  return std::optional<int64_t>(number);
}

absl::StatusOr<double> NumberOr(const object& fields, std::string_view key, double absent) {
  CRIA_ASSIGN_OR_RETURN(const auto field, FromFile(base::GetDouble(fields, key)));
  return field.value_or(absent);
}

absl::StatusOr<bool> BoolOr(const object& fields, std::string_view key, bool absent) {
  CRIA_ASSIGN_OR_RETURN(const auto field, FromFile(base::GetBool(fields, key)));
  return field.value_or(absent);
}

// The member if it is an object, nullptr if there is none.
absl::StatusOr<const object*> ObjectOrNull(const object& fields, std::string_view key) {
  const value* field = base::Find(fields, key);
  if (field == nullptr) return nullptr;
  if (field->is_object()) return &field->get_object();
  return absl::DataLossError(absl::StrCat("'", View(key), "': expected an object, found ",
                                          View(base::JsonTypeName(*field))));
}

absl::Status RefuseOtherModels(const object& fields) {
  for (const std::string_view key :
       {"vision_chunk_size", "vision_num_cross_attention_layers", "vision_args", "vision_model",
        "vision_model.cross_attention_adapter.num_layers", "moe", "moe_args"}) {
    const value* field = base::Find(fields, key);
    if (field == nullptr || (field->is_int64() && field->get_int64() <= 0)) continue;
    return absl::UnimplementedError(
        absl::StrCat("'", View(key), "': only text models without experts are supported"));
  }
  return absl::OkStatus();
}

absl::Status ReadQuantization(const object& fields, MetaParams* params) {
  CRIA_ASSIGN_OR_RETURN(const object* arguments, ObjectOrNull(fields, "quantization_args"));
  if (arguments != nullptr) {
    CRIA_ASSIGN_OR_RETURN(const auto scheme, FromFile(base::GetString(*arguments, "scheme")));
    if (!scheme || *scheme != kScheme)
      return absl::UnimplementedError(
          absl::StrCat("'quantization_args': scheme ", scheme ? base::Quote(*scheme) : "(none)",
                       " is not supported, only '", View(kScheme), "' is"));
    params->quantized = true;
    CRIA_ASSIGN_OR_RETURN(params->spinquant, BoolOr(*arguments, "spinquant", false));
  }
  CRIA_ASSIGN_OR_RETURN(const object* lora, ObjectOrNull(fields, "lora_args"));
  if (lora == nullptr) return absl::OkStatus();
  CRIA_ASSIGN_OR_RETURN(params->lora_scale, NumberOr(*lora, "scale", 0));
  if (!std::isfinite(params->lora_scale) || params->lora_scale == 0)
    return absl::DataLossError(absl::StrCat("'lora_args': 'scale' is ", params->lora_scale,
                                            ", expected a number other than 0"));
  return absl::OkStatus();
}

absl::StatusOr<MetaParams> Parse(std::string_view json) {
  CRIA_ASSIGN_OR_RETURN(const value document, base::ParseJson(json, "JSON"));
  if (!document.is_object())
    return absl::DataLossError(
        absl::StrCat("expected an object, found ", View(base::JsonTypeName(document))));
  CRIA_ASSIGN_OR_RETURN(const object* inner, ObjectOrNull(document.get_object(), "model"));
  const object& fields = inner != nullptr ? *inner : document.get_object();
  CRIA_RETURN_IF_ERROR(RefuseOtherModels(fields));
  MetaParams params;
  CRIA_ASSIGN_OR_RETURN(params.dim, Require(fields, "dim", kMaxWidth));
  CRIA_ASSIGN_OR_RETURN(params.layers, Require(fields, "n_layers", kMaxLayers));
  CRIA_ASSIGN_OR_RETURN(params.heads, Require(fields, "n_heads", kMaxHeads));
  CRIA_ASSIGN_OR_RETURN(const auto kv_heads, Optional(fields, "n_kv_heads", kMaxHeads));
  params.kv_heads = kv_heads.value_or(params.heads);
  CRIA_ASSIGN_OR_RETURN(params.vocab, Optional(fields, "vocab_size", kMaxVocab));
  CRIA_ASSIGN_OR_RETURN(params.head_dim, Optional(fields, "head_dim", kMaxHeadDim));
  CRIA_ASSIGN_OR_RETURN(params.norm_eps, NumberOr(fields, "norm_eps", params.norm_eps));
  CRIA_ASSIGN_OR_RETURN(params.rope_theta, NumberOr(fields, "rope_theta", params.rope_theta));
  CRIA_ASSIGN_OR_RETURN(params.scaled_rope, BoolOr(fields, "use_scaled_rope", false));
  CRIA_ASSIGN_OR_RETURN(params.rope_factor,
                        FromFile(base::GetDouble(fields, "rope_scaling_factor")));
  CRIA_ASSIGN_OR_RETURN(params.high_freq_factor,
                        NumberOr(fields, "rope_high_freq_factor", params.high_freq_factor));
  CRIA_RETURN_IF_ERROR(ReadQuantization(fields, &params));
  return params;
}

}  // namespace

absl::StatusOr<MetaParams> ParseMetaParams(std::string_view json, const std::string& what) {
  absl::StatusOr<MetaParams> params = Parse(json);
  if (!params.ok()) return base::Annotate(params.status(), what);
  return params;
}

double MetaRopeFactor(const MetaParams& params, bool head_is_embedding) {
  if (params.rope_factor) return *params.rope_factor;
  const bool like_1b = params.dim == 2048 && params.layers == 16;
  const bool like_3b = params.dim == 3072 && params.layers == 28;
  // The quantised releases store a head of their own, and only the text models of 3.2 have them.
  const bool is_text_3_2 = like_3b || (like_1b && (head_is_embedding || params.quantized));
  return is_text_3_2 ? 32 : 8;
}

}  // namespace cria::checkpoint
