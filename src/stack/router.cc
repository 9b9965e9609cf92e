#include "stack/router.h"

#include "absl/strings/str_cat.h"

namespace cria::stack {

absl::StatusOr<InferenceRoute> Router::Route(const std::string& model) const {
  CRIA_ASSIGN_OR_RETURN(ModelPlace place, registry_.Place(model));
  const auto provider = providers_.find(place.provider_id);
  if (provider == providers_.end())
    return absl::NotFoundError(absl::StrCat("model '", place.identifier, "': its provider '",
                                            place.provider_id, "' doesn't run here"));
  return InferenceRoute{provider->second, std::move(place)};
}

absl::Status Router::Refresh() {
  absl::Status first;
  for (const auto& [id, provider] : providers_) {
    auto models = provider->Models();
    if (models.ok())
      registry_.SetListed(id, *models);
    else
      first.Update(base::Annotate(models.status(), absl::StrCat("provider '", id, "'")));
  }
  return first;
}

}  // namespace cria::stack
