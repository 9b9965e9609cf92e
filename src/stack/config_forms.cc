#include "stack/config_forms.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "stack/config_forms_launch.h"

namespace cria::stack {
namespace {

// A map there, made where it is absent; nullptr after a mistake.
YamlNode* MapIn(YamlNode* map, const std::string& key, ReadContext& context) {
  YamlNode* node = map->Find(key);
  if (node == nullptr || node->is_null()) {
    YamlNode made = MakeMap(*map);
    made.path = map->path.empty() ? key : absl::StrCat(map->path, ".", key);
    return &map->Set(key, std::move(made));
  }
  if (node->is_map()) return node;
  context.Expected(*node, "a map");
  return nullptr;
}

void Rename(YamlNode* map, const std::string& former, const std::string& newest) {
  YamlNode value = map->Take(former);
  if (!value.is_null() && map->Find(newest) == nullptr) map->Set(newest, std::move(value));
}

// Stores that were described in place ("type: sqlite, db_path: ...") as backends of `storage`, each
// once, and references to them.
class StoreMover {
 public:
  StoreMover(YamlNode* root, ReadContext& context) : root_(root), context_(context) {}

  // Whether `node` describes a store in place.
  static bool IsInPlace(const YamlNode& node) {
    return node.is_map() && node.Find("type") != nullptr && node.Find("backend") == nullptr;
  }

  // A reference {backend, namespace} or {backend, table_name} to what `store` describes.
  YamlNode Reference(YamlNode store, bool sql, const std::string& name) {
    YamlNode reference = MakeMap(store);
    const YamlNode name_space = store.Take("namespace");
    const YamlNode table = store.Take("table_name");
    const YamlNode& said = sql ? table : name_space;
    reference.Set("backend", MakeScalar(store, Backend(std::move(store), sql)));
    reference.Set(sql ? "table_name" : "namespace",
                  said.is_null() ? MakeScalar(reference, name) : said);
    return reference;
  }

 private:
  std::string Backend(YamlNode store, bool sql) {
    YamlNode* type = store.Find("type");
    const std::string kind = absl::StrCat(sql ? "sql_" : "kv_", type->text);
    if (!type->is_scalar() || FindBackendType(kind) == nullptr) {
      context_.Expected(*type, "sqlite, postgres, redis or mongodb");
      return "";
    }
    type->text = kind;
    if (absl::EndsWith(kind, "sqlite") && store.Find("db_path") == nullptr)
      store.Set("db_path", MakeScalar(store, "~/.llama/runtime/kvstore.db"));
    YamlNode* storage = MapIn(root_, "storage", context_);
    YamlNode* backends = storage == nullptr ? nullptr : MapIn(storage, "backends", context_);
    if (backends == nullptr) return "";
    const std::string content = base::json::serialize(ToJson(store));
    size_t same_kind = 0;
    for (size_t i = 0; i < backends->keys.size(); ++i) {
      if (base::json::serialize(ToJson(backends->items[i])) == content) return backends->keys[i];
      same_kind += absl::StartsWith(backends->keys[i], sql ? "sql_" : "kv_");
    }
    const std::string name = absl::StrCat(sql ? "sql_" : "kv_",
                                          same_kind == 0 ? "default" : absl::StrCat(same_kind + 1));
    backends->Set(name, std::move(store));
    return name;
  }

  YamlNode* root_;
  ReadContext& context_;
};

void MoveStores(YamlNode* root, StoreMover& mover, ReadContext& context) {
  struct Row {
    const char* key;
    const char* store;
    bool sql;
    const char* name;
  };
  for (const Row& row :
       {Row{"metadata_store", "metadata", false, "registry"},
        Row{"inference_store", "inference", true, "inference_store"},
        Row{"conversations_store", "conversations", true, "openai_conversations"}}) {
    YamlNode store = root->Take(row.key);
    if (store.is_null()) continue;
    YamlNode inner = store.is_map() ? store.Take("sql_store_config") : YamlNode();
    const YamlNode& described = inner.is_null() ? store : inner;
    if (!StoreMover::IsInPlace(described)) {
      context.Expected(described, "a map with a type");
      continue;
    }
    YamlNode reference = mover.Reference(described, row.sql, row.name);
    if (!inner.is_null())  // beside it stand the settings of its queue
      for (size_t i = 0; i < store.keys.size(); ++i) reference.Set(store.keys[i], store.items[i]);
    YamlNode* storage = MapIn(root, "storage", context);
    YamlNode* stores = storage == nullptr ? nullptr : MapIn(storage, "stores", context);
    if (stores != nullptr && stores->Find(row.store) == nullptr)
      stores->Set(row.store, std::move(reference));
  }
}

void MoveResources(YamlNode* root, ReadContext& context) {
  struct Row {
    const char* former;
    const char* newest;
    const char* former_id;
    const char* newest_id;
  };
  for (const Row& row :
       {Row{"models", "models", "", ""}, Row{"shields", "shields", "shield_type", "shield_id"},
        Row{"vector_dbs", "vector_stores", "vector_db_id", "vector_store_id"},
        Row{"memory_banks", "vector_stores", "memory_bank_id", "vector_store_id"},
        Row{"tool_groups", "tool_groups", "", ""}, Row{"datasets", "datasets", "", ""},
        Row{"scoring_fns", "scoring_fns", "", ""},
        Row{"eval_tasks", "benchmarks", "eval_task_id", "benchmark_id"},
        Row{"benchmarks", "benchmarks", "", ""}}) {
    YamlNode list = root->Take(row.former);
    if (list.is_null()) continue;
    for (YamlNode& item : list.items)
      if (item.is_map() && *row.former_id != '\0') Rename(&item, row.former_id, row.newest_id);
    YamlNode* resources = MapIn(root, "registered_resources", context);
    if (resources == nullptr) return;
    YamlNode* present = resources->Find(row.newest);
    if (present == nullptr || present->is_null())
      resources->Set(row.newest, std::move(list));
    else
      present->items.insert(present->items.end(), list.items.begin(), list.items.end());
  }
}

// "http://localhost:11434" as an early configuration has it: with the path of the default address,
// of which it has only the beginning.
std::string CompleteUrl(std::string url, const std::string& default_url) {
  const size_t host = default_url.find("://");
  const size_t default_path = default_url.find('/', host + 3);
  const size_t scheme = url.find("://");
  if (default_path == std::string::npos || scheme == std::string::npos) return url;
  std::string path = default_url.substr(default_path);
  while (absl::EndsWith(path, "/")) path.pop_back();
  while (absl::EndsWith(url, "/")) url.pop_back();
  const size_t path_begin = std::min(url.find('/', scheme + 3), url.size());
  const std::string present = url.substr(path_begin);
  if (present.size() < path.size() && absl::StartsWith(path, present))
    return absl::StrCat(url.substr(0, path_begin), path);
  return url;
}

// `url`, and `host` with `port`, as `base_url`.
void ModerniseAddress(YamlNode* config, const ProviderType& type) {
  const ConfigKey* base_url = type.FindKey("base_url");
  if (base_url == nullptr || config->Find("base_url") != nullptr) return;
  if (type.FindKey("host") == nullptr && config->Find("host") != nullptr) {
    YamlNode url = config->Take("host");
    const YamlNode port = config->Take("port");
    if (!absl::StrContains(url.text, "://")) url.text = absl::StrCat("http://", url.text);
    if (!port.is_null()) absl::StrAppend(&url.text, ":", port.text);
    url.raw.clear();
    config->Set("url", std::move(url));
  }
  YamlNode url = config->Take("url");
  if (url.is_null()) return;
  if (url.is_scalar() && base_url->default_value != nullptr) {
    const std::string complete = CompleteUrl(url.text, base_url->default_value);
    if (complete != url.text) {
      // A variable stays one: what is missing stands behind it.
      const bool only_longer = absl::StartsWith(complete, url.text) && !url.raw.empty();
      url.raw = only_longer ? absl::StrCat(url.raw, complete.substr(url.text.size())) : "";
      url.text = complete;
    }
  }
  config->Set("base_url", std::move(url));
}

// The first release's Llama Guard and agents, and every store that a provider described in place.
void ModerniseProviderStores(YamlNode* config, const ProviderType& type, StoreMover& mover,
                             ReadContext& context) {
  const std::string api = type.api;
  if (api == "responses") {
    YamlNode state = config->Take("persistence_store");
    YamlNode responses = config->Take("responses_store");
    if (!StoreMover::IsInPlace(state) && !StoreMover::IsInPlace(responses)) return;
    YamlNode* persistence = MapIn(config, "persistence", context);
    if (persistence == nullptr) return;
    if (StoreMover::IsInPlace(state))
      persistence->Set("agent_state", mover.Reference(std::move(state), false, "agents"));
    if (StoreMover::IsInPlace(responses))
      persistence->Set("responses", mover.Reference(std::move(responses), true, "responses"));
    return;
  }
  for (size_t i = 0; i < config->keys.size(); ++i) {
    const ConfigKey* key = type.FindKey(config->keys[i]);
    if (key == nullptr || key->type != ValueType::kMap || !StoreMover::IsInPlace(config->items[i]))
      continue;
    const bool sql = config->keys[i] == "metadata_store";
    config->items[i] =
        mover.Reference(std::move(config->items[i]), sql,
                        sql ? "files_metadata" : absl::StrCat(api, "::", type.DefaultId()));
  }
}

void ModerniseProviders(YamlNode* root, StoreMover& mover, ReadContext& context) {
  YamlNode* providers = root->Find("providers");
  if (providers == nullptr || !providers->is_map()) return;
  for (size_t i = 0; i < providers->keys.size(); ++i) {
    const ApiEntry* api = FindApi(providers->keys[i]);
    if (api == nullptr) continue;
    if (providers->keys[i] != api->name && providers->Find(api->name) == nullptr)
      providers->keys[i] = api->name;
    for (YamlNode& entry : providers->items[i].items) {
      YamlNode* type_name = entry.Find("provider_type");
      if (type_name == nullptr) continue;
      const ProviderType* type = FindProviderType(api->name, type_name->text);
      YamlNode* config = entry.Find("config");
      if (type == nullptr || config == nullptr || !config->is_map()) continue;
      ModerniseAddress(config, *type);
      ModerniseProviderStores(config, *type, mover, context);
    }
  }
}

void ModerniseServer(YamlNode* root, StoreMover& mover) {
  YamlNode* server = root->Find("server");
  if (server == nullptr || !server->is_map()) return;
  YamlNode* quota = server->Find("quota");
  YamlNode* kvstore = quota == nullptr ? nullptr : quota->Find("kvstore");
  if (kvstore != nullptr && StoreMover::IsInPlace(*kvstore))
    *kvstore = mover.Reference(std::move(*kvstore), false, "quota");
  YamlNode* auth = server->Find("auth");
  if (auth == nullptr || !auth->is_map() || auth->Find("provider_type") == nullptr) return;
  YamlNode type = auth->Take("provider_type");
  YamlNode config = auth->Take("config");
  if (config.is_null()) config = MakeMap(type);
  config.Set("type", std::move(type));
  auth->Set("provider_config", std::move(config));
}

}  // namespace

void Modernise(YamlNode* root, ReadContext& context) {
  if (!root->is_map()) return;
  ModerniseLaunchForm(root, context);
  for (const char* gone : {"built_at", "conda_env", "image_type"}) (void)root->Take(gone);
  Rename(root, "image_name", "distro_name");
  Rename(root, "docker_image", "container_image");
  StoreMover mover(root, context);
  MoveStores(root, mover, context);
  MoveResources(root, context);
  ModerniseProviders(root, mover, context);
  ModerniseServer(root, mover);
}

}  // namespace cria::stack
