// The one pool of worker threads behind the kernels: workers pinned to cores, spin briefly between
// tasks, then sleep.
#ifndef CRIA_BASE_THREAD_POOL_H_
#define CRIA_BASE_THREAD_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace cria::base {

// Runs a function on all threads at once and waits for all of them. The caller is thread 0; a pool
// of one thread starts no other. One Run at a time: callers from several threads take turns. Don't
// call Run inside Run.
class ThreadPool {
 public:
  // `num_threads` >= 1. `pin`: worker i is bound to the i-th core that the process may use (best
  // effort), if there is a thread for each of them.
  explicit ThreadPool(int num_threads, bool pin = true);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return num_threads_; }

  // Calls task(thread) for thread in [0, num_threads()). `task` must not throw.
  void Run(const std::function<void(int)>& task);

  // Splits [0, count) into one contiguous range a thread, with borders at multiples of `grain`, and
  // calls task(begin, end) for each range that isn't empty.
  void ParallelFor(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& task);

 private:
  void Work(int thread);

  const int num_threads_;
  std::vector<std::thread> workers_;
  std::mutex run_mutex_;                            // held by the caller of Run
  const std::function<void(int)>* task_ = nullptr;  // valid while pending_ > 0
  std::atomic<uint64_t> generation_{0};             // grows by one a Run
  std::atomic<int> pending_{0};                     // workers that have not finished this Run
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
  std::mutex sleep_mutex_;
  std::condition_variable wake_;
};

// The range of thread `thread` of `threads` when [0, count) is split with borders at multiples of
// `grain`.
std::pair<int64_t, int64_t> SplitRange(int64_t count, int64_t grain, int thread, int threads);

}  // namespace cria::base

#endif  // CRIA_BASE_THREAD_POOL_H_
