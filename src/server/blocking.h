// Calls that wait, from handlers that must not.
#ifndef CRIA_SERVER_BLOCKING_H_
#define CRIA_SERVER_BLOCKING_H_

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace cria::server {

// Runs `call` on a thread of `workers` and goes on, on the handler's own executor, with what it
// returned. `call` runs to its end even if the handler is gone by then, so it must own what it
// needs.
template <typename Call>
boost::asio::awaitable<decltype(std::declval<Call>()())> OnWorker(boost::asio::thread_pool& workers,
                                                                  Call call) {
  using Result = decltype(std::declval<Call>()());
  const auto executor = co_await boost::asio::this_coro::executor;
  // The result waits here: it needs no default constructor that way.
  const auto slot = std::make_shared<std::optional<Result>>();
  const auto shared_call = std::make_shared<Call>(std::move(call));
  auto start = [&workers, executor, slot, shared_call](auto handler) {
    const auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    boost::asio::post(workers, [executor, slot, shared_call, resume] {
      slot->emplace((*shared_call)());
      boost::asio::post(executor, [resume] { std::move (*resume)(); });
    });
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      start, boost::asio::use_awaitable);
  co_return std::move(**slot);
}

}  // namespace cria::server

#endif  // CRIA_SERVER_BLOCKING_H_
