// The list of what is done with every exchange.
#ifndef CRIA_SERVER_MIDDLEWARES_H_
#define CRIA_SERVER_MIDDLEWARES_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/status.h"
#include "server/auth_config.h"
#include "server/cors.h"
#include "server/metrics.h"
#include "server/middleware.h"
#include "server/otlp_exporter.h"
#include "server/worker_pool.h"

namespace spdlog {
class logger;
}

namespace cria::server {

// Not OK: the caller has used up what it may ask (kResourceExhausted), or what else the status
// says. On the connection's strand: never blocks.
using QuotaHook = std::function<boost::asio::awaitable<absl::Status>(const Request& request)>;

struct MiddlewareOptions {
  std::shared_ptr<spdlog::logger> access_log;  // nullptr: none
  Metrics* metrics = nullptr;                  // nullptr: none
  OtlpExporter* traces = nullptr;              // nullptr: traces are only handed on
  std::optional<CorsOptions> cors;
  std::optional<AuthConfig> auth;
  WorkerPool* pool = nullptr;                 // for auth
  QuotaHook quota;                            // empty: none
  std::chrono::milliseconds request_time{0};  // 0: as long as it takes
};

// In their order. What is pointed at outlives them. kInvalidArgument for options that can't work.
absl::StatusOr<std::vector<std::unique_ptr<Middleware>>> StandardMiddlewares(
    const MiddlewareOptions& options);

}  // namespace cria::server

#endif  // CRIA_SERVER_MIDDLEWARES_H_
