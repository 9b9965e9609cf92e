#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/cpu_features.h"

namespace cria::base {
namespace {

// About 50 microseconds of polling: the pause between two operators of a model is far shorter, so
// workers stay hot inside a forward step and cost nothing between requests.
constexpr int kSpins = 4000;

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Whether every core that the scheduler may use gets a thread. Fewer threads, because somebody
// asked for them or a control group grants less time, stay free to move: another process may have
// pinned to the same cores.
bool TakesEveryCore(int threads) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) == threads &&
         UsableCores() == threads;
}

void PinToCore(int index) {
  cpu_set_t allowed, one;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  CPU_ZERO(&one);
  for (int core = 0, seen = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed)) continue;
    if (seen++ == index) {
      CPU_SET(core, &one);
      (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
      return;
    }
  }
}

}  // namespace

ThreadPool::ThreadPool(int num_threads, bool pin) : num_threads_(num_threads) {
  CRIA_CHECK_GE(num_threads, 1);
  workers_.reserve(static_cast<size_t>(num_threads - 1));
  pin = pin && TakesEveryCore(num_threads);
  for (int thread = 1; thread < num_threads; ++thread) {
    workers_.emplace_back([this, thread, pin] {
      if (pin) PinToCore(thread);
      Work(thread);
    });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(sleep_mutex_);
    stopping_.store(true);
    generation_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Run(const std::function<void(int)>& task) {
  const std::lock_guard<std::mutex> run_lock(run_mutex_);
  if (num_threads_ == 1) {
    task(0);
    return;
  }
  task_ = &task;
  pending_.store(num_threads_ - 1, std::memory_order_relaxed);
  // Sequentially consistent with the sleeper's count-then-look: one of the two sees the other, no
  // wake-up is lost.
  generation_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) {
    {
      const std::lock_guard<std::mutex> lock(sleep_mutex_);
    }
    wake_.notify_all();
  }
  task(0);
  for (int spins = 0; pending_.load(std::memory_order_acquire) > 0; ++spins) {
    if (spins < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();  // more threads than cores: let the workers run
    }
  }
}

void ThreadPool::Work(int thread) {
  uint64_t done = 0;
  while (true) {
    for (int spins = 0; spins < kSpins && generation_.load(std::memory_order_acquire) == done;
         ++spins)
      Pause();
    if (generation_.load(std::memory_order_acquire) == done) {
      std::unique_lock<std::mutex> lock(sleep_mutex_);
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      wake_.wait(lock, [&] { return generation_.load(std::memory_order_seq_cst) != done; });
      sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
    if (stopping_.load()) return;
    ++done;
    (*task_)(thread);
    pending_.fetch_sub(1, std::memory_order_release);
  }
}

std::pair<int64_t, int64_t> SplitRange(int64_t count, int64_t grain, int thread, int threads) {
  const int64_t units = CeilDiv(count, grain);
  const int64_t begin = units * thread / threads * grain;
  const int64_t end = units * (thread + 1) / threads * grain;
  return {std::min(begin, count), std::min(end, count)};
}

void ThreadPool::ParallelFor(int64_t count, int64_t grain,
                             const std::function<void(int64_t, int64_t)>& task) {
  if (count <= 0) return;
  if (num_threads_ == 1 || count <= grain) {
    task(0, count);
    return;
  }
  Run([&](int thread) {
    const auto [begin, end] = SplitRange(count, grain, thread, num_threads_);
    if (begin < end) task(begin, end);
  });
}

}  // namespace cria::base
