#include "cli/stack_middlewares.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace cria::cli {
namespace {

using base::json::object;

server::CorsOptions CorsFrom(const stack::CorsConfig& config) {
  server::CorsOptions options;
  options.allow_origins = config.allow_origins;
  options.allow_origin_regex = config.allow_origin_regex;
  options.allow_methods = config.allow_methods;
  options.allow_headers = config.allow_headers;
  options.allow_credentials = config.allow_credentials;
  options.expose_headers = config.expose_headers;
  options.max_age = static_cast<int>(config.max_age);
  return options;
}

// Fields of an auth provider's settings, whose types have been checked.
class Settings {
 public:
  explicit Settings(const object& settings) : settings_(settings) {}

  std::string Text(const char* key, std::string fallback = "") const {
    const auto* found = base::Find(settings_, key);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : fallback;
  }
  bool Flag(const char* key, bool fallback) const {
    const auto* found = base::Find(settings_, key);
    return found != nullptr && found->is_bool() ? found->get_bool() : fallback;
  }
  server::ClaimsMapping Mapping(server::ClaimsMapping fallback) const {
    const object* found = base::FindObject(settings_, "claims_mapping");
    if (found == nullptr) return fallback;
    server::ClaimsMapping mapping;
    for (const auto& [claim, attribute] : *found)
      if (attribute.is_string()) mapping[std::string(claim)] = attribute.get_string();
    return mapping;
  }

 private:
  const object& settings_;
};

server::Oauth2Config Oauth2From(const object& settings) {
  const Settings own(settings);
  server::Oauth2Config config;
  config.audience = own.Text("audience", config.audience);
  config.issuer = own.Text("issuer");
  config.verify_tls = own.Flag("verify_tls", true);
  config.tls_cafile = own.Text("tls_cafile");
  config.claims_mapping = own.Mapping(config.claims_mapping);
  if (const object* found = base::FindObject(settings, "jwks")) {
    const Settings jwks(*found);
    config.jwks = server::JwksConfig{jwks.Text("uri"), jwks.Text("token")};
    const auto period = base::GetInt(*found, "key_recheck_period");
    if (period.ok() && *period) config.jwks->key_recheck_period = std::chrono::seconds(**period);
  }
  if (const object* found = base::FindObject(settings, "introspection")) {
    const Settings introspection(*found);
    config.introspection = server::IntrospectionConfig{
        introspection.Text("url"), introspection.Text("client_id"),
        introspection.Text("client_secret"), introspection.Flag("send_secret_in_body", false)};
  }
  return config;
}

absl::StatusOr<server::AuthProviderConfig> StaticTokensFrom(const object& settings) {
  server::StaticTokensConfig config;
  const base::json::array* tokens = base::FindArray(settings, "tokens");
  if (tokens == nullptr || tokens->empty())
    return absl::InvalidArgumentError(
        "server.auth.provider_config.tokens: expected a list of {sha256, principal, attributes}");
  for (const base::json::value& token : *tokens) {
    if (!token.is_object())
      return absl::InvalidArgumentError(
          "server.auth.provider_config.tokens: expected objects {sha256, principal, attributes}");
    const Settings own(token.get_object());
    server::StaticTokensConfig::Token entry{own.Text("sha256"), own.Text("principal"), {}};
    if (const object* attributes = base::FindObject(token.get_object(), "attributes"))
      for (const auto& [name, values] : *attributes)
        if (values.is_array())
          for (const base::json::value& value : values.get_array())
            if (value.is_string())
              entry.attributes[std::string(name)].emplace_back(value.get_string());
    config.tokens.push_back(std::move(entry));
  }
  return config;
}

absl::StatusOr<server::AuthProviderConfig> AuthProviderFrom(const stack::AuthConfig& config) {
  const Settings own(config.settings);
  if (config.type == "oauth2_token") return Oauth2From(config.settings);
  if (config.type == "static_tokens") return StaticTokensFrom(config.settings);
  if (config.type == "custom") return server::CustomAuthConfig{own.Text("endpoint")};
  if (config.type == "github_token") {
    server::GithubConfig github;
    github.github_api_base_url = own.Text("github_api_base_url", github.github_api_base_url);
    github.claims_mapping = own.Mapping(github.claims_mapping);
    return github;
  }
  if (config.type == "kubernetes") {
    server::KubernetesConfig kubernetes;
    kubernetes.api_server_url = own.Text("api_server_url", kubernetes.api_server_url);
    kubernetes.verify_tls = own.Flag("verify_tls", true);
    kubernetes.tls_cafile = own.Text("tls_cafile");
    kubernetes.claims_mapping = own.Mapping(kubernetes.claims_mapping);
    return kubernetes;
  }
  if (config.type == "upstream_header")
    return server::UpstreamHeaderConfig{own.Text("principal_header"),
                                        own.Text("attributes_header")};
  return absl::UnimplementedError(absl::StrCat(
      "server.auth.provider_config.type: this release doesn't serve '", config.type, "'"));
}

absl::StatusOr<std::string> ConditionText(const stack::AccessCondition& condition) {
  using Kind = stack::AccessCondition::Kind;
  if (condition.kind == Kind::kUserWith)
    return absl::StrCat("user with ", condition.value, " in ", condition.attribute);
  if (condition.kind == Kind::kUserNotWith)
    return absl::StrCat("user with ", condition.value, " not in ", condition.attribute);
  return absl::InvalidArgumentError(
      "server.auth.route_policy: a path has no owner: expected conditions on the user's "
      "attributes");
}

absl::StatusOr<server::RouteRule> RuleFrom(const stack::AccessRule& rule) {
  server::RouteRule out;
  out.permit = rule.permit;
  out.paths = rule.paths;
  out.description = rule.description;
  for (const stack::AccessCondition& condition : rule.conditions) {
    CRIA_ASSIGN_OR_RETURN(std::string text, ConditionText(condition));
    (rule.unless ? out.unless : out.when).push_back(std::move(text));
  }
  return out;
}

absl::StatusOr<server::AuthConfig> AuthFrom(const stack::AuthConfig& config) {
  if (!config.access_policy.empty())
    return absl::UnimplementedError(
        "server.auth.access_policy: this release knows one policy, that owners and those who share "
        "an attribute with them see what was made: expected no access_policy");
  server::AuthConfig out;
  if (!config.type.empty()) {
    CRIA_ASSIGN_OR_RETURN(out.provider, AuthProviderFrom(config));
  }
  for (const stack::AccessRule& rule : config.route_policy) {
    CRIA_ASSIGN_OR_RETURN(server::RouteRule own, RuleFrom(rule));
    out.route_policy.push_back(std::move(own));
  }
  return out;
}

// Counts the request in the store. Who is known counts by name, others by address.
boost::asio::awaitable<absl::Status> CountRequest(store::Store& store, stack::QuotaConfig config,
                                                  const server::Request& request) {
  const bool known = !request.principal.empty();
  store::QuotaRule rule;
  rule.max_requests = known ? config.authenticated_max_requests : config.anonymous_max_requests;
  const std::string key =
      absl::StrCat(known ? "principal " : "address ", known ? request.principal : request.peer);
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto verdict = std::make_shared<absl::StatusOr<store::QuotaUse>>(store::QuotaUse());
  auto start = [&store, &key, &rule, executor, verdict](auto handler) {
    const auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    const auto done = [executor, verdict, resume](const absl::StatusOr<store::QuotaUse>& use) {
      *verdict = use;
      boost::asio::post(executor, [resume] { std::move (*resume)(); });
    };
    const absl::Status queued = store.quota().UseLater(key, rule, done);
    if (!queued.ok()) done(queued);
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      start, boost::asio::use_awaitable);
  if (!verdict->ok()) co_return verdict->status();
  if ((*verdict)->allowed) co_return absl::OkStatus();
  co_return absl::ResourceExhaustedError("Quota exceeded");
}

std::shared_ptr<spdlog::logger> AccessLogger() {
  auto logger =
      std::make_shared<spdlog::logger>("access", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  return logger;
}

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<server::Middleware>>> MakeMiddlewares(
    const stack::ServerConfig& config, const MiddlewareParts& parts) {
  server::MiddlewareOptions options;
  if (parts.access_log) options.access_log = AccessLogger();
  options.metrics = &parts.metrics;
  options.traces = parts.traces;
  options.pool = &parts.pool;
  if (config.cors) options.cors = CorsFrom(*config.cors);
  if (config.auth) {
    CRIA_ASSIGN_OR_RETURN(options.auth, AuthFrom(*config.auth));
  }
  if (config.quota)
    options.quota = [&store = parts.store, quota = *config.quota](const server::Request& request) {
      return CountRequest(store, quota, request);
    };
  return server::StandardMiddlewares(options);
}

std::unique_ptr<server::OtlpExporter> ExporterFromEnvironment() {
  const char* endpoint = std::getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (endpoint == nullptr || *endpoint == '\0') return nullptr;
  server::OtlpOptions options;
  options.endpoint = endpoint;
  if (const char* name = std::getenv("OTEL_SERVICE_NAME")) options.service_name = name;
  return std::make_unique<server::OtlpExporter>(std::move(options));
}

}  // namespace cria::cli
