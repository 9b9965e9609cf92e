// The target of a request line, taken apart and decoded (RFC 3986, RFC 9112 section 3.2).
#ifndef CRIA_SERVER_TARGET_H_
#define CRIA_SERVER_TARGET_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "server/exchange.h"

namespace cria::server {

struct Target {
  std::string raw_path;  // as it came, percent-encoded: for the router
  std::string path;      // decoded
  Headers query;         // decoded, in order; '+' is a space
};

// Origin form ("/v1/models?limit=2"), absolute form ("http://host/v1/models") or "*".
// kInvalidArgument for anything else, for a broken escape, a NUL and what isn't UTF-8.
absl::StatusOr<Target> ParseTarget(std::string_view target);

// "name=value&name=value", percent-encoded, '+' for a space: a query, or a form as a body.
absl::StatusOr<Headers> ParseForm(std::string_view text);

// kInvalidArgument as ParseTarget.
absl::StatusOr<std::string> PercentDecode(std::string_view text, bool plus_is_space);

}  // namespace cria::server

#endif  // CRIA_SERVER_TARGET_H_
