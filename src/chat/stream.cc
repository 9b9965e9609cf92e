#include "chat/stream.h"

#include <condition_variable>
#include <mutex>

namespace cria::chat {
namespace {

// Waits until the stream has something to tell.
void WaitForNews(Stream& stream) {
  struct News {
    std::mutex mutex;
    std::condition_variable changed;
    bool there = false;
  };
  // Shared: `wake` may still be at work when the wait is over.
  const auto news = std::make_shared<News>();
  stream.Notify([news] {
    const std::lock_guard<std::mutex> lock(news->mutex);
    news->there = true;
    news->changed.notify_one();
  });
  std::unique_lock<std::mutex> lock(news->mutex);
  news->changed.wait(lock, [&] { return news->there; });
}

}  // namespace

WholeAnswer WaitForAnswer(Stream& stream) {
  WholeAnswer answer;
  std::vector<Event> events;
  while (true) {
    events.clear();
    const bool more = stream.Take(&events);
    for (Event& event : events) {
      answer.text += event.text;
      for (TokenLogprobs& token : event.logprobs) answer.logprobs.push_back(std::move(token));
    }
    if (!more) break;
    WaitForNews(stream);
  }
  answer.outcome = stream.outcome();
  return answer;
}

}  // namespace cria::chat
