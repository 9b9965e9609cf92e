#include "engine/generation.h"

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

const GenerationResult& Generation::Wait() {
  while (Next().has_value()) {
  }
  return result_;
}

void Generation::Push(TokenEvent event) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back(std::move(event));
  }
  changed_.notify_one();
}

void Generation::Close(GenerationResult result) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    result_ = std::move(result);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace cria::engine
