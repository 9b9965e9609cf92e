// Matrix products by themselves: Google Benchmark of every weight kind, in shapes of Llama 3.2 1B.
//   kernels_bench [--benchmark_filter=q4_0] [--benchmark_min_time=0.5] ...
// One thread. `of_peak` is the share of the dot product instructions' own speed, measured beside.
// Where oneDNN is installed (Debian: libdnnl-dev) its products stand beside ours.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/cpu_features.h"
#include "base/rng.h"
#include "kernels/registry.h"
#include "onednn_products.h"

namespace cria::kernels {
namespace {

struct Shape {
  WeightKind kind;
  Activations activations;
  int64_t rows, cols, tokens;
};

base::AlignedBuffer Bytes(size_t bytes) {
  base::AlignedBuffer buffer;
  if (!base::AlignedBuffer::Allocate(bytes, &buffer)) std::abort();
  std::memset(buffer.data(), 0, bytes);
  return buffer;
}

// int8 operations a second of one thread, the best of a few short probes.
double PeakInt8(const Kernels& kernels) {
  if (kernels.limits == nullptr || kernels.limits->int8 == nullptr) return 0;
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    constexpr int64_t kRounds = 2'000'000;
    const auto start = std::chrono::steady_clock::now();
    const double ops = static_cast<double>(kernels.limits->int8(kRounds));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, ops / seconds.count());
  }
  return best;
}

void Product(benchmark::State& state, const Kernels& kernels, const Shape& shape) {
  const int64_t panels = (shape.rows + kPanelRows - 1) / kPanelRows;
  const size_t panel_bytes = PanelBytes(shape.kind, shape.cols, 0);
  base::AlignedBuffer weights = Bytes(static_cast<size_t>(panels) * panel_bytes);
  const PackedMatrix matrix{shape.kind, shape.rows, shape.cols, 0, weights.data()};
  base::Rng rng(1);
  std::vector<float> x(static_cast<size_t>(shape.cols));
  const size_t prepared_bytes = PreparedBytes(shape.activations, shape.cols);
  base::AlignedBuffer prepared = Bytes(static_cast<size_t>(shape.tokens) * prepared_bytes);
  for (int64_t t = 0; t < shape.tokens; ++t) {
    for (float& value : x) value = static_cast<float>(rng.Normal());
    kernels.prepare(shape.activations, x.data(), shape.cols,
                    prepared.data() + static_cast<size_t>(t) * prepared_bytes);
  }
  std::vector<float> out(static_cast<size_t>(shape.tokens * shape.rows));
  MatMulArgs args;
  args.weights = &matrix;
  args.activations = shape.activations;
  args.prepared = prepared.data();
  args.tokens = shape.tokens;
  args.out = out.data();
  args.out_stride = shape.rows;
  args.panel_end = panels;
  for (auto _ : state) {
    kernels.matmul(args);
    benchmark::ClobberMemory();
  }
  const double ops = 2.0 * static_cast<double>(shape.rows * shape.cols * shape.tokens);
  using benchmark::Counter;
  state.counters["GOP/s"] = Counter(ops * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["GB/s"] =
      Counter(static_cast<double>(panels) * static_cast<double>(panel_bytes) * 1e-9,
              Counter::kIsIterationInvariantRate);
  static const double peak = PeakInt8(kernels);
  if (peak > 0 && shape.activations != Activations::kF32)
    state.counters["of_peak"] = Counter(ops / peak, Counter::kIsIterationInvariantRate);
}

constexpr WeightKind kKinds[] = {WeightKind::kQ4_0, WeightKind::kQ8_0, WeightKind::kQ4_1,
                                 WeightKind::kQ4K,  WeightKind::kQ5K,  WeightKind::kQ6K,
                                 WeightKind::kBf16};

void RegisterAll() {
  const Kernels& kernels = BestKernels(base::DetectCpu());
  for (const WeightKind kind : kKinds) {
    for (const auto& [rows, cols] :
         {std::pair<int64_t, int64_t>{8192, 2048}, {2048, 8192}, {128256, 2048}}) {
      for (const int64_t tokens : {1, 4, 8, 16, 512}) {
        if (rows > 100000 && tokens > 8) continue;  // the output head: for answers only
        const Activations activations =
            tokens <= 32 ? kernels.answer_activations(kind) : kernels.prompt_activations(kind);
        const Shape shape{kind, activations, rows, cols, tokens};
        const std::string name = std::string(Name(kind)) + "/" + std::string(Name(activations)) +
                                 "/N:" + std::to_string(rows) + "/K:" + std::to_string(cols) +
                                 "/M:" + std::to_string(tokens);
        benchmark::RegisterBenchmark(name.c_str(), [&kernels, shape](benchmark::State& state) {
          Product(state, kernels, shape);
        });
      }
    }
  }
}

}  // namespace
}  // namespace cria::kernels

int main(int argc, char** argv) {
  cria::kernels::RegisterAll();
  cria::bench::RegisterOneDnn(
      cria::kernels::PeakInt8(cria::kernels::BestKernels(cria::base::DetectCpu())));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
