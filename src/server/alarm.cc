#include "server/alarm.h"

#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace cria::server {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct Alarm::State : std::enable_shared_from_this<State> {
  explicit State(const asio::any_io_executor& executor) : timer(executor) {}

  void Arm() {
    armed = true;
    armed_for = due;
    timer.expires_at(due);  // cancels an earlier wait
    timer.async_wait([self = shared_from_this(), wait = ++waits](boost::system::error_code error) {
      if (!error && wait == self->waits) self->GoOff();
    });
  }

  void GoOff() {
    armed = false;
    if (!action) return;
    if (due > Clock::now()) return Arm();
    std::exchange(action, nullptr)();
  }

  asio::steady_timer timer;
  std::function<void()> action;
  Clock::time_point due, armed_for;
  bool armed = false;
  uint64_t waits = 0;
};

Alarm::Alarm(const asio::any_io_executor& executor) : state_(std::make_shared<State>(executor)) {}

Alarm::~Alarm() {
  state_->action = nullptr;
  ++state_->waits;
  state_->timer.cancel();
}

void Alarm::Set(std::chrono::milliseconds delay, std::function<void()> action) {
  state_->due = Clock::now() + delay;
  state_->action = std::move(action);
  if (!state_->armed || state_->due < state_->armed_for) state_->Arm();
}

void Alarm::Clear() { state_->action = nullptr; }

}  // namespace cria::server
