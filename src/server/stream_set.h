// Several answers to one request (OpenAI's `n`), followed together.
#ifndef CRIA_SERVER_STREAM_SET_H_
#define CRIA_SERVER_STREAM_SET_H_

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "chat/stream.h"

namespace cria::server {

// Used from one strand. Destroying it cancels what still runs.
class StreamSet {
 public:
  explicit StreamSet(std::vector<std::unique_ptr<chat::Stream>> streams)
      : streams_(std::move(streams)), ended_(streams_.size(), false) {}

  struct News {
    size_t index = 0;
    std::vector<chat::Event> events;
    bool ended = false;  // then outcome(index) is there
  };
  // Waits until there is something; empty when all have ended, or when nothing came within
  // `patience` (0: for ever).
  boost::asio::awaitable<std::vector<News>> Next(
      std::chrono::milliseconds patience = std::chrono::milliseconds(0));

  size_t size() const { return streams_.size(); }
  const chat::Outcome& outcome(size_t index) const { return streams_[index]->outcome(); }
  void Cancel() {
    for (const auto& stream : streams_) stream->Cancel();
  }

 private:
  std::vector<News> TakeAll();
  boost::asio::awaitable<void> Wait(std::chrono::milliseconds patience);

  std::vector<std::unique_ptr<chat::Stream>> streams_;
  std::vector<bool> ended_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_STREAM_SET_H_
