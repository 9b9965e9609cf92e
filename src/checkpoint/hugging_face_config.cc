#include "checkpoint/hugging_face_config.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/config_fields.h"

namespace cria::checkpoint {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

std::string Str(base::json::string_view text) { return std::string(text.data(), text.size()); }
absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::optional<int64_t> AsInt(const value& number) {
  const int64_t* integer = number.if_int64();
  return integer == nullptr ? std::nullopt : std::optional<int64_t>(*integer);
}

absl::Status CheckArchitecture(const object& fields) {
  CRIA_ASSIGN_OR_RETURN(const auto type, FromFile(base::GetString(fields, "model_type")));
  if (type && *type != "llama")
    return absl::UnimplementedError(absl::StrCat("model_type ", base::Quote(*type),
                                                 " is not supported, only 'llama' and 'bert' are"));
  const array* classes = base::FindArray(fields, "architectures");
  if (classes == nullptr || classes->empty())
    return type ? absl::OkStatus() : MissingField("model_type");
  for (const value& name : *classes) {
    if (!name.is_string()) return WrongFieldType("architectures", "strings", name);
    const std::string text = Str(name.get_string());
    if (text != "LlamaForCausalLM" && text != "LLaMAForCausalLM")
      return absl::UnimplementedError(
          absl::StrCat("architecture ", base::Quote(text),
                       " is not supported, only 'LlamaForCausalLM' and 'BertModel' are"));
  }
  return absl::OkStatus();
}

absl::Status CheckPlainModel(const object& fields) {
  CRIA_RETURN_IF_ERROR(CheckArchitecture(fields));
  CRIA_ASSIGN_OR_RETURN(const auto activation, FromFile(base::GetString(fields, "hidden_act")));
  if (activation && *activation != "silu" && *activation != "swish")
    return absl::UnimplementedError(
        absl::StrCat("hidden_act ", base::Quote(*activation), " is not supported, only 'silu' is"));
  return CheckNotQuantized(fields);
}

// One number for all layers, or a list of one a layer.
absl::StatusOr<std::vector<int64_t>> PerLayer(const object& fields, std::string_view key,
                                              size_t num_layers) {
  const value* field = base::Find(fields, key);
  if (field == nullptr || !field->is_array()) {
    CRIA_ASSIGN_OR_RETURN(const int64_t number, RequireInt(fields, key));
    return std::vector<int64_t>(num_layers, number);
  }
  const array& list = field->get_array();
  if (list.size() != num_layers)
    return absl::DataLossError(absl::StrCat("'", View(key), "': a list of ", list.size(),
                                            " values, the model has ", num_layers, " layers"));
  std::vector<int64_t> numbers;
  for (const value& element : list) {
    const auto number = AsInt(element);
    if (!number) return WrongFieldType(key, "integers", element);
    numbers.push_back(*number);
  }
  return numbers;
}

absl::Status ReadLayers(const object& fields, ModelConfig* config) {
  CRIA_ASSIGN_OR_RETURN(const int64_t count, RequireInt(fields, "num_hidden_layers"));
  if (count < 1 || count > kMaxLayers)
    return absl::DataLossError(
        absl::StrCat("'num_hidden_layers' is ", count, ", expected 1 to ", kMaxLayers));
  const auto layers = static_cast<size_t>(count);
  CRIA_ASSIGN_OR_RETURN(const auto heads, PerLayer(fields, "num_attention_heads", layers));
  CRIA_ASSIGN_OR_RETURN(const auto ffn, PerLayer(fields, "intermediate_size", layers));
  std::vector<int64_t> kv_heads = heads;
  if (base::Find(fields, "num_key_value_heads") != nullptr) {
    CRIA_ASSIGN_OR_RETURN(kv_heads, PerLayer(fields, "num_key_value_heads", layers));
  }
  for (size_t i = 0; i < layers; ++i) config->layers.push_back({heads[i], kv_heads[i], ffn[i]});
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ReadHeadDim(const object& fields, const ModelConfig& config) {
  CRIA_ASSIGN_OR_RETURN(const auto head_dim, FromFile(base::GetInt(fields, "head_dim")));
  if (head_dim && (*head_dim < 1 || *head_dim > kMaxHeadDim))
    return absl::DataLossError(
        absl::StrCat("'head_dim' is ", *head_dim, ", expected 1 to ", kMaxHeadDim));
  if (head_dim) return *head_dim;
  const int64_t heads = config.layers[0].num_heads;
  for (const LayerConfig& layer : config.layers)
    if (layer.num_heads != heads)
      return absl::DataLossError(
          "'head_dim' is missing and can't be derived: num_attention_heads differs by layer");
  if (heads < 1 || config.hidden % heads != 0)
    return absl::DataLossError(absl::StrCat("'head_dim' is missing and hidden_size ", config.hidden,
                                            " is no multiple of num_attention_heads ", heads));
  return config.hidden / heads;
}

absl::Status ReadLlama3Scaling(const object& fields, const object& rope, int64_t max_context,
                               RopeScaling* scaling) {
  scaling->type = RopeScaling::Type::kLlama3;
  CRIA_ASSIGN_OR_RETURN(scaling->factor, RequireDouble(rope, "factor"));
  CRIA_ASSIGN_OR_RETURN(scaling->low_freq_factor, RequireDouble(rope, "low_freq_factor"));
  CRIA_ASSIGN_OR_RETURN(scaling->high_freq_factor, RequireDouble(rope, "high_freq_factor"));
  // Outside the object it counts first, and without it the context is meant:
  // standardize_rope_params of version 5.
  scaling->original_context = max_context;
  for (const object* holder : {&fields, &rope}) {
    CRIA_ASSIGN_OR_RETURN(const auto original,
                          FromFile(base::GetInt(*holder, "original_max_position_embeddings")));
    if (!original) continue;
    scaling->original_context = *original;
    break;
  }
  return absl::OkStatus();
}

// `rope`: rope_scaling (transformers 4) or rope_parameters (5).
absl::Status ReadScaling(const object& fields, const object& rope, ModelConfig* config) {
  RopeScaling* scaling = &config->rope_scaling;
  CRIA_ASSIGN_OR_RETURN(auto type, FromFile(base::GetString(rope, "rope_type")));
  if (!type) {
    CRIA_ASSIGN_OR_RETURN(type, FromFile(base::GetString(rope, "type")));
  }
  if (!type && base::Find(rope, "factor") != nullptr) return MissingField("rope_type");
  if (!type || *type == "default") return absl::OkStatus();
  if (*type == "llama3") return ReadLlama3Scaling(fields, rope, config->max_context, scaling);
  if (*type == "linear") {
    scaling->type = RopeScaling::Type::kLinear;
    CRIA_ASSIGN_OR_RETURN(scaling->factor, RequireDouble(rope, "factor"));
    return absl::OkStatus();
  }
  return absl::UnimplementedError(absl::StrCat(
      "rope type ", base::Quote(*type), " is not supported; 'default', 'linear' and 'llama3' are"));
}

absl::Status ReadRope(const object& fields, ModelConfig* config) {
  const object no_rope;
  const object* rope = &no_rope;
  for (const std::string_view key : {"rope_scaling", "rope_parameters"}) {
    const value* field = base::Find(fields, key);
    if (field == nullptr) continue;
    if (!field->is_object()) return WrongFieldType(key, "an object", *field);
    if (field->get_object().empty()) continue;
    rope = &field->get_object();
    if (const absl::Status status = ReadScaling(fields, *rope, config); !status.ok())
      return base::Annotate(status, key);
    break;
  }
  const auto number = [&](std::string_view key, double absent) -> absl::StatusOr<double> {
    const object& holder = base::Find(*rope, key) != nullptr ? *rope : fields;
    CRIA_ASSIGN_OR_RETURN(const auto field, FromFile(base::GetDouble(holder, key)));
    return field.value_or(absent);
  };
  CRIA_ASSIGN_OR_RETURN(config->rope_theta, number("rope_theta", 10000.0));
  CRIA_ASSIGN_OR_RETURN(const double rotary, number("partial_rotary_factor", 1.0));
  if (rotary != 1)  // transformers ignores it for llama, or fails, depending on the rope type
    return absl::UnimplementedError(
        absl::StrCat("'partial_rotary_factor' is ", rotary,
                     ": llama models rotate whole heads; remove the key if this one does"));
  config->rotary_dim = config->head_dim;
  return absl::OkStatus();
}

// An integer or a list of them. A negative id means none.
absl::Status AddEosIds(const object& fields, std::vector<int64_t>* ids) {
  constexpr size_t kMaxEosIds = 4096;
  const value* field = base::Find(fields, "eos_token_id");
  if (field == nullptr) return absl::OkStatus();
  const array list = field->is_array() ? field->get_array() : array{*field};
  if (list.size() > kMaxEosIds)
    return absl::DataLossError(
        absl::StrCat("'eos_token_id': ", list.size(), " ids, at most ", kMaxEosIds, " are read"));
  for (const value& element : list) {
    const auto id = AsInt(element);
    if (!id) return WrongFieldType("eos_token_id", "an integer or a list of them", element);
    if (*id >= 0 && std::find(ids->begin(), ids->end(), *id) == ids->end()) ids->push_back(*id);
  }
  return absl::OkStatus();
}

absl::Status ReadTokens(const object& fields, ModelConfig* config) {
  CRIA_ASSIGN_OR_RETURN(config->bos_id, FromFile(base::GetInt(fields, "bos_token_id")));
  if (config->bos_id && *config->bos_id < 0) config->bos_id.reset();
  return AddEosIds(fields, &config->eos_ids);
}

absl::StatusOr<HuggingFaceConfig> Parse(std::string_view json) {
  CRIA_ASSIGN_OR_RETURN(const object fields, ParseObject(json));
  CRIA_RETURN_IF_ERROR(CheckPlainModel(fields));
  HuggingFaceConfig result;
  ModelConfig& config = result.model;
  config.architecture = "llama";
  config.rope_pairing = RopePairing::kHalves;
  CRIA_ASSIGN_OR_RETURN(const auto name, FromFile(base::GetString(fields, "_name_or_path")));
  config.name = name.value_or("");
  CRIA_ASSIGN_OR_RETURN(config.hidden, RequireInt(fields, "hidden_size"));
  CRIA_ASSIGN_OR_RETURN(config.vocab, RequireInt(fields, "vocab_size"));
  CRIA_RETURN_IF_ERROR(ReadLayers(fields, &config));
  CRIA_ASSIGN_OR_RETURN(config.head_dim, ReadHeadDim(fields, config));  // bounded or derived
  CRIA_ASSIGN_OR_RETURN(const auto context,
                        FromFile(base::GetInt(fields, "max_position_embeddings")));
  config.max_context = context.value_or(2048);
  CRIA_ASSIGN_OR_RETURN(const auto eps, FromFile(base::GetDouble(fields, "rms_norm_eps")));
  config.norm_eps = eps.value_or(1e-6);
  CRIA_RETURN_IF_ERROR(ReadRope(fields, &config));
  CRIA_ASSIGN_OR_RETURN(config.tied_embeddings, BoolOr(fields, "tie_word_embeddings", false));
  CRIA_ASSIGN_OR_RETURN(result.attention_bias, BoolOr(fields, "attention_bias", false));
  CRIA_ASSIGN_OR_RETURN(result.mlp_bias, BoolOr(fields, "mlp_bias", false));
  CRIA_RETURN_IF_ERROR(ReadTokens(fields, &config));
  CRIA_RETURN_IF_ERROR(Validate(config));
  return result;
}

absl::Status AddGeneration(std::string_view json, ModelConfig* config) {
  CRIA_ASSIGN_OR_RETURN(const object fields, ParseObject(json));
  CRIA_RETURN_IF_ERROR(AddEosIds(fields, &config->eos_ids));
  CRIA_ASSIGN_OR_RETURN(config->temperature, FromFile(base::GetDouble(fields, "temperature")));
  CRIA_ASSIGN_OR_RETURN(config->top_p, FromFile(base::GetDouble(fields, "top_p")));
  CRIA_ASSIGN_OR_RETURN(config->top_k, FromFile(base::GetInt(fields, "top_k")));
  const double temperature = config->temperature.value_or(0), top_p = config->top_p.value_or(0);
  if (!std::isfinite(temperature) || temperature < 0)
    return absl::DataLossError(
        absl::StrCat("'temperature' is ", temperature, ", expected 0 or more"));
  if (!(top_p >= 0 && top_p <= 1))
    return absl::DataLossError(absl::StrCat("'top_p' is ", top_p, ", expected 0 to 1"));
  if (config->top_k.value_or(0) < 0)
    return absl::DataLossError(absl::StrCat("'top_k' is ", *config->top_k, ", expected 0 or more"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HuggingFaceConfig> ParseHuggingFaceConfig(std::string_view json,
                                                         const std::string& what) {
  absl::StatusOr<HuggingFaceConfig> result = Parse(json);
  if (!result.ok()) return base::Annotate(result.status(), what);
  return result;
}

absl::Status AddGenerationConfig(std::string_view json, const std::string& what,
                                 ModelConfig* config) {
  return base::Annotate(AddGeneration(json, config), what);
}

}  // namespace cria::checkpoint
