// Where the server keeps things, and how it knows who asks: one row a kind.
#include "stack/provider_tables.h"

namespace cria::stack {
namespace {

constexpr ConfigKey Secret(const char* name, const char* variable = nullptr) {
  return {name, ValueType::kString, nullptr, nullptr, variable, true};
}

constexpr ConfigKey kCommon[] = {{"namespace"}};
constexpr ConfigKey kSqlite[] = {
    {"db_path", ValueType::kPath, nullptr, "File of the database", nullptr, false, true}};
constexpr ConfigKey kServer[] = {{"host", ValueType::kString, "localhost", "Host"},
                                 {"port", ValueType::kInteger, nullptr, "Port"}};
constexpr ConfigKey kPostgres[] = {{"host", ValueType::kString, "localhost", "Host"},
                                   {"port", ValueType::kInteger, "5432", "Port"},
                                   {"db", ValueType::kString, "llamastack", "Database"},
                                   {"user", ValueType::kString, "llamastack", "User"},
                                   Secret("password", "POSTGRES_PASSWORD"),
                                   {"ssl_mode"},
                                   {"ca_cert_path", ValueType::kPath},
                                   {"table_name", ValueType::kString, "llamastack_kvstore"},
                                   {"pool_size", ValueType::kInteger, "10"},
                                   {"max_overflow", ValueType::kInteger, "20"},
                                   {"pool_recycle", ValueType::kNumber, "-1"},
                                   {"pool_pre_ping", ValueType::kBool, "true"}};
constexpr ConfigKey kMongo[] = {{"host", ValueType::kString, "localhost"},
                                {"port", ValueType::kInteger, "27017"},
                                {"db", ValueType::kString, "llamastack"},
                                {"user"},
                                Secret("password"),
                                {"collection_name", ValueType::kString, "llamastack_kvstore"}};

constexpr ProviderType kBackends[] = {
    {"storage", "kv_sqlite", "", "Keys and values in SQLite", kSqlite, kCommon, true},
    {"storage", "sql_sqlite", "", "Tables in SQLite", kSqlite, kCommon, true},
    {"storage", "kv_postgres", "", "Keys and values in PostgreSQL", kPostgres, kCommon, true},
    {"storage", "sql_postgres", "", "Tables in PostgreSQL", kPostgres, kCommon, true},
    {"storage", "kv_redis", "", "Redis", kServer, kCommon, false},
    {"storage", "kv_mongodb", "", "MongoDB", kMongo, kCommon, false},
};

constexpr ConfigKey kOauth2[] = {{"audience", ValueType::kString, "llama-stack"},
                                 {"verify_tls", ValueType::kBool, "true"},
                                 {"tls_cafile", ValueType::kPath},
                                 {"issuer"},
                                 {"claims_mapping", ValueType::kMap},
                                 {"jwks", ValueType::kMap},
                                 {"introspection", ValueType::kMap}};
constexpr ConfigKey kGitHub[] = {{"github_api_base_url", ValueType::kUrl, "https://api.github.com"},
                                 {"claims_mapping", ValueType::kMap}};
constexpr ConfigKey kCustom[] = {
    {"endpoint", ValueType::kUrl, nullptr, nullptr, nullptr, false, true}};
constexpr ConfigKey kKubernetes[] = {
    {"api_server_url", ValueType::kUrl, "https://kubernetes.default.svc"},
    {"verify_tls", ValueType::kBool, "true"},
    {"tls_cafile", ValueType::kPath},
    {"claims_mapping", ValueType::kMap}};
constexpr ConfigKey kUpstreamHeader[] = {
    {"principal_header", ValueType::kString, nullptr, nullptr, nullptr, false, true},
    {"attributes_header"}};
// [{sha256: of the token, principal, attributes: {roles: [...]}}]
constexpr ConfigKey kStaticTokens[] = {
    {"tokens", ValueType::kAny, nullptr, nullptr, nullptr, false, true}};
constexpr std::span<const ConfigKey> kNone;

constexpr ProviderType kAuth[] = {
    {"auth", "static_tokens", "", "Tokens that the configuration lists, as hashes", kStaticTokens,
     kNone, true},
    {"auth", "oauth2_token", "", "Tokens of OAuth 2", kOauth2, kNone, true},
    {"auth", "github_token", "", "Tokens of GitHub", kGitHub, kNone, true},
    {"auth", "custom", "", "An endpoint that judges keys", kCustom, kNone, true},
    {"auth", "kubernetes", "", "Tokens of Kubernetes service accounts", kKubernetes, kNone, true},
    {"auth", "upstream_header", "", "A header that a trusted proxy sets", kUpstreamHeader, kNone,
     true},
};

}  // namespace

std::span<const ProviderType> BackendTable() { return kBackends; }
std::span<const ProviderType> AuthTable() { return kAuth; }

}  // namespace cria::stack
