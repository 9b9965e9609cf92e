#include "stack/registry.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/edit_distance.h"
#include "base/quote.h"

namespace cria::stack {
namespace {

namespace json = base::json;

constexpr size_t kMaxIdBytes = 256;
constexpr size_t kMaxNamed = 12;
constexpr size_t kMaxNear = 3;

bool SameModel(const RegisteredModel& a, const RegisteredModel& b) {
  return a.provider_id == b.provider_id && a.provider_resource_id == b.provider_resource_id &&
         a.type == b.type;
}

std::string Prefixed(const RegisteredModel& model) {
  return absl::StrCat(model.provider_id, "/", model.provider_resource_id);
}

}  // namespace

json::object ToJson(const RegisteredModel& model) {
  return {{"identifier", model.identifier},
          {"provider_id", model.provider_id},
          {"provider_resource_id", model.provider_resource_id},
          {"model_type", model.type == provider::ModelType::kEmbedding ? "embedding" : "llm"},
          {"metadata", model.metadata}};
}

absl::StatusOr<RegisteredModel> RegisteredModelFromJson(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr)
    return absl::DataLossError(absl::StrCat("registered model: expected an object, found ",
                                            std::string(base::JsonTypeName(value))));
  RegisteredModel model;
  for (const auto& [key, member] :
       {std::pair{"identifier", &model.identifier}, std::pair{"provider_id", &model.provider_id},
        std::pair{"provider_resource_id", &model.provider_resource_id}}) {
    CRIA_ASSIGN_OR_RETURN(auto text, base::GetString(*object, key));
    if (!text || text->empty())
      return absl::DataLossError(
          absl::StrCat("registered model: expected '", key, "', found none"));
    *member = *std::move(text);
  }
  CRIA_ASSIGN_OR_RETURN(const auto type, base::GetString(*object, "model_type"));
  if (type == "embedding") model.type = provider::ModelType::kEmbedding;
  if (const json::object* metadata = base::FindObject(*object, "metadata"); metadata != nullptr)
    model.metadata = *metadata;
  return model;
}

Registry::Registry(std::vector<std::string> providers, CanonicalName canonical,
                   RegistryStore* store)
    : providers_(std::move(providers)), canonical_(std::move(canonical)), store_(store) {}

bool Registry::HasProvider(const std::string& id) const {
  return std::find(providers_.begin(), providers_.end(), id) != providers_.end();
}

absl::Status Registry::Load(const std::vector<ModelEntry>& configured) {
  const std::lock_guard lock(mutex_);
  if (store_ != nullptr) {
    CRIA_ASSIGN_OR_RETURN(std::vector<RegisteredModel> kept, store_->Load());
    for (RegisteredModel& model : kept)  // of a provider that is gone: kept for when it comes back
      if (HasProvider(model.provider_id)) registered_[model.identifier] = std::move(model);
  }
  for (const ModelEntry& entry : configured) {
    RegisteredModel model;
    model.identifier = entry.id;
    model.provider_id =
        entry.provider_id.empty() && !providers_.empty() ? providers_[0] : entry.provider_id;
    model.provider_resource_id =
        entry.provider_model_id.empty() ? entry.id : entry.provider_model_id;
    model.type = entry.type;
    model.if_present = entry.if_present;
    model.metadata = entry.metadata;
    registered_[model.identifier] = std::move(model);  // the configuration is what people edit
  }
  return absl::OkStatus();
}

absl::StatusOr<RegisteredModel> Registry::Register(RegisteredModel model) {
  if (model.identifier.empty() || model.identifier.size() > kMaxIdBytes)
    return absl::InvalidArgumentError(absl::StrCat(
        "model_id: expected 1 to ", kMaxIdBytes, " bytes, found ", base::Quote(model.identifier)));
  if (model.provider_id.empty()) {
    if (providers_.size() != 1)
      return absl::InvalidArgumentError(absl::StrCat(
          "provider_id: expected one of ", absl::StrJoin(providers_, ", "), ", found none"));
    model.provider_id = providers_[0];
  }
  if (!HasProvider(model.provider_id))
    return absl::InvalidArgumentError(absl::StrCat("provider_id: expected one of ",
                                                   absl::StrJoin(providers_, ", "), ", found ",
                                                   base::Quote(model.provider_id)));
  if (model.provider_resource_id.empty()) model.provider_resource_id = model.identifier;
  model.listed = false;
  const std::lock_guard lock(mutex_);
  const auto present = registered_.find(model.identifier);
  if (present != registered_.end() && !SameModel(present->second, model))
    return absl::AlreadyExistsError(
        absl::StrCat("model ", base::Quote(model.identifier), " is registered already, as ",
                     base::Quote(Prefixed(present->second)), ": unregister it first"));
  if (store_ != nullptr) CRIA_RETURN_IF_ERROR(store_->Save(model));
  registered_[model.identifier] = model;
  return model;
}

absl::Status Registry::Unregister(const std::string& id) {
  const std::lock_guard lock(mutex_);
  CRIA_ASSIGN_OR_RETURN(const RegisteredModel model, FindLocked(id));
  if (model.listed) {
    std::erase_if(listed_[model.provider_id],
                  [&](const RegisteredModel& one) { return one.identifier == model.identifier; });
    return absl::OkStatus();
  }
  if (store_ != nullptr) CRIA_RETURN_IF_ERROR(store_->Remove(model.identifier));
  registered_.erase(model.identifier);
  return absl::OkStatus();
}

void Registry::SetListed(const std::string& provider_id,
                         const std::vector<provider::ModelInfo>& models) {
  std::vector<RegisteredModel> listed;
  for (const provider::ModelInfo& info : models) {
    RegisteredModel model;
    model.identifier = absl::StrCat(provider_id, "/", info.id);
    model.provider_id = provider_id;
    model.provider_resource_id = info.id;
    model.type = info.type;
    model.metadata = info.metadata;
    model.listed = true;
    listed.push_back(std::move(model));
  }
  const std::lock_guard lock(mutex_);
  listed_[provider_id] = std::move(listed);
}

bool Registry::IsThere(const RegisteredModel& model) const {
  if (!model.if_present) return true;
  const auto list = listed_.find(model.provider_id);
  if (list == listed_.end()) return false;
  const std::string canonical = canonical_(model.provider_resource_id);
  return std::any_of(list->second.begin(), list->second.end(), [&](const RegisteredModel& one) {
    return canonical_(one.provider_resource_id) == canonical;
  });
}

absl::StatusOr<RegisteredModel> Registry::FindLocked(const std::string& id) const {
  if (const auto found = registered_.find(id); found != registered_.end() && IsThere(found->second))
    return found->second;
  const std::string canonical = canonical_(id);
  const auto search = [&](const auto& matches) -> std::optional<RegisteredModel> {
    for (const auto& [identifier, model] : registered_)
      if (IsThere(model) && matches(model)) return model;
    for (const std::string& provider : providers_)
      if (const auto list = listed_.find(provider); list != listed_.end())
        for (const RegisteredModel& model : list->second)
          if (matches(model)) return model;
    return std::nullopt;
  };
  using Model = const RegisteredModel&;
  if (auto model = search([&](Model m) { return canonical_(m.identifier) == canonical; }))
    return *model;
  if (auto model = search([&](Model m) { return Prefixed(m) == id; })) return *model;
  if (auto model = search([&](Model m) { return m.provider_resource_id == id; })) return *model;
  if (auto model = search([&](Model m) { return canonical_(m.provider_resource_id) == canonical; }))
    return *model;
  return NotFound(id);
}

absl::Status Registry::NotFound(const std::string& id) const {
  std::vector<std::string> known;
  for (const auto& [identifier, model] : registered_)
    if (IsThere(model)) known.push_back(identifier);
  for (const auto& [provider, list] : listed_)
    for (const RegisteredModel& model : list) known.push_back(model.identifier);
  std::string advice;
  const std::vector<std::string> near = base::Nearest(id.substr(0, kMaxIdBytes), known, kMaxNear);
  if (!near.empty()) advice = absl::StrCat("; did you mean ", absl::StrJoin(near, " or "), "?");
  const size_t total = known.size();
  if (total > kMaxNamed) known.resize(kMaxNamed);
  return absl::NotFoundError(absl::StrCat(
      "model ", base::Quote(id), ": expected one of the models here (",
      total == 0 ? "there are none" : absl::StrJoin(known, ", "),
      total > kMaxNamed ? absl::StrCat(", and ", total - kMaxNamed, " more") : "", ")", advice));
}

absl::StatusOr<RegisteredModel> Registry::Find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return FindLocked(id);
}

absl::StatusOr<ModelPlace> Registry::Place(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  auto model = FindLocked(id);
  if (model.ok())
    return ModelPlace{model->identifier, model->provider_id, model->provider_resource_id,
                      model->type};
  const size_t slash = id.find('/');
  if (slash != std::string::npos && slash + 1 < id.size() && id.size() <= kMaxIdBytes &&
      HasProvider(id.substr(0, slash)))
    return ModelPlace{id, id.substr(0, slash), id.substr(slash + 1)};
  return model.status();
}

std::vector<RegisteredModel> Registry::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<RegisteredModel> models;
  for (const auto& [identifier, model] : registered_)
    if (IsThere(model)) models.push_back(model);
  const size_t registered = models.size();
  for (const std::string& provider : providers_) {
    const auto list = listed_.find(provider);
    if (list == listed_.end()) continue;
    for (const RegisteredModel& model : list->second)
      if (std::none_of(models.begin(), models.begin() + static_cast<ptrdiff_t>(registered),
                       [&](const RegisteredModel& one) { return SameModel(one, model); }))
        models.push_back(model);
  }
  return models;
}

}  // namespace cria::stack
