// Handlers that are plain functions: they may wait, so they run on a worker.
#ifndef CRIA_SERVER_WORKER_HANDLER_H_
#define CRIA_SERVER_WORKER_HANDLER_H_

#include <string>

#include "base/status.h"
#include "server/exchange.h"
#include "server/router.h"
#include "server/services.h"

namespace cria::server {

using ReplyFunction = absl::StatusOr<Reply> (*)(const Services& services, const Request& request);

// A status becomes its error reply. `services` outlives the handler.
Handler OnWorkers(const Services& services, ReplyFunction function);

// The same as a route.
struct WorkerRoute {
  const char* method;
  std::string pattern;
  ReplyFunction function;
  const char *operation, *summary;
  const char *request_schema = "", *response_schema = "";
};
void AddWorkerRoute(const Services& services, const WorkerRoute& route, const char* tag,
                    const char* generation, bool deprecated, Router* router);

// The error's reply. Replies are made in statements of their own, not within `co_await Send(...)`:
// GCC 12 destroys the temporaries of a conditional expression there twice.
boost::asio::awaitable<void> SendError(Exchange& exchange, absl::Status status);

// {"a": 1} as the body of a reply.
Reply JsonReply(const base::json::value& body);

}  // namespace cria::server

#endif  // CRIA_SERVER_WORKER_HANDLER_H_
