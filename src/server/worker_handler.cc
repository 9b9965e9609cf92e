#include "server/worker_handler.h"

#include <utility>

#include "server/blocking.h"
#include "server/errors.h"

namespace cria::server {
namespace {

boost::asio::awaitable<void> RunOnWorker(const Services& services, ReplyFunction function,
                                         Exchange& exchange) {
  // The exchange, and so its request, lives until this coroutine has ended.
  auto call = [&services, function, &request = exchange.request()] {
    return function(services, request);
  };
  absl::StatusOr<Reply> reply = co_await OnWorker(services.workers, std::move(call));
  if (!reply.ok()) {
    co_await SendError(exchange, reply.status());
    co_return;
  }
  co_await exchange.Send(*std::move(reply));
}

}  // namespace

boost::asio::awaitable<void> SendError(Exchange& exchange, absl::Status status) {
  Reply reply = ErrorReply(status);
  co_await exchange.Send(std::move(reply));
}

Handler OnWorkers(const Services& services, ReplyFunction function) {
  return [&services, function](Exchange& exchange) {
    return RunOnWorker(services, function, exchange);
  };
}

void AddWorkerRoute(const Services& services, const WorkerRoute& route, const char* tag,
                    const char* generation, bool deprecated, Router* router) {
  router->Add({route.method,
               route.pattern,
               OnWorkers(services, route.function),
               {route.operation, route.summary, tag, generation, deprecated, route.request_schema,
                route.response_schema},
               {}});
}

Reply JsonReply(const base::json::value& body) {
  Reply reply;
  reply.body = base::json::serialize(body);
  return reply;
}

}  // namespace cria::server
