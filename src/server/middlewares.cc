#include "server/middlewares.h"

#include "server/access_log.h"
#include "server/auth.h"
#include "server/errors.h"
#include "server/http_metrics.h"
#include "server/request_id.h"
#include "server/tracing.h"

namespace cria::server {
namespace {

class Quota final : public Middleware {
 public:
  explicit Quota(QuotaHook hook) : hook_(std::move(hook)) {}

  boost::asio::awaitable<std::optional<Reply>> Before(Call& call) override {
    const absl::Status status = co_await hook_(call.request);
    if (status.ok()) co_return std::nullopt;
    co_return ErrorReply(status);
  }

 private:
  const QuotaHook hook_;
};

class Deadline final : public Middleware {
 public:
  explicit Deadline(std::chrono::milliseconds time) : time_(time) {}

  boost::asio::awaitable<std::optional<Reply>> Before(Call& call) override {
    call.exchange.SetDeadline(time_);
    co_return std::nullopt;
  }

 private:
  const std::chrono::milliseconds time_;
};

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<Middleware>>> StandardMiddlewares(
    const MiddlewareOptions& options) {
  std::vector<std::unique_ptr<Middleware>> list;
  // First, so that everything below can say which request it is about.
  list.push_back(MakeRequestId());
  // Sees every answer, also those that the ones below give.
  if (options.access_log != nullptr) list.push_back(MakeAccessLog(options.access_log));
  if (options.metrics != nullptr) list.push_back(MakeHttpMetrics(options.metrics));
  list.push_back(MakeTracing(options.traces));
  // Before auth: preflights have no token, and browsers only show errors that have the headers.
  if (options.cors.has_value()) {
    CRIA_ASSIGN_OR_RETURN(auto cors, MakeCors(*options.cors));
    list.push_back(std::move(cors));
  }
  if (options.auth.has_value()) {
    CRIA_ASSIGN_OR_RETURN(auto auth, MakeAuth(*options.auth, options.pool));
    list.push_back(std::move(auth));
  }
  // Counts only what is let in, by whom it is.
  if (options.quota) list.push_back(std::make_unique<Quota>(options.quota));
  // Last: the time is the body's and the handler's.
  if (options.request_time.count() > 0)
    list.push_back(std::make_unique<Deadline>(options.request_time));
  return list;
}

}  // namespace cria::server
