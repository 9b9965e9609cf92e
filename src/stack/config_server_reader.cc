#include "stack/config_server_reader.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace cria::stack {
namespace {

constexpr int64_t kLowestPort = 1024;
constexpr int64_t kHighestPort = 65535;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kMostSeconds = int64_t{365} * 24 * 3600;

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// `cors: true`: pages that this machine serves.
CorsConfig LocalCors() {
  CorsConfig cors;
  cors.allow_origin_regex = "https?://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[0-9]+)?";
  cors.allow_methods = {"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"};
  cors.allow_headers = {"*"};
  return cors;
}

void ReadCors(Fields& server, StackConfig* config, ReadContext& context) {
  const YamlNode* node = server.Get("cors");
  if (node == nullptr) return;
  if (!node->is_map()) {
    if (server.Bool("cors", false)) config->server.cors = LocalCors();
    return;
  }
  CorsConfig cors;
  Fields fields(*node, "server.cors", context);
  cors.allow_origins = fields.Strings("allow_origins");
  cors.allow_origin_regex = fields.String("allow_origin_regex");
  cors.allow_methods = fields.Strings("allow_methods", cors.allow_methods);
  cors.allow_headers = fields.Strings("allow_headers");
  cors.allow_credentials = fields.Bool("allow_credentials", false);
  cors.expose_headers = fields.Strings("expose_headers");
  cors.max_age = fields.Integer("max_age", 0, kMostSeconds, cors.max_age);
  fields.Finish();
  const bool any = std::find(cors.allow_origins.begin(), cors.allow_origins.end(), "*") !=
                   cors.allow_origins.end();
  if (any && cors.allow_credentials)
    context.Expected(*fields.Get("allow_origins"), "origins by name, as allow_credentials is true",
                     "'*'");
  config->server.cors = std::move(cors);
}

void ReadQuota(Fields& server, StackConfig* config, ReadContext& context) {
  const YamlNode* node = server.Get("quota");
  if (node == nullptr) return;
  QuotaConfig quota;
  Fields fields(*node, "server.quota", context);
  if (const YamlNode* store = fields.Require("kvstore", "a backend and a namespace");
      store != nullptr)
    quota.kvstore = ReadStoreReference(*store, "server.quota.kvstore", false, *config, context);
  quota.anonymous_max_requests =
      fields.Integer("anonymous_max_requests", 0, kMost, quota.anonymous_max_requests);
  quota.authenticated_max_requests =
      fields.Integer("authenticated_max_requests", 0, kMost, quota.authenticated_max_requests);
  if (const YamlNode* period = fields.Get("period"); period != nullptr && period->text != "day")
    context.Expected(*period, "day");
  fields.Finish();
  config->server.quota = std::move(quota);
}

std::optional<AccessCondition> ParseCondition(const std::string& text) {
  using Kind = AccessCondition::Kind;
  const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  AccessCondition condition;
  const auto is = [&](std::initializer_list<const char*> pattern) {  // "" matches any word
    return words.size() == pattern.size() &&
           std::equal(words.begin(), words.end(), pattern.begin(),
                      [](const std::string& word, const char* expected) {
                        return *expected == '\0' || word == expected;
                      });
  };
  if (is({"user", "is", "owner"})) return condition;
  if (is({"user", "is", "not", "owner"})) {
    condition.kind = Kind::kIsNotOwner;
    return condition;
  }
  if (is({"user", "with", "", "in", ""})) {
    condition.kind = Kind::kUserWith;
    condition.value = words[2];
  } else if (is({"user", "with", "", "not", "in", ""})) {
    condition.kind = Kind::kUserNotWith;
    condition.value = words[2];
  } else if (is({"user", "in", "owners", ""})) {
    condition.kind = Kind::kInOwners;
  } else if (is({"user", "not", "in", "owners", ""})) {
    condition.kind = Kind::kNotInOwners;
  } else {
    return std::nullopt;
  }
  condition.attribute = words.back();
  if (!IsOneOf(condition.attribute, {"roles", "teams", "projects", "namespaces"}))
    return std::nullopt;
  return condition;
}

void ReadConditions(Fields& fields, AccessRule* rule, ReadContext& context) {
  const YamlNode* when = fields.Get("when");
  const YamlNode* unless = fields.Get("unless");
  if (when != nullptr && unless != nullptr)
    return context.Expected(*unless, "when or unless", "both");
  const YamlNode* said = when != nullptr ? when : unless;
  rule->unless = unless != nullptr;
  for (const std::string& text : fields.Strings(rule->unless ? "unless" : "when")) {
    const auto condition = ParseCondition(text);
    if (!condition)
      return context.Expected(
          *said,
          "'user [not] in owners A', 'user with V [not] in A' or 'user is [not] owner' with A one "
          "of roles, teams, projects, namespaces",
          absl::StrCat("'", text, "'"));
    rule->conditions.push_back(*condition);
  }
}

AccessRule ReadRule(const YamlNode& node, const std::string& path, bool of_routes,
                    ReadContext& context) {
  AccessRule rule;
  Fields fields(node, path, context);
  const YamlNode* permit = fields.Get("permit");
  const YamlNode* forbid = fields.Get("forbid");
  if ((permit == nullptr) == (forbid == nullptr)) {
    context.Expected(node, "permit or forbid", permit == nullptr ? "neither" : "both");
    return rule;
  }
  rule.permit = permit != nullptr;
  const char* verb = rule.permit ? "permit" : "forbid";
  Fields scope(rule.permit ? *permit : *forbid, fields.PathOf(verb), context);
  if (of_routes) {
    if (scope.Require("paths", "a list of paths") != nullptr) rule.paths = scope.Strings("paths");
  } else {
    rule.principal = scope.String("principal");
    rule.resource = scope.String("resource");
    rule.actions = scope.Strings("actions");
    for (const std::string& action : rule.actions)
      if (!IsOneOf(action, {"create", "read", "update", "delete"}))
        context.Expected(*scope.Get("actions"), "create, read, update or delete",
                         absl::StrCat("'", action, "'"));
  }
  scope.Finish();
  ReadConditions(fields, &rule, context);
  rule.description = fields.String("description");
  fields.Finish();
  return rule;
}

std::vector<AccessRule> ReadRules(Fields& auth, const char* key, ReadContext& context) {
  std::vector<AccessRule> rules;
  const YamlNode* list = auth.Get(key);
  if (list == nullptr) return rules;
  if (!list->is_sequence()) context.Expected(*list, "a list of rules");
  for (const YamlNode& item : list->items)
    rules.push_back(ReadRule(item, absl::StrCat(auth.PathOf(key), "[", rules.size(), "]"),
                             std::string_view(key) == "route_policy", context));
  return rules;
}

void ReadAuth(Fields& server, StackConfig* config, ReadContext& context) {
  const YamlNode* node = server.Get("auth");
  if (node == nullptr) return;
  AuthConfig auth;
  Fields fields(*node, "server.auth", context);
  const YamlNode* provider = fields.Get("provider_config");
  auth.route_policy = ReadRules(fields, "route_policy", context);
  auth.access_policy = ReadRules(fields, "access_policy", context);
  fields.Finish();
  if (provider == nullptr) return;
  Fields provider_fields(*provider, "server.auth.provider_config", context);
  const YamlNode* type_name = provider_fields.Get("type");
  if (type_name == nullptr) return;  // switched off
  const ProviderType* type = FindAuthType(type_name->text);
  if (type == nullptr) {
    std::vector<std::string> known;
    for (const ProviderType* one : AuthTypes()) known.emplace_back(one->type);
    return context.Expected(*type_name, absl::StrCat("one of ", absl::StrJoin(known, ", ")));
  }
  auth.type = type->type;
  auth.settings = ReadSettings(*provider, *type, provider_fields.path(), context, {"type"});
  config->server.auth = std::move(auth);
}

void ReadLimits(Fields& server, ServerLimits* limits, ReadContext& context) {
  const YamlNode* node = server.Get("limits");
  if (node == nullptr) return;
  Fields fields(*node, "server.limits", context);
  const auto read = [&](const char* key, int64_t low, int64_t high, int64_t* value) {
    *value = fields.Integer(key, low, high, *value);
  };
  read("max_connections", 1, 1'000'000, &limits->max_connections);
  read("max_body_bytes", 1024, int64_t{16} << 30, &limits->max_body_bytes);
  read("max_header_bytes", 1024, int64_t{16} << 20, &limits->max_header_bytes);
  read("header_timeout_seconds", 1, kMostSeconds, &limits->header_timeout_seconds);
  read("body_timeout_seconds", 1, kMostSeconds, &limits->body_timeout_seconds);
  read("idle_timeout_seconds", 1, kMostSeconds, &limits->idle_timeout_seconds);
  read("write_timeout_seconds", 1, kMostSeconds, &limits->write_timeout_seconds);
  read("shutdown_timeout_seconds", 1, kMostSeconds, &limits->shutdown_timeout_seconds);
  fields.Finish();
}

void ReadTls(Fields& fields, ServerConfig* server, ReadContext& context) {
  server->tls_certfile = fields.Path("tls_certfile");
  server->tls_keyfile = fields.Path("tls_keyfile");
  server->tls_cafile = fields.Path("tls_cafile");
  if (server->tls_certfile.empty() != server->tls_keyfile.empty())
    context.Expected(*fields.Get(server->tls_certfile.empty() ? "tls_keyfile" : "tls_certfile"),
                     "tls_certfile and tls_keyfile, both or none", "one of them");
  if (!server->tls_cafile.empty() && server->tls_certfile.empty())
    context.Expected(*fields.Get("tls_cafile"), "tls_certfile and tls_keyfile beside it", "none");
}

}  // namespace

void ReadServer(Fields& top, StackConfig* config, ReadContext& context) {
  const YamlNode* node = top.Get("server");
  if (node == nullptr) return;
  ServerConfig& server = config->server;
  Fields fields(*node, "server", context);
  server.port = fields.Integer("port", kLowestPort, kHighestPort, server.port);
  server.host = fields.String("host");
  ReadTls(fields, &server, context);
  server.workers = fields.Integer("workers", 1, 1024, server.workers);
  server.registry_refresh_interval_seconds =
      fields.Integer("registry_refresh_interval_seconds", 1, kMostSeconds,
                     server.registry_refresh_interval_seconds);
  if (fields.Bool("disable_ipv6", false) && server.host.empty()) server.host = "0.0.0.0";
  ReadCors(fields, config, context);
  ReadQuota(fields, config, context);
  ReadAuth(fields, config, context);
  ReadLimits(fields, &server.limits, context);
  fields.Finish();
}

}  // namespace cria::stack
