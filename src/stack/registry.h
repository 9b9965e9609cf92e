// The models that a stack serves: those of its configuration, those that clients registered, and
// those that its providers list.
#ifndef CRIA_STACK_REGISTRY_H_
#define CRIA_STACK_REGISTRY_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "provider/inference.h"
#include "stack/config.h"

namespace cria::stack {

struct RegisteredModel {
  std::string identifier;  // by which clients ask
  std::string provider_id;
  std::string provider_resource_id;  // by which its provider knows it
  provider::ModelType type = provider::ModelType::kLlm;
  base::json::object metadata;
  bool listed = false;      // its provider's own list has it: nobody registered it
  bool if_present = false;  // it is there only while its provider lists it
};

// {"identifier", "provider_id", "provider_resource_id", "model_type", "metadata"}.
base::json::object ToJson(const RegisteredModel& model);
absl::StatusOr<RegisteredModel> RegisteredModelFromJson(const base::json::value& value);

// What keeps registered models over a restart. Any thread; one call at a time is made.
class RegistryStore {
 public:
  virtual ~RegistryStore() = default;
  virtual absl::StatusOr<std::vector<RegisteredModel>> Load() = 0;
  virtual absl::Status Save(const RegisteredModel& model) = 0;  // or replaces it
  virtual absl::Status Remove(const std::string& identifier) = 0;
};

// The one name of a model that has several: "llama3.2:3b" and
// "meta-llama/Llama-3.2-3B-Instruct" are "Llama3.2-3B-Instruct". What it doesn't know it gives
// back.
using CanonicalName = std::function<std::string(const std::string& id)>;

// Where a request for a model goes.
struct ModelPlace {
  std::string identifier;  // as it is registered, or as it was asked for
  std::string provider_id;
  std::string provider_model_id;
  provider::ModelType type = provider::ModelType::kLlm;
};

// Any thread may call.
class Registry {
 public:
  // `providers`: the ids of the inference providers, the first is that of models without one.
  // `store` may be nullptr, and outlives the registry.
  Registry(std::vector<std::string> providers, CanonicalName canonical, RegistryStore* store);

  // The models of the configuration and, behind them, those of the store. Called once.
  absl::Status Load(const std::vector<ModelEntry>& configured);

  // kInvalidArgument for an unknown provider or an empty id; kAlreadyExists if the identifier means
  // another model already. The same once more is OK, and replaces its metadata.
  absl::StatusOr<RegisteredModel> Register(RegisteredModel model);
  // kNotFound as Find. Models that a provider lists come back with its next list.
  absl::Status Unregister(const std::string& id);

  // What `provider_id` lists now, by "provider_id/id", instead of what it listed before. Models
  // that are registered, too, aren't repeated.
  void SetListed(const std::string& provider_id, const std::vector<provider::ModelInfo>& models);

  // By identifier, then by another name of it, then "provider_id/provider_model_id", then the
  // provider's name for it, then another name of that. kNotFound names what there is.
  absl::StatusOr<RegisteredModel> Find(const std::string& id) const;

  // The same; and "provider_id/anything" goes to that provider, registered or not.
  absl::StatusOr<ModelPlace> Place(const std::string& id) const;

  // In order: registered ones by identifier, then listed ones.
  std::vector<RegisteredModel> List() const;

 private:
  absl::StatusOr<RegisteredModel> FindLocked(const std::string& id) const;
  bool HasProvider(const std::string& id) const;
  bool IsThere(const RegisteredModel& model) const;
  absl::Status NotFound(const std::string& id) const;

  const std::vector<std::string> providers_;
  const CanonicalName canonical_;
  RegistryStore* const store_;
  mutable std::mutex mutex_;
  std::map<std::string, RegisteredModel> registered_;           // by identifier
  std::map<std::string, std::vector<RegisteredModel>> listed_;  // by provider
};

}  // namespace cria::stack

#endif  // CRIA_STACK_REGISTRY_H_
