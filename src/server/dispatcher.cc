#include "server/dispatcher.h"

#include <algorithm>
#include <exception>

#include "absl/strings/str_join.h"
#include "base/quote.h"
#include "server/errors.h"

namespace cria::server {
namespace {

namespace asio = boost::asio;

std::string AllowHeader(std::vector<std::string> methods) {
  if (std::find(methods.begin(), methods.end(), "GET") != methods.end()) methods.push_back("HEAD");
  methods.push_back("OPTIONS");
  std::sort(methods.begin(), methods.end());
  methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
  return absl::StrJoin(methods, ", ");
}

Reply NoRoute(const Request& request, const Router::Match& match) {
  const bool any = !match.allowed.empty() || request.path == "*";
  if (!any)
    return ErrorReply(absl::NotFoundError(
        absl::StrCat("there is no ", base::Quote(request.path), " here: see /v1/inspect/routes")));
  Reply reply;
  if (request.method == "OPTIONS") {
    reply.status = 204;
  } else {
    reply = ErrorReply(HttpError(
        405, absl::StrCat(request.method, " is not allowed for ", base::Quote(request.path))));
  }
  reply.headers.emplace_back("Allow", AllowHeader(match.allowed));
  return reply;
}

}  // namespace

Dispatcher::Dispatcher(const Router* router, std::vector<std::unique_ptr<Middleware>> middlewares,
                       DispatcherOptions options)
    : router_(router), middlewares_(std::move(middlewares)), options_(std::move(options)) {}

void Dispatcher::Refused(int http_status) {
  for (const auto& middleware : middlewares_) middleware->Refused(http_status);
}

asio::awaitable<void> Dispatcher::Serve(ServerExchange& exchange) {
  Call call{exchange, exchange.mutable_request(), nullptr, std::chrono::steady_clock::now(), 0, ""};
  Router::Match match = router_->Find(call.request.method, exchange.raw_path());
  call.route = match.route;
  call.request.path_params = std::move(match.params);
  size_t entered = 0;
  exchange.OnHead([&](int status, Headers* headers) {
    call.status = status;
    for (size_t i = entered; i-- > 0;) middlewares_[i]->OnHead(call, headers);
  });
  std::optional<Reply> reply;
  while (entered < middlewares_.size() && !reply.has_value()) {
    Middleware& next = *middlewares_[entered++];
    reply = co_await next.Before(call);
  }
  if (!reply.has_value()) reply = co_await Answer(call, match);
  if (reply.has_value()) co_await exchange.Send(*std::move(reply));
  for (size_t i = entered; i-- > 0;) middlewares_[i]->After(call);
}

// The answer, if the handler gave none.
asio::awaitable<std::optional<Reply>> Dispatcher::Answer(Call& call, const Router::Match& match) {
  if (call.route == nullptr) co_return NoRoute(call.request, match);
  absl::Status status =
      co_await call.exchange.ReadBody(call.route->max_body_bytes.value_or(options_.max_body_bytes));
  if (absl::IsCancelled(status)) co_return std::nullopt;
  if (!status.ok()) co_return ErrorReply(status);
  status = co_await Handle(call);
  if (!status.ok() && options_.on_bug) options_.on_bug(call.request, status);
  if (call.exchange.answered()) co_return std::nullopt;
  if (call.exchange.expired())
    co_return ErrorReply(absl::DeadlineExceededError("the request took too long"));
  if (call.exchange.disconnected()) co_return std::nullopt;
  if (status.ok() && options_.on_bug)
    options_.on_bug(call.request, absl::InternalError("the handler gave no answer"));
  co_return ErrorReply(absl::InternalError("no answer"));
}

// Not OK: it threw. What it left behind for a disconnect may use what is gone now.
asio::awaitable<absl::Status> Dispatcher::Handle(Call& call) {
  absl::Status status;
  try {
    co_await call.route->handler(call.exchange);
  } catch (const std::exception& error) {
    status = absl::InternalError(absl::StrCat("the handler threw: ", error.what()));
  } catch (...) {
    status = absl::InternalError("the handler threw something");
  }
  call.exchange.OnDisconnect(nullptr);
  co_return status;
}

}  // namespace cria::server
