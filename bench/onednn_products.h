// oneDNN's matrix products as a peer of kernels_bench: one scale for everything, weights packed as
// oneDNN likes them. What it reaches shows how near to the peak plain products come.
#ifndef CRIA_BENCH_ONEDNN_PRODUCTS_H_
#define CRIA_BENCH_ONEDNN_PRODUCTS_H_

namespace cria::bench {

// Registers benchmarks "oneDNN/<type>/N:.../K:.../M:..." of one thread, for the types that this
// processor multiplies by itself. `int8_peak`: operations a second, for the counter of_peak. Does
// nothing where oneDNN is not installed.
void RegisterOneDnn(double int8_peak);

}  // namespace cria::bench

#endif  // CRIA_BENCH_ONEDNN_PRODUCTS_H_
