#include "engine/machine_limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/aligned_buffer.h"
#include "kernels/registry.h"

namespace cria::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPasses = 5;
constexpr int64_t kSteps = int64_t{1} << 20;      // of registers: a few milliseconds
constexpr size_t kReadBytes = size_t{512} << 20;  // far more than any cache holds

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Operations a second of all threads at once: the sum of what each did while all were busy.
double PeakOf(int64_t (*probe)(int64_t), base::ThreadPool& pool) {
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    std::atomic<int64_t> operations{0};
    const Clock::time_point start = Clock::now();
    pool.Run([&](int) { operations += probe(kSteps); });
    best = std::max(best, static_cast<double>(operations.load()) / SecondsSince(start));
  }
  return best;
}

absl::StatusOr<double> ReadSpeed(const kernels::LimitProbes& probes, base::ThreadPool& pool) {
  base::AlignedBuffer memory;
  if (!base::AlignedBuffer::Allocate(kReadBytes, &memory))
    return absl::ResourceExhaustedError(absl::StrCat("no room for the ", kReadBytes >> 20,
                                                     " MiB whose reading speed is to be measured"));
  const auto grain = static_cast<int64_t>(kernels::kReadGrain);
  std::atomic<uint64_t> seen{0};
  const auto each = [&](auto&& work) {
    pool.ParallelFor(static_cast<int64_t>(kReadBytes), grain, [&](int64_t begin, int64_t end) {
      work(memory.data() + begin, static_cast<size_t>(end - begin));
    });
  };
  // Every page is touched by the thread that reads it.
  each([](uint8_t* data, size_t bytes) { std::fill_n(data, bytes, uint8_t{1}); });
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const Clock::time_point start = Clock::now();
    each([&](uint8_t* data, size_t bytes) { seen += probes.read(data, bytes); });
    best = std::max(best, static_cast<double>(kReadBytes) / SecondsSince(start));
  }
  return best;
}

}  // namespace

absl::StatusOr<MachineLimits> MeasureLimits(base::ThreadPool& pool) {
  const kernels::Kernels& best = kernels::BestKernels(base::DetectCpu());
  if (best.limits == nullptr)
    return absl::UnimplementedError(
        absl::StrCat("the limits of '", std::string(best.isa), "' kernels are not known"));
  MachineLimits limits;
  CRIA_ASSIGN_OR_RETURN(limits.read_bytes_per_s, ReadSpeed(*best.limits, pool));
  limits.int8_ops_per_s = PeakOf(best.limits->int8, pool);
  limits.bf16_ops_per_s = PeakOf(best.limits->bf16, pool);
  limits.f32_ops_per_s = PeakOf(best.limits->f32, pool);
  return limits;
}

}  // namespace cria::engine
