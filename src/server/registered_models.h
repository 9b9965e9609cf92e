// Registered models, kept in the store.
#ifndef CRIA_SERVER_REGISTERED_MODELS_H_
#define CRIA_SERVER_REGISTERED_MODELS_H_

#include <string>
#include <vector>

#include "stack/registry.h"
#include "store/registry.h"

namespace cria::server {

class RegisteredModels : public stack::RegistryStore {
 public:
  explicit RegisteredModels(store::Registry& registry) : registry_(registry) {}

  absl::StatusOr<std::vector<stack::RegisteredModel>> Load() override;
  absl::Status Save(const stack::RegisteredModel& model) override;
  absl::Status Remove(const std::string& identifier) override;

 private:
  store::Registry& registry_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_REGISTERED_MODELS_H_
