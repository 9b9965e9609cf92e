#include "cli/stack_providers.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/interrupt.h"
#include "cli/open_model.h"
#include "hub/catalogue.h"
#include "hub/model_store.h"
#include "provider/remote_inference.h"

namespace cria::cli {
namespace {

constexpr char kOwnType[] = "inline::cria";

// Ollama's tag of a model of the catalogue; empty: it has none.
std::string OllamaTag(const std::string& model) {
  const hub::CatalogueEntry* entry = hub::FindInCatalogue(model);
  if (entry == nullptr) return "";
  for (const absl::string_view alias : absl::StrSplit(entry->aliases, ' ', absl::SkipEmpty()))
    if (absl::StrContains(alias, ':')) return std::string(alias);
  return "";
}

// Keys of the provider's config, over what the command line says.
absl::StatusOr<provider::CriaOptions> OwnOptions(const base::json::object& config,
                                                 const CliContext& context) {
  CliContext mine = context;
  CRIA_ASSIGN_OR_RETURN(const auto isa, base::GetString(config, "isa"));
  if (isa && mine.isa.empty()) mine.isa = *isa;
  CRIA_ASSIGN_OR_RETURN(const auto kv_type, base::GetString(config, "kv_type"));
  if (kv_type) mine.kv_type = *kv_type;
  provider::CriaOptions options;
  CRIA_ASSIGN_OR_RETURN(options.model, ChosenModelOptions(mine));
  options.keep_packed = !mine.no_packed_file;
  CRIA_ASSIGN_OR_RETURN(const auto wait, base::GetBool(config, "wait_while_loading"));
  options.wait_while_loading = wait.value_or(options.wait_while_loading);
  CRIA_ASSIGN_OR_RETURN(const auto most, base::GetInt(config, "max_seq_len"));
  options.context = most.value_or(mine.context);
  CRIA_ASSIGN_OR_RETURN(const auto draft, base::GetString(config, "draft_model"));
  options.draft_model = draft.value_or("");
  return options;
}

// Sizes of the engine, where the config says them.
absl::StatusOr<engine::EngineOptions> EngineOptionsFrom(const base::json::object& config,
                                                        const CliContext& context) {
  engine::EngineOptions options;
  options.threads = context.threads;
  const auto take = [&](const char* key, auto* target) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(const auto value, base::GetInt(config, key));
    if (value && *value > 0) *target = static_cast<std::remove_pointer_t<decltype(target)>>(*value);
    return absl::OkStatus();
  };
  if (context.threads == 0) CRIA_RETURN_IF_ERROR(take("threads", &options.threads));
  CRIA_RETURN_IF_ERROR(take("max_batch_size", &options.max_active));
  CRIA_RETURN_IF_ERROR(take("max_queued", &options.max_queued));
  CRIA_RETURN_IF_ERROR(take("kv_bytes", &options.kv_bytes));
  CRIA_RETURN_IF_ERROR(take("weight_bytes", &options.weight_bytes));
  return options;
}

absl::Status AddOwn(const stack::ProviderEntry& entry, const CliContext& context,
                    StackProviders* providers) {
  if (providers->own != nullptr)
    return absl::InvalidArgumentError(absl::StrCat(
        "providers.inference: '", entry.id, "' is a second ", kOwnType, ": expected at most one"));
  CRIA_ASSIGN_OR_RETURN(provider::CriaOptions own, OwnOptions(entry.config, context));
  CRIA_ASSIGN_OR_RETURN(const engine::EngineOptions engine_options,
                        EngineOptionsFrom(entry.config, context));
  CRIA_ASSIGN_OR_RETURN(hub::ModelStore store, hub::ModelStore::FromEnvironment());
  const SignalsOnThisThreadOnly main_only;
  providers->engine = std::make_unique<engine::Engine>(engine_options);
  providers->own = std::make_shared<provider::CriaInference>(*providers->engine, std::move(store),
                                                             std::move(own));
  providers->own_id = entry.id;
  providers->by_id[entry.id] = providers->own;
  return absl::OkStatus();
}

absl::Status AddRemote(const stack::ProviderEntry& entry, StackProviders* providers) {
  if (providers->pool == nullptr) {
    const SignalsOnThisThreadOnly main_only;
    CRIA_ASSIGN_OR_RETURN(providers->pool, provider::HttpPool::Create());
  }
  provider::RemoteOptions options;
  if (entry.type == "remote::ollama") options.alias = OllamaTag;
  CRIA_ASSIGN_OR_RETURN(providers->by_id[entry.id],
                        provider::MakeRemoteInference(entry.type, entry.id, entry.config,
                                                      *providers->pool, std::move(options)));
  return absl::OkStatus();
}

}  // namespace

std::string CanonicalModelName(const std::string& id) {
  const hub::CatalogueEntry* entry = hub::FindInCatalogue(id);
  return entry == nullptr ? id : entry->name;
}

absl::StatusOr<StackProviders> MakeProviders(const stack::StackConfig& config,
                                             const CliContext& context) {
  StackProviders providers;
  const auto entries = config.providers.find("inference");
  if (entries == config.providers.end()) return providers;
  for (const stack::ProviderEntry& entry : entries->second) {
    const absl::Status added =
        entry.type == kOwnType ? AddOwn(entry, context, &providers) : AddRemote(entry, &providers);
    if (!added.ok()) return base::Annotate(added, absl::StrCat("provider '", entry.id, "'"));
    providers.ids.push_back(entry.id);
  }
  return providers;
}

}  // namespace cria::cli
