#include "engine/generation.h"

#include <utility>

namespace cria::engine {

std::optional<TokenEvent> Generation::Next() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !events_.empty(); });
  if (events_.empty()) return std::nullopt;
  TokenEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

bool Generation::WaitFor(std::chrono::milliseconds timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return closed_ || !events_.empty(); });
}

std::optional<TokenEvent> Generation::TryNext(bool* ended) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *ended = closed_ && events_.empty();
  if (events_.empty()) return std::nullopt;
  TokenEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Generation::Notify(std::function<void()> wake) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!closed_ && events_.empty()) {
      wake_ = std::move(wake);
      return;
    }
    wake_ = nullptr;
  }
  wake();
}

const GenerationResult& Generation::Wait() {
  while (Next().has_value()) {
  }
  return result_;
}

void Generation::Push(TokenEvent event) {
  std::function<void()> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back(std::move(event));
    wake = std::exchange(wake_, nullptr);
  }
  changed_.notify_one();
  if (wake) wake();
}

void Generation::Close(GenerationResult result) {
  std::function<void()> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    result_ = std::move(result);
    closed_ = true;
    wake = std::exchange(wake_, nullptr);
  }
  changed_.notify_all();
  if (wake) wake();
}

}  // namespace cria::engine
