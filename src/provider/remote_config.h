// The configuration of a remote inference provider, as run.yaml has it.
#ifndef CRIA_PROVIDER_REMOTE_CONFIG_H_
#define CRIA_PROVIDER_REMOTE_CONFIG_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "provider/http_pool.h"
#include "provider/remote_types.h"

namespace cria::provider {

struct RemoteConfig {
  const RemoteType* type = nullptr;  // in the table: never dangles
  std::string id;                    // the provider's id
  // Where the routes begin, without a slash at its end: "http://localhost:8000/v1". Of another
  // Llama Stack its root.
  std::string base_url;
  std::string query;    // for every URL: "?api-version=..."; may be empty
  std::string api_key;  // empty: none
  std::shared_ptr<const HttpSettings> http;
  std::vector<std::string> headers;            // "Name: value", with every request
  std::vector<std::string> allowed_models;     // empty: any
  std::map<std::string, std::string> aliases;  // what clients say -> what the server says
  std::optional<int64_t> max_tokens;           // where a request has none
  // Of another Llama Stack: keys of a request's provider data -> headers they are sent as.
  std::vector<std::pair<std::string, std::string>> forward_headers;
};

// Reads the keys of Llama Stack, of all its versions:
//   base_url or url; host and port
//   api_key or api_token
//   allowed_models [..], model_aliases {name: the server's name}
//   network {tls {verify: bool or CA file, min_version, ciphers, client_cert, client_key},
//            proxy {url, http, https, cacert, no_proxy}, timeout: seconds or {connect, read},
//            headers {name: value}}
//   tls_verify, max_tokens (vllm), timeout (nvidia), api_version (azure),
//   forward_headers {key: header}, extra_blocked_headers [..] (passthrough)
// Empty strings count as absent. kInvalidArgument names the key: unknown ones, wrong types, what
// can't be used, and what is missing. kUnimplemented: a type that isn't in the table.
absl::StatusOr<RemoteConfig> ReadRemoteConfig(const std::string& provider_type,
                                              const std::string& provider_id,
                                              const base::json::object& config);

// `network` alone (null: the defaults), for a server whose scheme is `https` or not.
absl::StatusOr<HttpSettings> ReadNetwork(const base::json::object* network, bool https);

// kInvalidArgument names `key`: the header can't be sent, or would say something about the
// connection or the body.
absl::Status CheckHeader(const std::string& name, const std::string& value, const std::string& key);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_REMOTE_CONFIG_H_
