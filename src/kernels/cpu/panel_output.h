// Where the products of a panel go, written once for every simd_*.h.
#ifndef CRIA_KERNELS_CPU_PANEL_OUTPUT_H_
#define CRIA_KERNELS_CPU_PANEL_OUTPUT_H_

#include "kernels/cpu/simd_common.h"
#include "kernels/matmul.h"

namespace cria::kernels {
namespace {

// Tokens with float activations that are multiplied with one panel before the next: they stay in
// the L2 cache.
constexpr int64_t kTokensAtOnce = 64;

// Writes the sums [tokens][16] of one panel.
void WriteSums(const MatMulArgs& args, int64_t panel, int64_t token, int64_t tokens,
               const float* sums) {
  const int64_t rows = Smaller(kPanelRows, args.weights->rows - panel * kPanelRows);
  for (int64_t t = 0; t < tokens; ++t) {
    float* out = args.out + (token + t) * args.out_stride + panel * kPanelRows;
    if (rows == kPanelRows) {
      for (int r = 0; r < kPanelRows; r += kLanes) {
        const F sum = Load(sums + 16 * t + r);
        Store(out + r, args.accumulate ? Add(Load(out + r), sum) : sum);
      }
      continue;
    }
    for (int64_t r = 0; r < rows; r += kLanes) {
      const F sum = Load(sums + 16 * t + r);
      StorePart(out + r, args.accumulate ? Add(LoadPart(out + r, rows - r), sum) : sum, rows - r);
    }
  }
}

}  // namespace
}  // namespace cria::kernels

#endif  // CRIA_KERNELS_CPU_PANEL_OUTPUT_H_
