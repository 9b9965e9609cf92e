#include "stack/provider_catalogue.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "stack/provider_tables.h"

namespace cria::stack {
namespace {

constexpr ApiEntry kApis[] = {
    {"inference", "", "Answers, completions and embeddings of models"},
    {"files", "", "Files that clients upload and refer to"},
    {"responses", "agents", "Responses, agents and their turns, with tools"},
    {"messages", "", "The Messages API"},
    {"interactions", "", "The Interactions API"},
    {"batches", "", "Many requests as one job"},
    {"safety", "", "Shields: what may be asked and answered"},
    {"vector_io", "memory", "Vector stores: text found by its meaning"},
    {"tool_runtime", "", "Tools that the server runs"},
    {"file_processors", "", "Text out of uploaded files"},
    {"telemetry", "", "Traces and metrics"},
    {"eval", "", "Benchmarks of models and agents"},
    {"scoring", "", "Scores for answers"},
    {"datasetio", "", "Rows of data sets"},
    {"post_training", "", "Fine-tuning of models"},
};

bool IsOneOf(const char* words, std::string_view word) {
  const std::vector<std::string> all = absl::StrSplit(words, ' ', absl::SkipEmpty());
  return std::find(all.begin(), all.end(), word) != all.end();
}

const ProviderType* FindIn(std::span<const ProviderType> table, std::string_view api,
                           std::string_view type) {
  const std::string spelled_out = "inline::" + std::string(type);  // as the first release wrote it
  for (const ProviderType& one : table)
    if (one.api == api && (one.type == type || IsOneOf(one.former, type))) return &one;
  for (const ProviderType& one : table)
    if (one.api == api && one.type == spelled_out) return &one;
  return nullptr;
}

std::vector<const ProviderType*> AllOf(std::span<const ProviderType> table, std::string_view api) {
  std::vector<const ProviderType*> types;
  for (const ProviderType& one : table)
    if (one.api == api) types.push_back(&one);
  std::stable_partition(types.begin(), types.end(),
                        [](const ProviderType* one) { return one->available; });
  return types;
}

std::span<const ProviderType> TableOf(std::string_view api) {
  return api == "inference" ? InferenceTable() : OtherApisTable();
}

}  // namespace

const ConfigKey* ProviderType::FindKey(std::string_view name) const {
  for (const auto keys : {own_keys, shared_keys})
    for (const ConfigKey& key : keys)
      if (key.name == name || IsOneOf(key.former, name)) return &key;
  return nullptr;
}

std::vector<const ConfigKey*> ProviderType::Keys() const {
  std::vector<const ConfigKey*> keys;
  for (const auto some : {own_keys, shared_keys})
    for (const ConfigKey& key : some) keys.push_back(&key);
  return keys;
}

std::string ProviderType::DefaultId() const {
  if (id != nullptr) return id;
  const std::string_view name = type;
  const size_t colon = name.rfind(':');
  return std::string(colon == std::string_view::npos ? name : name.substr(colon + 1));
}

std::span<const ApiEntry> Apis() { return kApis; }

const ApiEntry* FindApi(std::string_view name) {
  for (const ApiEntry& api : kApis)
    if (api.name == name || IsOneOf(api.former, name)) return &api;
  return nullptr;
}

std::vector<std::string> ApiNames() {
  std::vector<std::string> names;
  for (const ApiEntry& api : kApis) names.emplace_back(api.name);
  return names;
}

bool IsRegistryApi(std::string_view name) {
  return IsOneOf(
      "models shields memory_banks vector_dbs datasets scoring_functions eval_tasks benchmarks "
      "tool_groups inspect providers vector_stores conversations prompts connectors admin",
      name);
}

std::vector<const ProviderType*> ProviderTypes(std::string_view api) {
  return AllOf(TableOf(api), api);
}

const ProviderType* FindProviderType(std::string_view api, std::string_view type) {
  return FindIn(TableOf(api), api, type);
}

const ProviderType* FindBackendType(std::string_view type) {
  return FindIn(BackendTable(), "storage", type);
}
std::vector<const ProviderType*> BackendTypes() { return AllOf(BackendTable(), "storage"); }

const ProviderType* FindAuthType(std::string_view type) {
  return FindIn(AuthTable(), "auth", type);
}
std::vector<const ProviderType*> AuthTypes() { return AllOf(AuthTable(), "auth"); }

}  // namespace cria::stack
