// One line of JSON for every answer.
#ifndef CRIA_SERVER_ACCESS_LOG_H_
#define CRIA_SERVER_ACCESS_LOG_H_

#include <memory>

#include "server/middleware.h"

namespace spdlog {
class logger;
}

namespace cria::server {

// {"time", "id", "peer", "method", "path", "route", "status", "seconds", "bytes_in", "bytes_out",
// "principal", "complete"}. Never a query, a header or a body: they hold secrets. The logger must
// be thread-safe, and print messages as they are (pattern "%v").
std::unique_ptr<Middleware> MakeAccessLog(std::shared_ptr<spdlog::logger> logger);

}  // namespace cria::server

#endif  // CRIA_SERVER_ACCESS_LOG_H_
