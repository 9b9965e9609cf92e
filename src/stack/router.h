// Which provider answers for which model.
#ifndef CRIA_STACK_ROUTER_H_
#define CRIA_STACK_ROUTER_H_

#include <map>
#include <memory>
#include <string>

#include "base/status.h"
#include "provider/inference.h"
#include "stack/registry.h"

namespace cria::stack {

struct InferenceRoute {
  std::shared_ptr<provider::Inference> provider;
  ModelPlace model;
};

// Immutable; any thread may call.
class Router {
 public:
  // `providers` by their ids, which are those that `registry` was made with; it outlives the
  // router.
  Router(std::map<std::string, std::shared_ptr<provider::Inference>> providers, Registry& registry)
      : providers_(std::move(providers)), registry_(registry) {}

  // The provider of a model and the name it has there. kNotFound names the models there are.
  absl::StatusOr<InferenceRoute> Route(const std::string& model) const;

  const std::map<std::string, std::shared_ptr<provider::Inference>>& providers() const {
    return providers_;
  }

  // Asks every provider for its list and tells the registry. A provider that fails keeps the list
  // it had; the status is of the first that did. Waits for them: not for threads that serve.
  absl::Status Refresh();

 private:
  std::map<std::string, std::shared_ptr<provider::Inference>> providers_;
  Registry& registry_;
};

}  // namespace cria::stack

#endif  // CRIA_STACK_ROUTER_H_
