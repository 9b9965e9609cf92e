// Lets a coroutine wait for something that isn't a coroutine.
#ifndef CRIA_SERVER_WAKEUP_H_
#define CRIA_SERVER_WAKEUP_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>

namespace cria::server {

// One strand, one waiter at a time; only what Remote gave may be called from any thread.
//
//   Wakeup wakeup(co_await boost::asio::this_coro::executor);
//   stream->Notify(wakeup.Remote());
//   co_await wakeup.Wait();
class Wakeup {
 public:
  explicit Wakeup(const boost::asio::any_io_executor& executor);
  ~Wakeup();  // nobody waits any more
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // Returns after the next Notify; at once if there was one since the last Wait returned.
  boost::asio::awaitable<void> Wait();
  void Notify();
  // A Notify for other threads: it may be called at any time, also when this object and the server
  // are gone.
  std::function<void()> Remote();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_WAKEUP_H_
