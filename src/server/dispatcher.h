// From a request to its handler: routes, middlewares, and what becomes of a handler that fails.
#ifndef CRIA_SERVER_DISPATCHER_H_
#define CRIA_SERVER_DISPATCHER_H_

#include <functional>
#include <memory>
#include <vector>

#include "server/middleware.h"

namespace cria::server {

struct DispatcherOptions {
  size_t max_body_bytes = size_t{64} << 20;  // for routes without a limit of their own
  // Told of handlers that throw or don't answer; any thread.
  std::function<void(const Request& request, const absl::Status& status)> on_bug;
};

// Thread-safe.
class Dispatcher final : public Service {
 public:
  // `router` is complete and outlives the dispatcher. The middlewares see an exchange in their
  // order, and its answer in the opposite one.
  Dispatcher(const Router* router, std::vector<std::unique_ptr<Middleware>> middlewares,
             DispatcherOptions options);

  boost::asio::awaitable<void> Serve(ServerExchange& exchange) override;
  void Refused(int http_status) override;

 private:
  boost::asio::awaitable<std::optional<Reply>> Answer(Call& call, const Router::Match& match);
  boost::asio::awaitable<absl::Status> Handle(Call& call);

  const Router* router_;
  const std::vector<std::unique_ptr<Middleware>> middlewares_;
  const DispatcherOptions options_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_DISPATCHER_H_
