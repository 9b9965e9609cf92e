#include "provider/remote_config.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/quote.h"

namespace cria::provider {
namespace {

namespace json = base::json;

// Those that mean something here, and those that Llama Stack has and only concern its registry.
constexpr const char* kKeys[] = {"base_url",
                                 "url",
                                 "host",
                                 "port",
                                 "api_key",
                                 "api_token",
                                 "allowed_models",
                                 "refresh_models",
                                 "model_aliases",
                                 "network",
                                 "tls_verify",
                                 "max_tokens",
                                 "timeout",
                                 "api_version",
                                 "api_type",
                                 "append_api_version",
                                 "rerank_model_to_url",
                                 "forward_headers",
                                 "extra_blocked_headers",
                                 "raise_on_connect_error"};

absl::Status Bad(const std::string& key, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("'", key, "': ", what));
}

absl::Status WrongType(const std::string& key, const std::string& expected,
                       const json::value& value) {
  return Bad(
      key, absl::StrCat("expected ", expected, ", found ", std::string(base::JsonTypeName(value))));
}

std::string Text(const json::string& text) { return {text.data(), text.size()}; }
std::string Text(json::string_view text) { return {text.data(), text.size()}; }

absl::Status CheckKeys(const json::object& config) {
  for (const auto& member : config) {
    const std::string key = Text(member.key());
    if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys))
      return Bad(key, absl::StrCat("no such key; there are ", absl::StrJoin(kKeys, ", ")));
  }
  return absl::OkStatus();
}

// The first of two spellings that is there and not empty.
absl::StatusOr<std::string> Either(const json::object& config, const char* key, const char* other) {
  for (const char* name : {key, other}) {
    CRIA_ASSIGN_OR_RETURN(const auto text, base::GetString(config, name));
    if (text && !text->empty()) return *text;
  }
  return std::string();
}

absl::StatusOr<std::vector<std::string>> StringsIn(const json::object& config,
                                                   const std::string& key) {
  std::vector<std::string> items;
  const json::value* value = base::Find(config, key);
  if (value == nullptr) return items;
  if (!value->is_array()) return WrongType(key, "a list of strings", *value);
  for (const json::value& item : value->get_array()) {
    if (!item.is_string()) return WrongType(key, "a list of strings", item);
    items.push_back(Text(item.get_string()));
  }
  return items;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> PairsIn(
    const json::object& object, const std::string& key, const std::string& where = "") {
  std::vector<std::pair<std::string, std::string>> pairs;
  const json::value* value = base::Find(object, key);
  if (value == nullptr) return pairs;
  if (!value->is_object()) return WrongType(where + key, "an object of strings", *value);
  for (const auto& [name, member] : value->get_object()) {
    if (!member.is_string())
      return WrongType(absl::StrCat(where, key, ".", Text(name)), "a string", member);
    pairs.emplace_back(Text(name), Text(member.get_string()));
  }
  return pairs;
}

// base_url, url, or host and port; as it is written.
absl::StatusOr<std::string> UrlIn(const RemoteType& type, const json::object& config) {
  CRIA_ASSIGN_OR_RETURN(const std::string url, Either(config, "base_url", "url"));
  if (!url.empty()) return url;
  CRIA_ASSIGN_OR_RETURN(const auto host, base::GetString(config, "host"));
  CRIA_ASSIGN_OR_RETURN(const auto port, base::GetInt(config, "port"));
  if (port && (*port < 1 || *port > 65535))
    return Bad("port", absl::StrCat("expected 1 to 65535, found ", *port));
  if (host && !host->empty()) {
    const bool bare_ipv6 = absl::StrContains(*host, ":") && !absl::StartsWith(*host, "[");
    const std::string name = bare_ipv6 ? absl::StrCat("[", *host, "]") : *host;
    return absl::StrCat(absl::StrContains(*host, "://") ? *host : "http://" + name,
                        port ? absl::StrCat(":", *port) : "");
  }
  if (type.default_url.empty())
    return Bad("base_url", absl::StrCat("is missing: ", std::string(type.type),
                                        " needs the URL of its server"));
  return std::string(type.default_url);
}

// Without a slash at the end; with the type's path where it has none.
absl::StatusOr<std::string> BaseUrl(const RemoteType& type, const json::object& config) {
  CRIA_ASSIGN_OR_RETURN(std::string url, UrlIn(type, config));
  while (absl::EndsWith(url, "/")) url.pop_back();
  const std::string server = ServerOf(url);
  if (server.empty() || url.find_first_of(" ?#\t\r\n@") != std::string::npos)
    return Bad("base_url",
               absl::StrCat("expected a URL like http://host:port", std::string(type.api_path),
                            " without user, query and fragment, found one that isn't"));
  if (type.kind == RemoteKind::kLlamaStack) return url;
  const size_t path = url.find('/', url.find("://") + 3);
  if (path == std::string::npos) absl::StrAppend(&url, std::string(type.api_path));
  return url;
}

absl::Status ReadHeaders(const json::object& config, RemoteConfig* result) {
  const json::object* network = base::FindObject(config, "network");
  if (network != nullptr) {
    CRIA_ASSIGN_OR_RETURN(const auto headers, PairsIn(*network, "headers", "network."));
    for (const auto& [name, value] : headers) {
      CRIA_RETURN_IF_ERROR(CheckHeader(name, value, "network.headers." + name));
      result->headers.push_back(absl::StrCat(name, ": ", value));
    }
  }
  CRIA_ASSIGN_OR_RETURN(result->forward_headers, PairsIn(config, "forward_headers"));
  CRIA_ASSIGN_OR_RETURN(const auto blocked, StringsIn(config, "extra_blocked_headers"));
  for (const auto& [key, name] : result->forward_headers) {
    CRIA_RETURN_IF_ERROR(CheckHeader(name, "", "forward_headers." + key));
    for (const std::string& other : blocked)
      if (absl::EqualsIgnoreCase(other, name))
        return Bad("forward_headers." + key,
                   absl::StrCat("the header ", name, " is one of extra_blocked_headers"));
  }
  return absl::OkStatus();
}

absl::Status ReadHttp(const json::object& config, RemoteConfig* result) {
  const json::value* network = base::Find(config, "network");
  if (network != nullptr && !network->is_object())
    return WrongType("network", "an object", *network);
  CRIA_ASSIGN_OR_RETURN(HttpSettings settings,
                        ReadNetwork(network == nullptr ? nullptr : &network->get_object(),
                                    absl::StartsWithIgnoreCase(result->base_url, "https")));
  if (const json::value* verify = base::Find(config, "tls_verify")) {
    if (verify->is_bool()) {
      settings.verify_tls = settings.verify_tls && verify->get_bool();
    } else if (verify->is_string()) {
      settings.ca_file = Text(verify->get_string());
      if (!base::FileExists(settings.ca_file))
        return Bad("tls_verify", absl::StrCat("there is no file ", base::Quote(settings.ca_file)));
    } else {
      return WrongType("tls_verify", "true, false or a file of certificates", *verify);
    }
  }
  CRIA_ASSIGN_OR_RETURN(const auto timeout, base::GetDouble(config, "timeout"));
  if (timeout) {
    if (!(*timeout > 0.001 && *timeout < 1e6))
      return Bad("timeout", absl::StrCat("expected seconds above 0, found ", *timeout));
    settings.read_timeout = std::chrono::milliseconds(static_cast<int64_t>(*timeout * 1000));
  }
  result->http = std::make_shared<const HttpSettings>(std::move(settings));
  return absl::OkStatus();
}

absl::Status ReadModels(const json::object& config, RemoteConfig* result) {
  CRIA_ASSIGN_OR_RETURN(result->allowed_models, StringsIn(config, "allowed_models"));
  CRIA_ASSIGN_OR_RETURN(const auto aliases, PairsIn(config, "model_aliases"));
  result->aliases.insert(aliases.begin(), aliases.end());
  CRIA_ASSIGN_OR_RETURN(result->max_tokens, base::GetInt(config, "max_tokens"));
  if (result->max_tokens && *result->max_tokens < 1)
    return Bad("max_tokens", absl::StrCat("expected at least 1, found ", *result->max_tokens));
  return absl::OkStatus();
}

absl::Status ReadAll(const json::object& config, RemoteConfig* result) {
  CRIA_RETURN_IF_ERROR(CheckKeys(config));
  CRIA_ASSIGN_OR_RETURN(result->base_url, BaseUrl(*result->type, config));
  CRIA_ASSIGN_OR_RETURN(result->api_key, Either(config, "api_key", "api_token"));
  CRIA_RETURN_IF_ERROR(CheckHeader("Authorization", result->api_key, "api_key"));
  CRIA_ASSIGN_OR_RETURN(const auto version, base::GetString(config, "api_version"));
  if (version && !version->empty()) {
    if (version->find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") != std::string::npos)
      return Bad("api_version", absl::StrCat("expected a date, found ", base::Quote(*version)));
    result->query = absl::StrCat("?api-version=", *version);
  }
  CRIA_RETURN_IF_ERROR(ReadHttp(config, result));
  CRIA_RETURN_IF_ERROR(ReadHeaders(config, result));
  return ReadModels(config, result);
}

}  // namespace

absl::StatusOr<RemoteConfig> ReadRemoteConfig(const std::string& provider_type,
                                              const std::string& provider_id,
                                              const json::object& config) {
  RemoteConfig result;
  result.id = provider_id;
  result.type = FindRemoteType(provider_type);
  if (result.type == nullptr) {
    std::vector<std::string> names;
    for (const std::string_view name : RemoteTypeNames()) names.emplace_back(name);
    return absl::UnimplementedError(absl::StrCat(
        "provider ", base::Quote(provider_id), ": there is no inference provider ",
        base::Quote(provider_type), "; the remote ones are ", absl::StrJoin(names, ", ")));
  }
  if (const absl::Status status = ReadAll(config, &result); !status.ok())
    return absl::Status(status.code(),
                        absl::StrCat("provider ", base::Quote(provider_id), " (", provider_type,
                                     "): config key ", std::string(status.message())));
  return result;
}

}  // namespace cria::provider
