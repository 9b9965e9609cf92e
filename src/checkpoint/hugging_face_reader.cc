#include "checkpoint/hugging_face_reader.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/bert_config.h"
#include "checkpoint/hugging_face_config.h"
#include "checkpoint/safetensors_set.h"

namespace cria::checkpoint {
namespace {

constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxTokenizerBytes = uint64_t{256} << 20;

std::string Join(const std::string& directory, std::string_view name) {
  return (std::filesystem::path(directory) / name).string();
}

// The content of a file that need not be there.
absl::StatusOr<std::string> ReadOptional(const std::string& path, uint64_t max_bytes) {
  if (!base::PathExists(path)) return std::string();
  return base::ReadRegularFile(path, max_bytes);
}

// Older models name the trunk's tensors without "model.".
std::string CanonicalName(const std::string& source) {
  const std::string_view view = source;
  for (const std::string_view bare : {"layers.", "embed_tokens.", "norm."})
    if (view.starts_with(bare)) return absl::StrCat("model.", source);
  return source;
}

// The template in tokenizer_config.json: a string, or a list of {"name", "template"} of which
// "default" counts.
absl::StatusOr<std::string> TemplateFromConfig(std::string_view json, const std::string& path) {
  CRIA_ASSIGN_OR_RETURN(const base::json::value document, base::ParseJson(json, path));
  const base::json::object* fields = document.if_object();
  if (fields == nullptr) return absl::DataLossError(absl::StrCat(path, ": expected an object"));
  const base::json::value* field = base::Find(*fields, "chat_template");
  if (field == nullptr) return std::string();
  if (const base::json::string* text = field->if_string())
    return std::string(text->data(), text->size());
  if (const base::json::array* list = field->if_array()) {
    for (const base::json::value& element : *list) {
      const base::json::object* entry = element.if_object();
      if (entry == nullptr) break;
      const auto name = base::GetString(*entry, "name");
      const auto text = base::GetString(*entry, "template");
      if (name.ok() && text.ok() && *name == "default" && *text) return **text;
    }
  }
  return absl::DataLossError(absl::StrCat(
      path, ": 'chat_template': expected a string, or a list with a template named 'default'"));
}

absl::StatusOr<TokenizerData> ReadTokenizer(const std::string& directory, bool encoder) {
  TokenizerData data;
  const std::string config_path = Join(directory, "tokenizer_config.json");
  CRIA_ASSIGN_OR_RETURN(data.config, ReadOptional(config_path, kMaxConfigBytes));
  CRIA_ASSIGN_OR_RETURN(data.chat_template,
                        ReadOptional(Join(directory, "chat_template.jinja"), kMaxConfigBytes));
  if (data.chat_template.empty() && !data.config.empty()) {
    CRIA_ASSIGN_OR_RETURN(data.chat_template, TemplateFromConfig(data.config, config_path));
  }
  const std::pair<const char*, TokenizerData::Kind> files[] = {
      {"tokenizer.json", TokenizerData::Kind::kHuggingFace},
      encoder ? std::pair("vocab.txt", TokenizerData::Kind::kWordPiece)
              : std::pair("tokenizer.model", TokenizerData::Kind::kTiktoken)};
  for (const auto& [name, kind] : files) {
    const std::string path = Join(directory, name);
    if (!base::PathExists(path)) continue;
    data.kind = kind;
    CRIA_ASSIGN_OR_RETURN(data.file, base::ReadRegularFile(path, kMaxTokenizerBytes));
    break;
  }
  return data;
}

// The biases that the config declares are there, and no others: transformers would ignore the
// others in silence.
absl::Status CheckBiases(const HuggingFaceConfig& config, const std::vector<TensorEntry>& tensors) {
  int64_t attention = 0, mlp = 0;
  for (const TensorEntry& entry : tensors) {
    const std::string_view name = entry.name;
    if (!name.ends_with("_proj.bias")) continue;
    const bool in_attention = name.find(".self_attn.") != std::string_view::npos;
    if (!(in_attention ? config.attention_bias : config.mlp_bias))
      return absl::DataLossError(
          absl::StrCat("tensor ", base::Quote(entry.source), ": the config says ",
                       in_attention ? "attention_bias" : "mlp_bias", " false"));
    ++(in_attention ? attention : mlp);
  }
  const auto layers = static_cast<int64_t>(config.model.layers.size());
  if (config.attention_bias && attention != 4 * layers)
    return absl::DataLossError(absl::StrCat("the config says attention_bias true: expected ",
                                            4 * layers, " tensors 'self_attn.*_proj.bias', found ",
                                            attention));
  if (config.mlp_bias && mlp != 3 * layers)
    return absl::DataLossError(absl::StrCat("the config says mlp_bias true: expected ", 3 * layers,
                                            " tensors 'mlp.*_proj.bias', found ", mlp));
  return absl::OkStatus();
}

absl::StatusOr<HuggingFaceConfig> ReadLlamaConfig(const std::string& directory,
                                                  const std::string& json) {
  CRIA_ASSIGN_OR_RETURN(HuggingFaceConfig config,
                        ParseHuggingFaceConfig(json, Join(directory, "config.json")));
  const std::string generation_path = Join(directory, "generation_config.json");
  CRIA_ASSIGN_OR_RETURN(const std::string generation,
                        ReadOptional(generation_path, kMaxConfigBytes));
  if (!generation.empty())
    CRIA_RETURN_IF_ERROR(AddGenerationConfig(generation, generation_path, &config.model));
  return config;
}

// sentence-transformers says in further files how vectors are made.
absl::StatusOr<HuggingFaceConfig> ReadBertConfig(const std::string& directory,
                                                 const std::string& json) {
  HuggingFaceConfig config;
  CRIA_ASSIGN_OR_RETURN(config.model, ParseBertConfig(json, Join(directory, "config.json")));
  const std::string sentence_path = Join(directory, "sentence_bert_config.json");
  CRIA_ASSIGN_OR_RETURN(const std::string sentence, ReadOptional(sentence_path, kMaxConfigBytes));
  if (!sentence.empty())
    CRIA_RETURN_IF_ERROR(AddSentenceConfig(sentence, sentence_path, &config.model));
  const std::string modules_path = Join(directory, "modules.json");
  CRIA_ASSIGN_OR_RETURN(const std::string modules, ReadOptional(modules_path, kMaxConfigBytes));
  if (modules.empty()) return config;
  CRIA_ASSIGN_OR_RETURN(const std::string folder, PoolingFolder(modules, modules_path));
  const std::string pooling_path = Join(Join(directory, folder), "config.json");
  CRIA_ASSIGN_OR_RETURN(const std::string pooling,
                        base::ReadRegularFile(pooling_path, kMaxConfigBytes));
  CRIA_RETURN_IF_ERROR(AddPoolingConfig(pooling, pooling_path, &config.model));
  return config;
}

}  // namespace

absl::StatusOr<Checkpoint::Parts> ReadHuggingFace(const std::string& directory) {
  Checkpoint::Parts parts;
  parts.format = Format::kHuggingFace;
  parts.path = directory;
  const std::string config_path = Join(directory, "config.json");
  CRIA_ASSIGN_OR_RETURN(const std::string json,
                        base::ReadRegularFile(config_path, kMaxConfigBytes));
  const bool encoder = IsBertConfig(json);
  CRIA_ASSIGN_OR_RETURN(HuggingFaceConfig config, encoder ? ReadBertConfig(directory, json)
                                                          : ReadLlamaConfig(directory, json));
  CRIA_ASSIGN_OR_RETURN(const std::vector<SafetensorsFile> files, OpenSafetensorsSet(directory));
  for (const SafetensorsFile& file : files) {
    for (const SafetensorsTensor& tensor : file.content.tensors)
      parts.tensors.push_back(
          {encoder ? tensor.name : CanonicalName(tensor.name), tensor.name, tensor.view});
    parts.files.push_back(file.file);
  }
  if (absl::Status status = CheckBiases(config, parts.tensors); !status.ok())
    return base::Annotate(status, directory);
  CRIA_ASSIGN_OR_RETURN(parts.tokenizer, ReadTokenizer(directory, encoder));
  parts.config = std::move(config.model);
  return parts;
}

}  // namespace cria::checkpoint
