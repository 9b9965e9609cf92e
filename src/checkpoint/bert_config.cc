#include "checkpoint/bert_config.h"

#include <algorithm>
#include <vector>

#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/config_fields.h"

namespace cria::checkpoint {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr size_t kMaxModules = 16;

// A text that must be the one that Cria runs, or absent.
absl::Status CheckChoice(const object& fields, std::string_view key, std::string_view supported) {
  CRIA_ASSIGN_OR_RETURN(const auto choice, FromFile(base::GetString(fields, key)));
  if (!choice || *choice == supported) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(std::string(key), " ", base::Quote(*choice),
                                               " is not supported, only ", base::Quote(supported),
                                               " is"));
}

absl::Status CheckEncoder(const object& fields) {
  CRIA_RETURN_IF_ERROR(CheckChoice(fields, "model_type", "bert"));
  if (const array* classes = base::FindArray(fields, "architectures")) {
    for (const value& name : *classes) {
      if (!name.is_string()) return WrongFieldType("architectures", "strings", name);
      const std::string text(name.get_string().data(), name.get_string().size());
      if (text != "BertModel")
        return absl::UnimplementedError(absl::StrCat("architecture ", base::Quote(text),
                                                     " is not supported, of BERT only "
                                                     "'BertModel' is"));
    }
  }
  CRIA_RETURN_IF_ERROR(CheckChoice(fields, "hidden_act", "gelu"));
  CRIA_RETURN_IF_ERROR(CheckChoice(fields, "position_embedding_type", "absolute"));
  for (const std::string_view key : {"is_decoder", "add_cross_attention"}) {
    CRIA_ASSIGN_OR_RETURN(const bool set, BoolOr(fields, key, false));
    if (set) return absl::UnimplementedError(absl::StrCat(std::string(key), " is not supported"));
  }
  return CheckNotQuantized(fields);
}

absl::StatusOr<ModelConfig> Parse(std::string_view json) {
  CRIA_ASSIGN_OR_RETURN(const object fields, ParseObject(json));
  CRIA_RETURN_IF_ERROR(CheckEncoder(fields));
  ModelConfig config;
  config.architecture = "bert";
  config.encoder.emplace();
  CRIA_ASSIGN_OR_RETURN(const auto name, FromFile(base::GetString(fields, "_name_or_path")));
  config.name = name.value_or("");
  CRIA_ASSIGN_OR_RETURN(config.hidden, RequireInt(fields, "hidden_size"));
  CRIA_ASSIGN_OR_RETURN(config.vocab, RequireInt(fields, "vocab_size"));
  CRIA_ASSIGN_OR_RETURN(const int64_t layers, RequireInt(fields, "num_hidden_layers"));
  CRIA_ASSIGN_OR_RETURN(const int64_t heads, RequireInt(fields, "num_attention_heads"));
  CRIA_ASSIGN_OR_RETURN(const int64_t ffn, RequireInt(fields, "intermediate_size"));
  if (layers < 1 || layers > kMaxLayers)
    return absl::DataLossError(
        absl::StrCat("'num_hidden_layers' is ", layers, ", expected 1 to ", kMaxLayers));
  if (heads < 1 || config.hidden % heads != 0)
    return absl::DataLossError(absl::StrCat("'hidden_size' is ", config.hidden,
                                            ", expected a multiple of 'num_attention_heads', ",
                                            heads));
  config.head_dim = config.hidden / heads;
  config.layers.assign(static_cast<size_t>(layers), {heads, heads, ffn});
  CRIA_ASSIGN_OR_RETURN(const auto context,
                        FromFile(base::GetInt(fields, "max_position_embeddings")));
  CRIA_ASSIGN_OR_RETURN(const auto types, FromFile(base::GetInt(fields, "type_vocab_size")));
  CRIA_ASSIGN_OR_RETURN(const auto eps, FromFile(base::GetDouble(fields, "layer_norm_eps")));
  config.max_context = config.encoder->max_tokens = context.value_or(512);
  config.encoder->token_types = types.value_or(2);
  config.norm_eps = eps.value_or(1e-12);
  CRIA_RETURN_IF_ERROR(Validate(config));
  return config;
}

absl::Status AddSentence(std::string_view json, ModelConfig* config) {
  CRIA_ASSIGN_OR_RETURN(const object fields, ParseObject(json));
  CRIA_ASSIGN_OR_RETURN(const bool lowercase, BoolOr(fields, "do_lower_case", false));
  if (lowercase)
    return absl::UnimplementedError("'do_lower_case' is true: that is the tokenizer's business");
  CRIA_ASSIGN_OR_RETURN(const auto longest, FromFile(base::GetInt(fields, "max_seq_length")));
  if (!longest) return absl::OkStatus();
  config->encoder->max_tokens = std::min(*longest, config->max_context);
  return Validate(*config);
}

absl::StatusOr<std::string> FindPooling(std::string_view json) {
  CRIA_ASSIGN_OR_RETURN(const value document, base::ParseJson(json, "JSON"));
  const array* modules = document.if_array();
  if (modules == nullptr || modules->size() > kMaxModules)
    return absl::DataLossError(
        absl::StrCat("expected a list of at most ", kMaxModules, " modules"));
  std::string folder, order;
  for (const value& module : *modules) {
    if (!module.is_object()) return absl::DataLossError("a module is no object");
    CRIA_ASSIGN_OR_RETURN(const auto type, FromFile(base::GetString(module.get_object(), "type")));
    CRIA_ASSIGN_OR_RETURN(const auto path, FromFile(base::GetString(module.get_object(), "path")));
    if (!type || !path) return absl::DataLossError("a module without 'type' and 'path'");
    const std::string name = type->substr(type->rfind('.') + 1);
    if (name != "Transformer" && name != "Pooling" && name != "Normalize")
      return absl::UnimplementedError(absl::StrCat("module ", base::Quote(name),
                                                   " is not supported; Transformer, Pooling and "
                                                   "Normalize are"));
    if (name == "Transformer" && !path->empty())
      return absl::UnimplementedError(absl::StrCat("the Transformer in a folder of its own, ",
                                                   base::Quote(*path), ", is not supported"));
    if (name == "Pooling") folder = *path;
    order += name[0];
  }
  if (order != "TP" && order != "TPN")
    return absl::UnimplementedError(
        "other modules than Transformer, Pooling and perhaps Normalize, in this order, are not "
        "supported");
  if (folder.empty() || folder[0] == '.' || folder.find_first_of("/\\") != std::string::npos)
    return absl::DataLossError(
        absl::StrCat("the Pooling's path ", base::Quote(folder), " is no plain name"));
  return folder;
}

// Either "pooling_mode" names it, or the one flag "pooling_mode_…" that is set.
absl::Status AddPooling(std::string_view json, ModelConfig* config) {
  CRIA_ASSIGN_OR_RETURN(const object fields, ParseObject(json));
  std::vector<std::string> modes;
  CRIA_ASSIGN_OR_RETURN(const auto named, FromFile(base::GetString(fields, "pooling_mode")));
  if (named) modes.push_back(*named);
  constexpr std::string_view kPrefix = "pooling_mode_";
  for (const auto& [key, set] : fields) {
    const std::string_view name(key.data(), key.size());
    if (!name.starts_with(kPrefix)) continue;
    if (!set.is_bool()) return WrongFieldType(name, "a boolean", set);
    if (set.get_bool()) modes.emplace_back(name.substr(kPrefix.size()));
  }
  if (modes.size() != 1)
    return absl::UnimplementedError(
        absl::StrCat(modes.size(), " pooling modes at once are not supported, expected one"));
  const std::string& mode = modes.front();
  if (mode == "mean_tokens" || mode == "mean") {
    config->encoder->pooling = EncoderConfig::Pooling::kMean;
  } else if (mode == "cls_token" || mode == "cls") {
    config->encoder->pooling = EncoderConfig::Pooling::kFirstToken;
  } else {
    return absl::UnimplementedError(absl::StrCat("pooling mode ", base::Quote(mode),
                                                 " is not supported; the mean and the first token "
                                                 "(cls) are"));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsBertConfig(std::string_view json) {
  const absl::StatusOr<object> fields = ParseObject(json);
  if (!fields.ok()) return false;
  const absl::StatusOr<std::optional<std::string>> type = base::GetString(*fields, "model_type");
  return type.ok() && *type == "bert";
}

absl::StatusOr<ModelConfig> ParseBertConfig(std::string_view json, const std::string& what) {
  absl::StatusOr<ModelConfig> result = Parse(json);
  if (!result.ok()) return base::Annotate(result.status(), what);
  return result;
}

absl::Status AddSentenceConfig(std::string_view json, const std::string& what,
                               ModelConfig* config) {
  return base::Annotate(AddSentence(json, config), what);
}

absl::StatusOr<std::string> PoolingFolder(std::string_view json, const std::string& what) {
  absl::StatusOr<std::string> result = FindPooling(json);
  if (!result.ok()) return base::Annotate(result.status(), what);
  return result;
}

absl::Status AddPoolingConfig(std::string_view json, const std::string& what, ModelConfig* config) {
  return base::Annotate(AddPooling(json, config), what);
}

}  // namespace cria::checkpoint
