#include "provider/remote_models.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/quote.h"

namespace cria::provider {
namespace {

namespace json = base::json;

constexpr base::JsonLimits kLimits{.max_bytes = size_t{16} << 20, .max_depth = 32};

std::string StringIn(const json::object& object, std::string_view key) {
  const json::value* value = base::Find(object, key);
  if (value == nullptr || !value->is_string()) return "";
  return {value->get_string().data(), value->get_string().size()};
}

std::string FirstOf(const json::object& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (std::string text = StringIn(object, key); !text.empty()) return text;
  return "";
}

// What the list says about the use of a model: Together's "type", Llama Stack's "model_type",
// the family of Ollama's "details".
std::string UseOf(const json::object& model) {
  if (const json::object* details = base::FindObject(model, "details")) {
    const std::string family = StringIn(*details, "family");
    return absl::StrContains(family, "bert") ? "embedding" : "llm";
  }
  for (const char* holder : {"", "metadata", "custom_metadata"}) {
    const json::object* object = *holder == '\0' ? &model : base::FindObject(model, holder);
    if (object == nullptr) continue;
    if (std::string use = FirstOf(*object, {"model_type", "api_model_type", "type"}); !use.empty())
      return use;
  }
  return "";
}

// Numbers that describe an embedding model, under the names that ModelInfo has for them.
void CopyMetadata(const json::object& from, json::object* to) {
  for (const char* key : {"embedding_dimension", "context_length"})
    if (const json::value* value = base::Find(from, key); value && value->is_number())
      (*to)[key] = *value;
}

ModelInfo InfoOf(const json::object& model, std::string id) {
  ModelInfo info;
  const std::string use = UseOf(model);
  const std::string& telling = use.empty() ? id : use;
  if (absl::StrContains(absl::AsciiStrToLower(telling), "embed")) info.type = ModelType::kEmbedding;
  CopyMetadata(model, &info.metadata);
  for (const char* holder : {"metadata", "custom_metadata"})
    if (const json::object* object = base::FindObject(model, holder))
      CopyMetadata(*object, &info.metadata);
  info.id = std::move(id);
  return info;
}

const json::array* ListIn(const json::value& value) {
  if (value.is_array()) return &value.get_array();
  if (!value.is_object()) return nullptr;
  const json::array* list = base::FindArray(value.get_object(), "data");
  return list != nullptr ? list : base::FindArray(value.get_object(), "models");
}

}  // namespace

absl::StatusOr<std::vector<ModelInfo>> ReadModelList(RemoteKind kind, std::string_view body) {
  const absl::StatusOr<json::value> value = base::ParseJson(body, "the list of models", kLimits);
  if (!value.ok()) return absl::UnavailableError(value.status().message());
  const json::array* list = ListIn(*value);
  if (list == nullptr)
    return absl::UnavailableError(absl::StrCat(
        "the list of models has no list in \"data\" or \"models\": ", base::Quote(body)));
  std::vector<ModelInfo> models;
  for (const json::value& item : *list) {
    const json::object* model = item.if_object();
    if (model == nullptr) continue;
    std::string id = kind == RemoteKind::kOllama
                         ? FirstOf(*model, {"name", "model", "id"})
                         : FirstOf(*model, {"id", "identifier", "name", "model"});
    if (!id.empty()) models.push_back(InfoOf(*model, std::move(id)));
  }
  return models;
}

}  // namespace cria::provider
