// The inference providers that a configuration names.
#ifndef CRIA_CLI_STACK_PROVIDERS_H_
#define CRIA_CLI_STACK_PROVIDERS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/cli_context.h"
#include "engine/engine.h"
#include "provider/cria_inference.h"
#include "provider/http_pool.h"
#include "provider/inference.h"
#include "stack/config.h"

namespace cria::cli {

// Engine and connections are there where a provider needs them, and live as long as this.
struct StackProviders {
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<provider::HttpPool> pool;
  std::map<std::string, std::shared_ptr<provider::Inference>> by_id;
  std::vector<std::string> ids;  // in the configuration's order
  // The provider that runs our own engine; null: none.
  std::shared_ptr<provider::CriaInference> own;
  std::string own_id;
};

// The other name of a model by which a catalogue knows it: see stack::CanonicalName.
std::string CanonicalModelName(const std::string& id);

absl::StatusOr<StackProviders> MakeProviders(const stack::StackConfig& config,
                                             const CliContext& context);

}  // namespace cria::cli

#endif  // CRIA_CLI_STACK_PROVIDERS_H_
