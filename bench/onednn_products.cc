#include "onednn_products.h"

#if defined(CRIA_HAVE_ONEDNN)

#include <benchmark/benchmark.h>
#include <omp.h>

#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <utility>

#include "base/cpu_features.h"

namespace cria::bench {
namespace {

using dnnl::memory;

struct Case {
  const char* name;
  memory::data_type source, weights, result;
  bool of_int8_peak;
};

void Fill(memory& buffer, const memory::desc& layout) {
  std::memset(buffer.get_data_handle(), 1, layout.get_size());
}

// y [M, N] = x [M, K] W, W [K, N].
void Product(benchmark::State& state, const Case& kind, memory::dim n, memory::dim k, memory::dim m,
             double int8_peak) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto row_major = memory::format_tag::ab;
  const memory::desc source({m, k}, kind.source, row_major), result({m, n}, kind.result, row_major),
      any({k, n}, kind.weights, memory::format_tag::any);
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(source, any, result), engine);
  memory x(source, engine), y(result, engine), w(description.weights_desc(), engine);
  Fill(x, source);
  Fill(w, description.weights_desc());
  const dnnl::matmul product(description);
  for (auto _ : state) {
    product.execute(stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}});
    stream.wait();
  }
  using benchmark::Counter;
  const double ops = 2.0 * static_cast<double>(n * k * m);
  state.counters["GOP/s"] = Counter(ops * 1e-9, Counter::kIsIterationInvariantRate);
  if (kind.of_int8_peak && int8_peak > 0)
    state.counters["of_peak"] = Counter(ops / int8_peak, Counter::kIsIterationInvariantRate);
}

}  // namespace

void RegisterOneDnn(double int8_peak) {
  omp_set_num_threads(1);
  using Type = memory::data_type;
  const bool bf16 = base::DetectCpu().avx512_bf16;
  const Case cases[] = {{"int8", Type::u8, Type::s8, Type::s32, true},
                        {"f32", Type::f32, Type::f32, Type::f32, false},
                        {"bf16", Type::bf16, Type::bf16, Type::f32, false}};
  for (const Case& kind : cases) {
    if (kind.source == Type::bf16 && !bf16) continue;  // it would be emulated
    for (const auto& [n, k] : {std::pair<memory::dim, memory::dim>{8192, 2048}, {2048, 8192}}) {
      for (const memory::dim m : {16, 512}) {
        const std::string name = std::string("oneDNN/") + kind.name + "/N:" + std::to_string(n) +
                                 "/K:" + std::to_string(k) + "/M:" + std::to_string(m);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [kind, n = n, k = k, m, int8_peak](benchmark::State& state) {
                                       Product(state, kind, n, k, m, int8_peak);
                                     });
      }
    }
  }
}

}  // namespace cria::bench

#else

namespace cria::bench {

void RegisterOneDnn(double) {}

}  // namespace cria::bench

#endif
