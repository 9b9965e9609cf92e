// What remote servers say when they refuse or fail, as absl::Status.
#ifndef CRIA_PROVIDER_OPENAI_ERROR_H_
#define CRIA_PROVIDER_OPENAI_ERROR_H_

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"

namespace cria::provider {

// Who answered, for messages.
struct RemoteName {
  std::string provider;  // "provider 'local' (remote::vllm at http://host:8000)"
  std::string key_hint;  // how to give it a key; may be empty
  std::string secret;    // the key in use: never shown, even where the server repeats it
};

// Of a response with an error's HTTP status: 400, 422 kInvalidArgument; 401 kUnauthenticated; 403
// kPermissionDenied; 404 kNotFound; 408, 504 kDeadlineExceeded; 413, 429 kResourceExhausted; 501
// kUnimplemented; another 4xx kInvalidArgument; the rest kUnavailable. The message has what the
// body says, in one short line.
absl::Status RemoteError(const RemoteName& name, int http_status, std::string_view body);

// Of an error that comes inside a stream: by its `code`, if that is an HTTP status, else by its
// `type`; kUnavailable for what is unknown.
absl::Status RemoteErrorInStream(const RemoteName& name, const base::json::object& event);

// `status` with the provider's name in front, and without the secret.
absl::Status AnnotateRemote(const RemoteName& name, const absl::Status& status);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_OPENAI_ERROR_H_
