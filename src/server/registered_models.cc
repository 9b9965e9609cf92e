#include "server/registered_models.h"

#include <utility>

namespace cria::server {
namespace {

constexpr char kType[] = "model";

store::Resource ResourceOf(const stack::RegisteredModel& model) {
  store::Resource resource;
  resource.type = kType;
  resource.identifier = model.identifier;
  resource.provider_id = model.provider_id;
  resource.provider_resource_id = model.provider_resource_id;
  resource.metadata = base::json::serialize(stack::ToJson(model));
  return resource;
}

}  // namespace

absl::StatusOr<std::vector<stack::RegisteredModel>> RegisteredModels::Load() {
  CRIA_ASSIGN_OR_RETURN(const std::vector<store::Resource> rows, registry_.List(kType));
  std::vector<stack::RegisteredModel> models;
  for (const store::Resource& row : rows) {
    CRIA_ASSIGN_OR_RETURN(const base::json::value json,
                          base::ParseJson(row.metadata, row.identifier));
    CRIA_ASSIGN_OR_RETURN(stack::RegisteredModel model, stack::RegisteredModelFromJson(json));
    models.push_back(std::move(model));
  }
  return models;
}

absl::Status RegisteredModels::Save(const stack::RegisteredModel& model) {
  store::Resource resource = ResourceOf(model);
  const absl::Status registered = registry_.Register(resource).status();
  return absl::IsAlreadyExists(registered) ? registry_.Update(resource) : registered;
}

absl::Status RegisteredModels::Remove(const std::string& identifier) {
  return registry_.Unregister(kType, identifier);
}

}  // namespace cria::server
