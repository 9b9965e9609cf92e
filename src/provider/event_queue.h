// A chat::Stream whose events another thread makes.
#ifndef CRIA_PROVIDER_EVENT_QUEUE_H_
#define CRIA_PROVIDER_EVENT_QUEUE_H_

#include <functional>
#include <mutex>
#include <vector>

#include "chat/stream.h"

namespace cria::provider {

// Between the producer and the QueuedStream of one answer, which share it. Any thread may call.
class EventQueue {
 public:
  // The producer is asked to wait while events of more than `max_bytes` bytes lie here.
  explicit EventQueue(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Producer. Adds events, which were made of `bytes` bytes; false when nobody will take them.
  bool Push(std::vector<chat::Event> events, size_t bytes);
  // False: wait until the stream's `resume` is called.
  bool HasRoom();
  // Once, after the last event.
  void Finish(chat::Outcome outcome);

  // Consumer: as of chat::Stream. `resume` becomes true when the producer waits for room.
  bool Take(std::vector<chat::Event>* events, bool* resume);
  void Notify(std::function<void()> wake);
  const chat::Outcome& outcome() const { return outcome_; }
  bool Abandon();  // nothing will be taken any more; whether Finish was called

 private:
  const size_t max_bytes_;
  std::mutex mutex_;  // guards what follows
  std::vector<chat::Event> events_;
  size_t bytes_ = 0;
  std::function<void()> wake_;
  bool producer_waits_ = false;
  bool finished_ = false;
  bool abandoned_ = false;
  chat::Outcome outcome_;  // doesn't change once finished_
};

class QueuedStream final : public chat::Stream {
 public:
  // `resume`: the producer may go on; `cancel`: it should Finish soon, with kCancelled. Both are
  // called on the consumer's threads, perhaps when the producer has ended.
  QueuedStream(std::shared_ptr<EventQueue> queue, std::function<void()> resume,
               std::function<void()> cancel)
      : queue_(std::move(queue)), resume_(std::move(resume)), cancel_(std::move(cancel)) {}
  ~QueuedStream() override;

  bool Take(std::vector<chat::Event>* events) override;
  const chat::Outcome& outcome() const override { return queue_->outcome(); }
  void Notify(std::function<void()> wake) override { queue_->Notify(std::move(wake)); }
  void Cancel() override { cancel_(); }

 private:
  const std::shared_ptr<EventQueue> queue_;
  const std::function<void()> resume_, cancel_;
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_EVENT_QUEUE_H_
