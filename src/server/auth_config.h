// Who may ask what: the `auth` section of a server's configuration.
#ifndef CRIA_SERVER_AUTH_CONFIG_H_
#define CRIA_SERVER_AUTH_CONFIG_H_

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace cria::server {

// From a claim of a token ("groups", or "realm_access.roles" for one inside another) to one of the
// attributes "roles", "teams", "projects", "namespaces".
using ClaimsMapping = std::map<std::string, std::string>;

inline ClaimsMapping DefaultClaimsMapping() {
  return {{"sub", "roles"},           {"username", "roles"},   {"groups", "teams"},
          {"team", "teams"},          {"project", "projects"}, {"tenant", "namespaces"},
          {"namespace", "namespaces"}};
}

// Tokens that the configuration itself lists, as hashes.
struct StaticTokensConfig {
  struct Token {
    std::string sha256;  // of the token, 64 hex digits
    std::string principal;
    std::map<std::string, std::vector<std::string>> attributes;
  };
  std::vector<Token> tokens;
};

struct JwksConfig {
  std::string uri;
  std::string token;  // for the server of the keys; may be empty
  std::chrono::seconds key_recheck_period{3600};
};

struct IntrospectionConfig {  // RFC 7662
  std::string url;
  std::string client_id, client_secret;
  bool send_secret_in_body = false;
};

struct Oauth2Config {  // exactly one of jwks and introspection
  std::string audience = "llama-stack";
  std::string issuer;  // empty: any
  bool verify_tls = true;
  std::string tls_cafile;
  ClaimsMapping claims_mapping = DefaultClaimsMapping();
  std::optional<JwksConfig> jwks;
  std::optional<IntrospectionConfig> introspection;
};

struct GithubConfig {
  std::string github_api_base_url = "https://api.github.com";
  ClaimsMapping claims_mapping{{"login", "roles"}, {"organizations", "teams"}};
};

struct KubernetesConfig {
  std::string api_server_url = "https://kubernetes.default.svc";
  bool verify_tls = true;
  std::string tls_cafile;
  ClaimsMapping claims_mapping{{"username", "roles"}, {"groups", "roles"}};
};

struct CustomAuthConfig {
  std::string endpoint;  // is asked by POST for every request
};

// A proxy in front has done it, and nobody else can reach this server.
struct UpstreamHeaderConfig {
  std::string principal_header;
  std::string attributes_header;  // a JSON object of lists; may be empty
};

using AuthProviderConfig = std::variant<StaticTokensConfig, Oauth2Config, GithubConfig,
                                        KubernetesConfig, CustomAuthConfig, UpstreamHeaderConfig>;

// The first rule that fits a request decides. A path is whole, or ends in '*' for all that begin
// so. Conditions: "user with V in A", "user with V not in A"; `when` holds if all of them do,
// `unless` if not all of them do; at most one of the two is there.
struct RouteRule {
  bool permit = true;  // or forbid
  std::vector<std::string> paths;
  std::vector<std::string> when, unless;
  std::string description;
};

struct AuthConfig {
  std::optional<AuthProviderConfig> provider;  // absent: everybody is anonymous
  std::vector<RouteRule> route_policy;         // empty: everybody known may ask everything
};

}  // namespace cria::server

#endif  // CRIA_SERVER_AUTH_CONFIG_H_
