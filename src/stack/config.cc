#include "stack/config.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "stack/provider_catalogue.h"
#include "stack/yaml_document.h"

namespace cria::stack {
namespace {

namespace json = base::json;

// Adds a text unless it is empty.
void Add(json::object* object, std::string_view key, const std::string& text) {
  if (!text.empty()) (*object)[key] = text;
}
void AddList(json::object* object, std::string_view key, const std::vector<std::string>& list) {
  if (!list.empty()) (*object)[key] = json::value_from(list);
}
void AddObject(json::object* object, std::string_view key, json::object value) {
  if (!value.empty()) (*object)[key] = std::move(value);
}
void AddUnless(json::object* object, std::string_view key, int64_t value, int64_t default_value) {
  if (value != default_value) (*object)[key] = value;
}

json::object ProvidersJson(const StackConfig& config) {
  json::object providers;
  for (const auto& [api, entries] : config.providers) {
    json::array list;
    for (const ProviderEntry& entry : entries)
      list.push_back(json::object{
          {"provider_id", entry.id}, {"provider_type", entry.type}, {"config", entry.config}});
    providers[api] = std::move(list);
  }
  return providers;
}

json::object StoreJson(const StoreReference& store) {
  json::object object;
  const StoreReference defaults;
  Add(&object, "namespace", store.name_space);
  Add(&object, "table_name", store.table_name);
  object["backend"] = store.backend;
  AddUnless(&object, "max_write_queue_size", store.max_write_queue_size,
            defaults.max_write_queue_size);
  AddUnless(&object, "num_writers", store.num_writers, defaults.num_writers);
  return object;
}

json::object StorageJson(const Storage& storage) {
  json::object backends, stores;
  for (const auto& [name, backend] : storage.backends) {
    json::object object{{"type", backend.type}};
    for (const auto& setting : backend.settings) object[setting.key()] = setting.value();
    backends[name] = std::move(object);
  }
  for (const auto& [name, store] : storage.stores) stores[name] = StoreJson(store);
  return {{"backends", std::move(backends)}, {"stores", std::move(stores)}};
}

json::object ResourcesJson(const RegisteredResources& resources) {
  json::object object;
  json::array models, shields;
  for (const ModelEntry& model : resources.models) {
    json::object entry{{"model_id", model.id}};
    Add(&entry, "provider_id", model.provider_id);
    Add(&entry, "provider_model_id", model.provider_model_id);
    if (model.type == provider::ModelType::kEmbedding) entry["model_type"] = "embedding";
    if (model.if_present) entry["if_present"] = true;
    AddObject(&entry, "metadata", model.metadata);
    models.push_back(std::move(entry));
  }
  for (const ShieldEntry& shield : resources.shields) {
    json::object entry{{"shield_id", shield.id}};
    Add(&entry, "provider_id", shield.provider_id);
    Add(&entry, "provider_shield_id", shield.provider_shield_id);
    AddObject(&entry, "params", shield.params);
    shields.push_back(std::move(entry));
  }
  object["models"] = std::move(models);
  if (!shields.empty()) object["shields"] = std::move(shields);
  for (const auto& [kind, list] : resources.others) object[kind] = list;
  return object;
}

std::string ConditionText(const AccessCondition& condition) {
  using Kind = AccessCondition::Kind;
  switch (condition.kind) {
    case Kind::kUserWith:
      return absl::StrCat("user with ", condition.value, " in ", condition.attribute);
    case Kind::kUserNotWith:
      return absl::StrCat("user with ", condition.value, " not in ", condition.attribute);
    case Kind::kIsOwner:
      return "user is owner";
    case Kind::kIsNotOwner:
      return "user is not owner";
    case Kind::kInOwners:
      return absl::StrCat("user in owners ", condition.attribute);
    case Kind::kNotInOwners:
      return absl::StrCat("user not in owners ", condition.attribute);
  }
  return "";
}

json::array RulesJson(const std::vector<AccessRule>& rules) {
  json::array array;
  for (const AccessRule& rule : rules) {
    json::object scope, entry;
    AddList(&scope, "paths", rule.paths);
    Add(&scope, "principal", rule.principal);
    AddList(&scope, "actions", rule.actions);
    Add(&scope, "resource", rule.resource);
    entry[rule.permit ? "permit" : "forbid"] = std::move(scope);
    std::vector<std::string> conditions;
    for (const AccessCondition& condition : rule.conditions)
      conditions.push_back(ConditionText(condition));
    AddList(&entry, rule.unless ? "unless" : "when", conditions);
    Add(&entry, "description", rule.description);
    array.push_back(std::move(entry));
  }
  return array;
}

json::object AuthJson(const AuthConfig& auth) {
  json::object provider{{"type", auth.type}};
  for (const auto& setting : auth.settings) provider[setting.key()] = setting.value();
  json::object object{{"provider_config", std::move(provider)}};
  if (!auth.route_policy.empty()) object["route_policy"] = RulesJson(auth.route_policy);
  if (!auth.access_policy.empty()) object["access_policy"] = RulesJson(auth.access_policy);
  return object;
}

json::object CorsJson(const CorsConfig& cors) {
  json::object object;
  AddList(&object, "allow_origins", cors.allow_origins);
  Add(&object, "allow_origin_regex", cors.allow_origin_regex);
  object["allow_methods"] = json::value_from(cors.allow_methods);
  AddList(&object, "allow_headers", cors.allow_headers);
  if (cors.allow_credentials) object["allow_credentials"] = true;
  AddList(&object, "expose_headers", cors.expose_headers);
  AddUnless(&object, "max_age", cors.max_age, CorsConfig().max_age);
  return object;
}

json::object LimitsJson(const ServerLimits& limits) {
  const ServerLimits defaults;
  json::object object;
  const auto add = [&](const char* key, int64_t ServerLimits::*member) {
    AddUnless(&object, key, limits.*member, defaults.*member);
  };
  add("max_connections", &ServerLimits::max_connections);
  add("max_body_bytes", &ServerLimits::max_body_bytes);
  add("max_header_bytes", &ServerLimits::max_header_bytes);
  add("header_timeout_seconds", &ServerLimits::header_timeout_seconds);
  add("body_timeout_seconds", &ServerLimits::body_timeout_seconds);
  add("idle_timeout_seconds", &ServerLimits::idle_timeout_seconds);
  add("write_timeout_seconds", &ServerLimits::write_timeout_seconds);
  add("shutdown_timeout_seconds", &ServerLimits::shutdown_timeout_seconds);
  return object;
}

json::object ServerJson(const ServerConfig& server) {
  const ServerConfig defaults;
  json::object object{{"port", server.port}};
  Add(&object, "host", server.host);
  Add(&object, "tls_certfile", server.tls_certfile);
  Add(&object, "tls_keyfile", server.tls_keyfile);
  Add(&object, "tls_cafile", server.tls_cafile);
  AddUnless(&object, "workers", server.workers, defaults.workers);
  AddUnless(&object, "registry_refresh_interval_seconds", server.registry_refresh_interval_seconds,
            defaults.registry_refresh_interval_seconds);
  if (server.cors) object["cors"] = CorsJson(*server.cors);
  if (server.quota)
    object["quota"] =
        json::object{{"kvstore", StoreJson(server.quota->kvstore)},
                     {"anonymous_max_requests", server.quota->anonymous_max_requests},
                     {"authenticated_max_requests", server.quota->authenticated_max_requests},
                     {"period", "day"}};
  if (server.auth) object["auth"] = AuthJson(*server.auth);
  AddObject(&object, "limits", LimitsJson(server.limits));
  return object;
}

void Redact(json::value* value) {
  if (json::array* array = value->if_array()) {
    for (json::value& item : *array) Redact(&item);
  } else if (json::object* object = value->if_object()) {
    for (auto& member : *object) {
      if (IsSecretName(member.key()) && member.value().is_primitive()) {
        if (!member.value().is_null()) member.value() = kHiddenSecret;
      } else {
        Redact(&member.value());
      }
    }
  }
}

json::object Defaults(const ProviderType* type, json::object settings) {
  if (type == nullptr) return settings;
  for (const ConfigKey* key : type->Keys()) {
    if (key->default_value == nullptr || settings.contains(key->name)) continue;
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.text = key->default_value;
    node.quoted = key->type == ValueType::kString || key->type == ValueType::kUrl;
    settings[key->name] = ToJson(node);
  }
  return settings;
}

}  // namespace

bool IsSecretName(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower({name.data(), name.size()});
  if (lower == "authorization" || absl::EndsWith(lower, "token")) return true;
  for (const char* part : {"password", "secret", "api_key", "access_key", "api-key"})
    if (absl::StrContains(lower, part)) return true;
  return false;
}

json::object ToJson(const StackConfig& config) {
  json::object object{{"version", 2}, {"distro_name", config.distro_name}};
  Add(&object, "container_image", config.container_image);
  object["apis"] = json::value_from(config.apis);
  object["providers"] = ProvidersJson(config);
  object["storage"] = StorageJson(config.storage);
  object["registered_resources"] = ResourcesJson(config.registered_resources);
  for (const auto& [name, block] : config.other_blocks) object[name] = block;
  if (!config.log_levels.empty())
    object["logging"] = json::object{{"category_levels", json::value_from(config.log_levels)}};
  object["server"] = ServerJson(config.server);
  Add(&object, "external_providers_dir", config.external_providers_dir);
  Add(&object, "external_apis_dir", config.external_apis_dir);
  return object;
}

json::object RedactedJson(const StackConfig& config) {
  json::value value = ToJson(config);
  Redact(&value);
  return value.as_object();
}

json::object RedactedConfig(const ProviderEntry& provider) {
  json::value value = provider.config;
  Redact(&value);
  return value.as_object();
}

json::object WithDefaults(const std::string& api, const ProviderEntry& provider) {
  return Defaults(FindProviderType(api, provider.type), provider.config);
}

json::object WithDefaults(const StorageBackend& backend) {
  return Defaults(FindBackendType(backend.type), backend.settings);
}

absl::Status CheckRunnable(const StackConfig& config) {
  std::vector<std::string> missing;
  for (const std::string& api : config.apis) {
    const auto entries = config.providers.find(api);
    if (entries == config.providers.end()) continue;
    for (const ProviderEntry& entry : entries->second) {
      const ProviderType* type = FindProviderType(api, entry.type);
      if (type == nullptr || !type->available)
        missing.push_back(absl::StrCat(api, " provider '", entry.id, "' (", entry.type, ")"));
    }
  }
  for (const auto& [name, backend] : config.storage.backends) {
    const ProviderType* type = FindBackendType(backend.type);
    if (type == nullptr || !type->available)
      missing.push_back(absl::StrCat("storage backend '", name, "' (", backend.type, ")"));
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(
      "expected providers that this version runs, found ", absl::StrJoin(missing, ", "),
      ": take them, or their APIs, out of the configuration; `llama stack list-providers` shows "
      "which run"));
}

}  // namespace cria::stack
