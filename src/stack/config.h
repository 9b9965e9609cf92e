// The configuration of a stack, in the newest form of run.yaml (version 2, StackConfig).
#ifndef CRIA_STACK_CONFIG_H_
#define CRIA_STACK_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "provider/inference.h"

namespace cria::stack {

inline constexpr int kDefaultPort = 8321;

struct ProviderEntry {
  std::string id;
  std::string type;  // as provider_catalogue.h spells it
  // By the newest names of its keys, checked, `~` expanded; keys that the file leaves out are left
  // out (see WithDefaults).
  base::json::object config;
};

// Where things are kept. `settings` are the keys of its type in provider_catalogue.h.
struct StorageBackend {
  std::string type;  // "kv_sqlite", "sql_postgres", ...
  base::json::object settings;
};

// A part of a backend: a namespace of a kv backend, or a table of a sql backend.
struct StoreReference {
  std::string backend;
  std::string name_space, table_name;  // one of them
  int64_t max_write_queue_size = 10'000;
  int64_t num_writers = 4;
};

struct Storage {
  std::map<std::string, StorageBackend> backends;
  // "metadata", "inference", "conversations", "responses", "prompts", "connectors".
  std::map<std::string, StoreReference> stores;
};

struct ModelEntry {
  std::string id;
  std::string provider_id;        // empty: the only inference provider there is
  std::string provider_model_id;  // empty: `id`
  provider::ModelType type = provider::ModelType::kLlm;
  bool if_present = false;  // only while its provider has it
  base::json::object metadata;
};

struct ShieldEntry {
  std::string id, provider_id, provider_shield_id;
  base::json::object params;
};

struct RegisteredResources {
  std::vector<ModelEntry> models;
  std::vector<ShieldEntry> shields;
  // "vector_stores", "tool_groups", "datasets", "scoring_fns", "benchmarks": lists of objects as
  // the file has them.
  std::map<std::string, base::json::array> others;
};

struct CorsConfig {
  std::vector<std::string> allow_origins;
  std::string allow_origin_regex;
  std::vector<std::string> allow_methods = {"OPTIONS"};
  std::vector<std::string> allow_headers;
  bool allow_credentials = false;
  std::vector<std::string> expose_headers;
  int64_t max_age = 600;
};

struct QuotaConfig {
  StoreReference kvstore;
  int64_t anonymous_max_requests = 100;
  int64_t authenticated_max_requests = 1000;  // both: a day
};

// One condition of a rule: "user with admins in roles", "user is owner".
struct AccessCondition {
  enum class Kind : uint8_t {
    kUserWith,
    kUserNotWith,
    kIsOwner,
    kIsNotOwner,
    kInOwners,
    kNotInOwners
  };
  Kind kind = Kind::kIsOwner;
  std::string value;      // kUserWith, kUserNotWith
  std::string attribute;  // and kInOwners, kNotInOwners: "roles", "teams", "projects", "namespaces"
};

// A rule permits or forbids what it matches, when all of `conditions` hold (`unless`: when not all
// of them do). The first that matches decides.
struct AccessRule {
  bool permit = true;
  std::vector<std::string> paths;    // of a route_policy
  std::string principal;             // of an access_policy, as the next two; empty: anybody
  std::vector<std::string> actions;  // "create", "read", "update", "delete"
  std::string resource;              // "model::llama", "model::*", "regex:..."; empty: any
  bool unless = false;
  std::vector<AccessCondition> conditions;
  std::string description;
};

struct AuthConfig {
  std::string type;             // "oauth2_token", ...; see FindAuthType
  base::json::object settings;  // its keys
  std::vector<AccessRule> route_policy, access_policy;
};

// What one client, or all of them, may take.
struct ServerLimits {
  int64_t max_connections = 4096;
  int64_t max_body_bytes = int64_t{64} << 20;
  int64_t max_header_bytes = int64_t{64} << 10;
  int64_t header_timeout_seconds = 15;
  int64_t body_timeout_seconds = 30;
  int64_t idle_timeout_seconds = 75;
  int64_t write_timeout_seconds = 30;
  int64_t shutdown_timeout_seconds = 30;
};

struct ServerConfig {
  int64_t port = kDefaultPort;            // 0: a free one
  std::string host;                       // empty: every interface of this machine
  std::string tls_certfile, tls_keyfile;  // both, or none
  std::string tls_cafile;                 // clients must have a certificate of its
  int64_t workers = 1;
  int64_t registry_refresh_interval_seconds = 300;
  std::optional<CorsConfig> cors;
  std::optional<QuotaConfig> quota;
  std::optional<AuthConfig> auth;
  ServerLimits limits;
};

// How a scalar stood in the file where that isn't its value: "${env.PORT:=8321}".
struct WrittenScalar {
  std::string raw;
  base::json::value value;
};

struct StackConfig {
  std::string distro_name;
  std::string container_image;
  std::vector<std::string> apis;  // those to serve, by their newest names
  std::map<std::string, std::vector<ProviderEntry>> providers;  // by API
  Storage storage;
  RegisteredResources registered_resources;
  std::map<std::string, std::string> log_levels;  // logging.category_levels
  ServerConfig server;
  std::string external_providers_dir, external_apis_dir;
  // "vector_stores", "safety", "connectors": as the file has them.
  std::map<std::string, base::json::value> other_blocks;

  // What the writer needs to give back a file as people wrote it; by the path that `key` messages
  // name, in the newest form ("providers.inference[0].config.api_key").
  std::map<std::string, WrittenScalar> written;
  // What the environment switches off, as the file has it: entries of lists ("providers.inference",
  // "registered_resources.models") and the block "server.auth".
  std::vector<std::pair<std::string, base::json::object>> switched_off;
};

// The newest form of run.yaml as JSON, keys in the order in which they are written. Values that are
// their defaults are left out.
base::json::object ToJson(const StackConfig& config);

// The same for people and clients: secrets are "********".
base::json::object RedactedJson(const StackConfig& config);

// A provider's config with secrets as "********", for GET /v1/providers.
base::json::object RedactedConfig(const ProviderEntry& provider);

inline constexpr char kHiddenSecret[] = "********";
// Whether a key of that name holds a secret: "api_key", "password", "Authorization", ...
bool IsSecretName(std::string_view name);

// A provider's config, and a backend's settings, with the defaults of what is left out.
base::json::object WithDefaults(const std::string& api, const ProviderEntry& provider);
base::json::object WithDefaults(const StorageBackend& backend);

// Nothing to do with what a file says, but with what this build can do: kUnimplemented names the
// providers, backends and settings that it doesn't run. Called before a stack is started.
absl::Status CheckRunnable(const StackConfig& config);

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_H_
