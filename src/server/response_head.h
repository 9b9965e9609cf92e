// The status line and headers of an answer.
#ifndef CRIA_SERVER_RESPONSE_HEAD_H_
#define CRIA_SERVER_RESPONSE_HEAD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/exchange.h"

namespace cria::server {

struct ResponseHead {
  int status = 200;
  std::string_view content_type;           // empty: none
  std::optional<uint64_t> content_length;  // absent: chunked, or to the connection's end
  bool chunked = false;
  bool keep_alive = true;
  bool is_http_1_0 = false;
  const Headers* headers = nullptr;
};

// With the empty line at its end. Control characters in header values become spaces, so that no
// value can end its line.
std::string Serialize(const ResponseHead& head);

// "Not Found"; "Unknown" for what isn't in the registry.
std::string_view ReasonPhrase(int status);

}  // namespace cria::server

#endif  // CRIA_SERVER_RESPONSE_HEAD_H_
