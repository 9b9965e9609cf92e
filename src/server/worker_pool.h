// Threads for what would block: handlers never wait on the threads that serve connections.
#ifndef CRIA_SERVER_WORKER_POOL_H_
#define CRIA_SERVER_WORKER_POOL_H_

#include <boost/asio/awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"

namespace cria::server {

// Any thread. Threads start when they are first needed.
class WorkerPool {
 public:
  WorkerPool(int threads, size_t max_waiting);
  ~WorkerPool();  // finishes what it was given
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `work`, which doesn't throw, on one of the threads; the coroutine goes on where it was.
  // kResourceExhausted, and it isn't run: too much is waiting.
  boost::asio::awaitable<absl::Status> Run(std::function<void()> work);

  // The same without anybody waiting for it. False: too much is waiting.
  bool Post(std::function<void()> work);

 private:
  void Loop();

  const size_t max_threads_, max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_WORKER_POOL_H_
