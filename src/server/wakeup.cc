#include "server/wakeup.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/check.h"
#include "server/remote_post.h"

namespace cria::server {

namespace asio = boost::asio;

namespace {

struct Waiter {
  virtual ~Waiter() = default;
  virtual void Resume() = 0;
};

template <typename Handler>
struct WaiterOf final : Waiter {
  explicit WaiterOf(Handler given) : handler(std::move(given)) {}
  void Resume() override { std::move(handler)(); }
  Handler handler;
};

}  // namespace

struct Wakeup::State {
  explicit State(const asio::any_io_executor& given) : executor(given) {}

  void Notify() {
    if (waiter == nullptr) {
      notified = true;
    } else {
      std::exchange(waiter, nullptr)->Resume();
    }
  }

  asio::any_io_executor executor;
  std::unique_ptr<Waiter> waiter;
  bool notified = false;
};

Wakeup::Wakeup(const asio::any_io_executor& executor) : state_(std::make_shared<State>(executor)) {}

Wakeup::~Wakeup() = default;

asio::awaitable<void> Wakeup::Wait() {
  State* state = state_.get();
  if (std::exchange(state->notified, false)) co_return;
  CRIA_CHECK(state->waiter == nullptr);
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [state](auto handler) {
        state->waiter = std::make_unique<WaiterOf<decltype(handler)>>(std::move(handler));
      },
      asio::use_awaitable);
}

void Wakeup::Notify() { state_->Notify(); }

std::function<void()> Wakeup::Remote() {
  return [weak = std::weak_ptr<State>(state_), post = RemotePost(state_->executor)] {
    post([weak] {
      if (const auto state = weak.lock()) state->Notify();
    });
  };
}

}  // namespace cria::server
