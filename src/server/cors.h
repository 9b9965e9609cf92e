// Cross-origin requests of browsers (WHATWG Fetch, section 3.2).
#ifndef CRIA_SERVER_CORS_H_
#define CRIA_SERVER_CORS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "server/middleware.h"

namespace cria::server {

struct CorsOptions {
  std::vector<std::string> allow_origins;  // "*": all
  std::string allow_origin_regex;          // must match the whole origin
  std::vector<std::string> allow_methods{"OPTIONS"};
  std::vector<std::string> allow_headers;  // "*": whatever the browser asks for
  bool allow_credentials = false;
  std::vector<std::string> expose_headers;
  int max_age = 600;  // seconds
};

// What `cors: true` means: pages of this machine, on any port.
CorsOptions LocalCors();

// Answers preflights, and adds the headers to other answers. kInvalidArgument for a regex that is
// none.
absl::StatusOr<std::unique_ptr<Middleware>> MakeCors(CorsOptions options);

}  // namespace cria::server

#endif  // CRIA_SERVER_CORS_H_
