#include "stack/config_reader.h"

#include <algorithm>
#include <limits>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/edit_distance.h"
#include "base/file.h"
#include "base/quote.h"
#include "stack/config_fields.h"
#include "stack/config_forms.h"
#include "stack/config_server_reader.h"
#include "stack/config_substitution.h"

namespace cria::stack {
namespace {

constexpr int64_t kAny = std::numeric_limits<int64_t>::max();

std::string Item(const std::string& list, size_t index) {
  return absl::StrCat(list, "[", index, "]");
}

// The items of a list; a mistake if it is none.
std::vector<const YamlNode*> ItemsOf(const YamlNode* list, ReadContext& context) {
  std::vector<const YamlNode*> items;
  if (list == nullptr) return items;
  if (!list->is_sequence()) context.Expected(*list, "a list");
  for (const YamlNode& item : list->items) items.push_back(&item);
  return items;
}

void ReadVersion(Fields& top, ReadContext& context) {
  const YamlNode* version = top.Get("version");
  if (version != nullptr && version->text != "2") context.Expected(*version, "2");
}

void ReadApis(Fields& top, StackConfig* config, ReadContext& context) {
  for (const YamlNode* item : ItemsOf(top.Get("apis"), context)) {
    if (!item->is_scalar()) return context.Expected(*item, "the name of an API");
    if (IsRegistryApi(item->text)) continue;
    const ApiEntry* api = FindApi(item->text);
    if (api == nullptr) return context.Unknown(*item, item->text, ApiNames());
    if (std::find(config->apis.begin(), config->apis.end(), api->name) == config->apis.end())
      config->apis.emplace_back(api->name);
  }
}

void UnknownType(const YamlNode& at, const std::string& api, ReadContext& context) {
  std::vector<std::string> known;
  for (const ProviderType* type : ProviderTypes(api)) known.emplace_back(type->type);
  const std::vector<std::string> near = base::Nearest(at.text, known, 1);
  const std::string hint = near.empty() ? "" : absl::StrCat("; did you mean ", near[0], "?");
  context.Expected(at,
                   absl::StrCat("a provider type of ", api, " (", absl::StrJoin(known, ", "), ")"),
                   absl::StrCat(Describe(at), hint));
}

std::optional<ProviderEntry> ReadProvider(const YamlNode& node, const std::string& api,
                                          const std::string& path, ReadContext& context) {
  Fields fields(node, path, context);
  ProviderEntry entry;
  entry.id = fields.RequiredString("provider_id", "a name for the provider");
  const YamlNode* type_name = fields.Require("provider_type", "a provider type");
  if (const YamlNode* module = fields.Get("module"); module != nullptr)
    context.Wrong(*module, "external providers are Python modules, which this program can't load");
  if (type_name == nullptr) return std::nullopt;
  const ProviderType* type = FindProviderType(api, type_name->text);
  if (type == nullptr) {
    UnknownType(*type_name, api, context);
    return std::nullopt;
  }
  entry.type = type->type;
  const YamlNode* settings = fields.Get("config");
  entry.config = ReadSettings(settings == nullptr ? MakeMap(node) : *settings, *type,
                              fields.PathOf("config"), context);
  fields.Finish();
  return entry;
}

void ReadProvidersOf(const std::string& name, const YamlNode& list, StackConfig* config,
                     ReadContext& context) {
  const ApiEntry* api = FindApi(name);
  if (api == nullptr) return context.Unknown(list, name, ApiNames());
  std::vector<ProviderEntry>& entries = config->providers[api->name];
  for (const YamlNode* item : ItemsOf(list.is_null() ? nullptr : &list, context)) {
    const std::string path = Item(absl::StrCat("providers.", api->name), entries.size());
    auto entry = ReadProvider(*item, api->name, path, context);
    if (!entry) return;
    for (const ProviderEntry& other : entries)
      if (other.id == entry->id)
        return context.Expected(*item, absl::StrCat("provider_ids that differ within ", api->name),
                                absl::StrCat(base::Quote(entry->id), " twice"));
    entries.push_back(*std::move(entry));
  }
}

void ReadProviders(Fields& top, StackConfig* config, ReadContext& context) {
  const YamlNode* providers = top.Get("providers");
  if (providers == nullptr) return;
  if (!providers->is_map()) return context.Expected(*providers, "a map of APIs");
  for (size_t i = 0; i < providers->keys.size() && !context.failed(); ++i)
    ReadProvidersOf(providers->keys[i], providers->items[i], config, context);
}

void ReadBackend(const std::string& name, const YamlNode& node, StackConfig* config,
                 ReadContext& context) {
  const std::string path = absl::StrCat("storage.backends.", name);
  Fields fields(node, path, context);
  const YamlNode* type_name = fields.Require("type", "a type of backend");
  if (type_name == nullptr) return;
  const ProviderType* type = FindBackendType(type_name->text);
  if (type == nullptr) {
    std::vector<std::string> known;
    for (const ProviderType* one : BackendTypes()) known.emplace_back(one->type);
    return context.Expected(*type_name, absl::StrCat("one of ", absl::StrJoin(known, ", ")));
  }
  config->storage.backends[name] = {type->type, ReadSettings(node, *type, path, context, {"type"})};
}

void CheckBackend(const YamlNode* backend, const StoreReference& store, bool needs_sql,
                  const StackConfig& config, ReadContext& context) {
  if (backend == nullptr) return;
  const auto found = config.storage.backends.find(store.backend);
  if (found == config.storage.backends.end()) {
    std::vector<std::string> known;
    for (const auto& [name, unused] : config.storage.backends) known.push_back(name);
    return context.Expected(
        *backend, absl::StrCat("a backend of storage.backends (", absl::StrJoin(known, ", "), ")"));
  }
  const bool is_sql = absl::StartsWith(found->second.type, "sql_");
  if (is_sql != needs_sql)
    context.Expected(*backend,
                     needs_sql ? "a sql_ backend, for a table" : "a kv_ backend, for a namespace",
                     absl::StrCat(base::Quote(store.backend), " of type ", found->second.type));
}

void ReadStores(const YamlNode* stores, StackConfig* config, ReadContext& context) {
  if (stores == nullptr) return;
  if (!stores->is_map()) return context.Expected(*stores, "a map");
  static constexpr struct {
    const char* name;
    bool sql;
  } kStores[] = {{"metadata", false}, {"inference", true}, {"conversations", true},
                 {"responses", true}, {"prompts", false},  {"connectors", false}};
  Fields fields(*stores, "storage.stores", context);
  for (const auto& [name, sql] : kStores)
    if (const YamlNode* node = fields.Get(name); node != nullptr)
      config->storage.stores[name] =
          ReadStoreReference(*node, fields.PathOf(name), sql, *config, context);
  fields.Finish();
}

void ReadStorage(Fields& top, StackConfig* config, ReadContext& context) {
  const YamlNode* storage = top.Get("storage");
  if (storage == nullptr) return;
  Fields fields(*storage, "storage", context);
  if (const YamlNode* backends = fields.Get("backends"); backends != nullptr) {
    if (!backends->is_map()) return context.Expected(*backends, "a map");
    for (size_t i = 0; i < backends->keys.size(); ++i)
      ReadBackend(backends->keys[i], backends->items[i], config, context);
  }
  ReadStores(fields.Get("stores"), config, context);
  fields.Finish();
}

// That a resource names a provider that there is.
void CheckProvider(const YamlNode* provider_id, const std::string& api, const StackConfig& config,
                   ReadContext& context) {
  if (provider_id == nullptr || provider_id->text == "all") return;
  std::vector<std::string> known;
  const auto providers = config.providers.find(api);
  if (providers != config.providers.end())
    for (const ProviderEntry& entry : providers->second) {
      if (entry.id == provider_id->text) return;
      known.push_back(entry.id);
    }
  context.Expected(*provider_id, absl::StrCat("a provider_id of providers.", api, " (",
                                              absl::StrJoin(known, ", "), ")"));
}

void ReadModel(const YamlNode& node, StackConfig* config, ReadContext& context) {
  std::vector<ModelEntry>& models = config->registered_resources.models;
  Fields fields(node, Item("registered_resources.models", models.size()), context);
  ModelEntry model;
  model.id = fields.RequiredString("model_id", "the id by which clients ask for the model");
  const YamlNode* provider = fields.Get("provider_id");
  model.provider_id = fields.String("provider_id");
  CheckProvider(provider, "inference", *config, context);
  model.provider_model_id = fields.String("provider_model_id", fields.String("llama_model"));
  if (const YamlNode* type = fields.Get("model_type"); type != nullptr) {
    if (type->text == "embedding")
      model.type = provider::ModelType::kEmbedding;
    else if (type->text != "llm")
      context.Expected(*type, "llm or embedding");
  }
  model.metadata = fields.Map("metadata");
  model.if_present = fields.Bool("if_present", false);
  (void)fields.Bool("model_validation", false);
  fields.Finish();
  models.push_back(std::move(model));
}

void ReadShield(const YamlNode& node, StackConfig* config, ReadContext& context) {
  std::vector<ShieldEntry>& shields = config->registered_resources.shields;
  Fields fields(node, Item("registered_resources.shields", shields.size()), context);
  ShieldEntry shield;
  shield.id = fields.RequiredString("shield_id", "the id by which clients ask for the shield");
  const YamlNode* provider = fields.Get("provider_id");
  shield.provider_id = fields.String("provider_id");
  CheckProvider(provider, "safety", *config, context);
  shield.provider_shield_id = fields.String("provider_shield_id");
  shield.params = fields.Map("params");
  fields.Finish();
  shields.push_back(std::move(shield));
}

void ReadOtherResources(Fields& fields, const char* kind, StackConfig* config,
                        ReadContext& context) {
  const YamlNode* list = fields.Get(kind);
  for (const YamlNode* item : ItemsOf(list, context))
    if (!item->is_map()) return context.Expected(*item, "a map");
  if (list == nullptr) return;
  const base::json::value value = ReadAny(*list, fields.PathOf(kind), context);
  if (value.is_array() && !value.as_array().empty())
    config->registered_resources.others[kind] = value.as_array();
}

void ReadResources(Fields& top, StackConfig* config, ReadContext& context) {
  const YamlNode* resources = top.Get("registered_resources");
  if (resources == nullptr) return;
  Fields fields(*resources, "registered_resources", context);
  for (const YamlNode* item : ItemsOf(fields.Get("models"), context))
    ReadModel(*item, config, context);
  for (const YamlNode* item : ItemsOf(fields.Get("shields"), context))
    ReadShield(*item, config, context);
  for (const char* kind : {"vector_stores", "tool_groups", "datasets", "scoring_fns", "benchmarks"})
    ReadOtherResources(fields, kind, config, context);
  fields.Finish();
}

void ReadLogging(Fields& top, StackConfig* config, ReadContext& context) {
  const YamlNode* logging = top.Get("logging");
  if (logging == nullptr) return;
  Fields fields(*logging, "logging", context);
  if (const YamlNode* levels = fields.Get("category_levels"); levels != nullptr) {
    Fields categories(*levels, "logging.category_levels", context);
    for (const std::string& category : levels->keys)
      config->log_levels[category] = categories.String(category);
  }
  fields.Finish();
}

// Blocks that later parts of the stack read.
void ReadOtherBlocks(Fields& top, StackConfig* config, ReadContext& context) {
  for (const char* name : {"vector_stores", "safety", "connectors"}) {
    const YamlNode* node = top.Get(name);
    if (node == nullptr) continue;
    const bool list = std::string_view(name) == "connectors";
    if (list ? !node->is_sequence() : !node->is_map())
      return context.Expected(*node, list ? "a list" : "a map");
    config->other_blocks[name] = ReadAny(*node, name, context);
  }
}

// The name of the first backend of that kind; a new SQLite file where there is none.
std::string BackendOf(const std::string& kind, const std::string& file, StackConfig* config,
                      const Environment& environment) {
  for (const auto& [name, backend] : config->storage.backends)
    if (absl::StartsWith(backend.type, kind)) return name;
  std::string folder = config->distro_name;
  for (char& c : folder)
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '-';
  const std::string raw =
      absl::StrCat("${env.LLAMA_HOME:=~/.llama}/distributions/", folder, "/", file);
  const std::string path = ExpandHome(Substitute(raw, environment).value_or(raw), environment);
  const std::string name = absl::StrCat(kind, "default");
  base::json::object settings;
  settings["db_path"] = path;
  config->storage.backends[name] = {absl::StrCat(kind, "sqlite"), std::move(settings)};
  config->written[absl::StrCat("storage.backends.", name, ".db_path")] = {raw,
                                                                          base::json::value(path)};
  return name;
}

// What a file may leave out but a stack needs: the APIs of its providers, a name, and a place for
// what it keeps.
void Complete(const Environment& environment, StackConfig* config) {
  if (config->apis.empty())
    for (const ApiEntry& api : Apis())
      if (config->providers.contains(api.name)) config->apis.emplace_back(api.name);
  if (config->distro_name.empty()) config->distro_name = "stack";
  const std::string kv = BackendOf("kv_", "kvstore.db", config, environment);
  const std::string sql = BackendOf("sql_", "sql_store.db", config, environment);
  std::map<std::string, StoreReference>& stores = config->storage.stores;
  stores.try_emplace("metadata", StoreReference{kv, "registry", ""});
  stores.try_emplace("prompts", StoreReference{kv, "prompts", ""});
  stores.try_emplace("connectors", StoreReference{kv, "connectors", ""});
  stores.try_emplace("inference", StoreReference{sql, "", "inference_store"});
  stores.try_emplace("conversations", StoreReference{sql, "", "openai_conversations"});
  stores.try_emplace("responses", StoreReference{sql, "", "responses"});
}

// Where an entry of an older form's list stands in the newest; "" if that isn't kept.
std::string NewestList(const std::string& list) {
  const std::string prefix = "providers.";
  if (absl::StartsWith(list, prefix)) {
    const ApiEntry* api = FindApi(list.substr(prefix.size()));
    return api == nullptr ? "" : absl::StrCat(prefix, api->name);
  }
  if (list == "models" || list == "shields") return absl::StrCat("registered_resources.", list);
  const bool kept = absl::StartsWith(list, "registered_resources.") || list == "server.auth";
  return kept ? list : "";
}

void KeepSwitchedOff(std::vector<DroppedEntry> dropped, StackConfig* config) {
  for (DroppedEntry& one : dropped)
    if (std::string list = NewestList(one.path.substr(0, one.path.find('['))); !list.empty())
      config->switched_off.emplace_back(std::move(list), std::move(one.entry));
}

}  // namespace

StoreReference ReadStoreReference(const YamlNode& node, const std::string& path, bool sql,
                                  const StackConfig& config, ReadContext& context) {
  Fields fields(node, path, context);
  StoreReference store;
  const YamlNode* backend = fields.Require("backend", "the name of a backend");
  store.backend = fields.String("backend");
  if (sql) {
    store.table_name = fields.RequiredString("table_name", "the name of a table");
    store.max_write_queue_size =
        fields.Integer("max_write_queue_size", 1, kAny, store.max_write_queue_size);
    store.num_writers = fields.Integer("num_writers", 1, 1024, store.num_writers);
  } else {
    store.name_space = fields.RequiredString("namespace", "a namespace");
  }
  fields.Finish();
  CheckBackend(backend, store, sql, config, context);
  return store;
}

absl::StatusOr<StackConfig> ReadStackConfig(std::string_view text, const std::string& file,
                                            const Environment& environment) {
  CRIA_ASSIGN_OR_RETURN(YamlNode root, ParseYaml(text, file));
  ReadContext context(file, environment);
  if (!root.is_map()) {
    context.Expected(root, "a map: a run.yaml");
    return context.status();
  }
  StackConfig config;
  KeepSwitchedOff(SubstituteVariables(&root, context), &config);
  Modernise(&root, context);
  Fields top(root, "", context);
  ReadVersion(top, context);
  config.distro_name = top.String("distro_name");
  config.container_image = top.String("container_image");
  ReadApis(top, &config, context);
  ReadProviders(top, &config, context);
  ReadStorage(top, &config, context);
  ReadResources(top, &config, context);
  ReadLogging(top, &config, context);
  ReadServer(top, &config, context);
  config.external_providers_dir = top.Path("external_providers_dir");
  config.external_apis_dir = top.Path("external_apis_dir");
  ReadOtherBlocks(top, &config, context);
  top.Finish();
  if (context.failed()) return context.status();
  config.written = std::move(context.written());
  Complete(environment, &config);
  return config;
}

absl::StatusOr<StackConfig> ReadStackConfigFile(const std::string& path,
                                                const Environment& environment) {
  CRIA_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxYamlBytes));
  return ReadStackConfig(text, path, environment);
}

}  // namespace cria::stack
