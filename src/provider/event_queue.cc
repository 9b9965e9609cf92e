#include "provider/event_queue.h"

#include <iterator>
#include <utility>

namespace cria::provider {
namespace {

void Call(const std::function<void()>& wake) {
  if (wake) wake();
}

void Append(std::vector<chat::Event> from, std::vector<chat::Event>* to) {
  if (to->empty()) {
    *to = std::move(from);
  } else {
    to->insert(to->end(), std::make_move_iterator(from.begin()),
               std::make_move_iterator(from.end()));
  }
}

}  // namespace

bool EventQueue::Push(std::vector<chat::Event> events, size_t bytes) {
  std::function<void()> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (abandoned_) return false;
    if (events.empty()) return true;
    Append(std::move(events), &events_);
    bytes_ += bytes;
    wake = std::exchange(wake_, nullptr);
  }
  Call(wake);
  return true;
}

bool EventQueue::HasRoom() {
  const std::lock_guard<std::mutex> lock(mutex_);
  producer_waits_ = bytes_ > max_bytes_ && !abandoned_;
  return !producer_waits_;
}

void EventQueue::Finish(chat::Outcome outcome) {
  std::function<void()> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (finished_) return;
    outcome_ = std::move(outcome);
    finished_ = true;
    wake = std::exchange(wake_, nullptr);
  }
  Call(wake);
}

bool EventQueue::Take(std::vector<chat::Event>* events, bool* resume) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Append(std::exchange(events_, {}), events);
  bytes_ = 0;
  *resume = std::exchange(producer_waits_, false);
  return !finished_;
}

void EventQueue::Notify(std::function<void()> wake) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (events_.empty() && !finished_) {
      wake_ = std::move(wake);
      return;
    }
    wake_ = nullptr;
  }
  Call(wake);
}

bool EventQueue::Abandon() {
  std::function<void()> wake;  // destroyed after the lock: it may own anything
  const std::lock_guard<std::mutex> lock(mutex_);
  abandoned_ = true;
  wake = std::exchange(wake_, nullptr);
  events_.clear();
  bytes_ = 0;
  return finished_;
}

QueuedStream::~QueuedStream() {
  // After its end the producer only reads what is left of its connection, to keep that.
  if (!queue_->Abandon()) cancel_();
}

bool QueuedStream::Take(std::vector<chat::Event>* events) {
  bool resume = false;
  const bool more = queue_->Take(events, &resume);
  if (resume) resume_();
  return more;
}

}  // namespace cria::provider
