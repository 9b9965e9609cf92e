#include "server/worker_pool.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <utility>

#include "server/wakeup.h"

namespace cria::server {

namespace asio = boost::asio;

WorkerPool::WorkerPool(int threads, size_t max_waiting)
    : max_threads_(static_cast<size_t>(std::max(1, threads))), max_waiting_(max_waiting) {}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::Post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= max_waiting_) return false;
  waiting_.push_back(std::move(work));
  if (waiting_.size() > idle_ && threads_.size() < max_threads_)
    threads_.emplace_back([this] { Loop(); });
  changed_.notify_one();
  return true;
}

void WorkerPool::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

asio::awaitable<absl::Status> WorkerPool::Run(std::function<void()> work) {
  Wakeup done(co_await asio::this_coro::executor);
  if (!Post([work = std::move(work), wake = done.Remote()] {
        work();
        wake();
      }))
    co_return absl::ResourceExhaustedError("the server has too much to do; try again later");
  co_await done.Wait();
  co_return absl::OkStatus();
}

}  // namespace cria::server
