#include "server/access_log.h"

#include <spdlog/logger.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/json.h"

namespace cria::server {
namespace {

class AccessLog final : public Middleware {
 public:
  explicit AccessLog(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}

  void After(const Call& call) override {
    const Request& request = call.request;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - call.start;
    base::json::object line{
        {"time", absl::FormatTime(absl::RFC3339_full, absl::Now(), absl::UTCTimeZone())},
        {"id", request.id},
        {"peer", request.peer},
        {"method", request.method},
        {"path", request.path},
        {"route", call.route == nullptr ? "" : call.route->pattern},
        {"status", call.status},
        {"seconds", seconds.count()},
        {"bytes_in", request.body.size()},
        {"bytes_out", call.exchange.bytes_sent()},
        {"principal", request.principal},
        {"complete", call.exchange.complete()}};
    Write(line);
  }

  void Refused(int http_status) override { Write({{"status", http_status}, {"malformed", true}}); }

 private:
  void Write(const base::json::object& line) {
    const std::string text = base::json::serialize(line);
    logger_->info(spdlog::string_view_t(text.data(), text.size()));
  }

  const std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace

std::unique_ptr<Middleware> MakeAccessLog(std::shared_ptr<spdlog::logger> logger) {
  return std::make_unique<AccessLog>(std::move(logger));
}

}  // namespace cria::server
