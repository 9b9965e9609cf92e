#include "server/stream_set.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace cria::server {

boost::asio::awaitable<std::vector<StreamSet::News>> StreamSet::Next(
    std::chrono::milliseconds patience) {
  while (std::find(ended_.begin(), ended_.end(), false) != ended_.end()) {
    std::vector<News> news = TakeAll();
    if (!news.empty()) co_return news;
    co_await Wait(patience);
    if (patience.count() > 0) co_return TakeAll();
  }
  co_return std::vector<News>();
}

std::vector<StreamSet::News> StreamSet::TakeAll() {
  std::vector<News> all;
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (ended_[i]) continue;
    News news;
    news.index = i;
    news.ended = !streams_[i]->Take(&news.events);
    ended_[i] = news.ended;
    if (news.ended || !news.events.empty()) all.push_back(std::move(news));
  }
  return all;
}

// Until a stream has something to tell, or for `patience`.
boost::asio::awaitable<void> StreamSet::Wait(std::chrono::milliseconds patience) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto timer = std::make_shared<boost::asio::steady_timer>(executor);
  auto start = [this, executor, timer, patience](auto handler) {
    const auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    const auto woken = std::make_shared<std::atomic<bool>>(false);
    const auto wake = [executor, resume, woken] {
      if (woken->exchange(true)) return;  // somebody else was first
      boost::asio::post(executor, [resume] { std::move (*resume)(); });
    };
    if (patience.count() > 0) {
      timer->expires_after(patience);
      timer->async_wait([wake](const boost::system::error_code&) { wake(); });
    }
    for (size_t i = 0; i < streams_.size(); ++i)
      if (!ended_[i]) streams_[i]->Notify(wake);
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      start, boost::asio::use_awaitable);
  timer->cancel();
}

}  // namespace cria::server
