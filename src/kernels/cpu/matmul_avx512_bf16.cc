// The matrix product of bfloat16 weights and activations by vdpbf16ps, for AVX-512 with BF16; every
// other product is the one for VNNI. The instruction multiplies pairs of columns, so an odd K has a
// column of zeros at its end.
#include "kernels/cpu/simd_avx512.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/panel_output.h"
#include "kernels/isa_tables.h"

namespace cria::kernels {
namespace {

CRIA_INLINE __m512bh LoadPairs(const uint8_t* p) { return (__m512bh)_mm512_loadu_si512(p); }
CRIA_INLINE __m512bh BroadcastPair(const uint8_t* p) {
  int32_t pair;
  memcpy(&pair, p, sizeof pair);
  return (__m512bh)_mm512_set1_epi32(pair);
}

template <int kPanels, int kTokens>
void Bf16Tile(const MatMulArgs& args, int64_t panel_bytes, int64_t stride, int64_t panel,
              int64_t token) {
  const uint8_t* weights = args.weights->data + panel * panel_bytes;
  const uint8_t* x = args.prepared + token * stride;
  F acc[kPanels][kTokens];
  for (auto& of_panel : acc)
    for (F& sum : of_panel) sum = Set1(0);
  for (int64_t k = 0; k < args.weights->cols; k += 2) {
    for (int p = 0; p < kPanels; ++p) {
      const __m512bh pairs = LoadPairs(weights + p * panel_bytes + 32 * k);
      for (int t = 0; t < kTokens; ++t)
        acc[p][t] = _mm512_dpbf16_ps(acc[p][t], pairs, BroadcastPair(x + t * stride + 2 * k));
    }
  }
  for (int p = 0; p < kPanels; ++p) {
    alignas(64) float sums[kTokens * 16];
    for (int t = 0; t < kTokens; ++t) Store(sums + 16 * t, acc[p][t]);
    WriteSums(args, panel + p, token, kTokens, sums);
  }
}

void MatMulBf16(const MatMulArgs& args) {
  const auto panel_bytes =
      static_cast<int64_t>(PanelBytes(WeightKind::kBf16, args.weights->cols, 0));
  const auto stride = static_cast<int64_t>(PreparedBytes(Activations::kBf16, args.weights->cols));
  int64_t panel = args.panel_begin;
  if (args.tokens == 1)
    for (; panel + 4 <= args.panel_end; panel += 4)
      Bf16Tile<4, 1>(args, panel_bytes, stride, panel, 0);
  for (int64_t begin = 0; begin < args.tokens; begin += kTokensAtOnce) {
    const int64_t end = Smaller(args.tokens, begin + kTokensAtOnce);
    int64_t p = panel;
    for (; p + 2 <= args.panel_end; p += 2) {
      int64_t t = begin;
      for (; t + 8 <= end; t += 8) Bf16Tile<2, 8>(args, panel_bytes, stride, p, t);
      for (; t + 2 <= end; t += 2) Bf16Tile<2, 2>(args, panel_bytes, stride, p, t);
      for (; t < end; ++t) Bf16Tile<2, 1>(args, panel_bytes, stride, p, t);
    }
    for (; p < args.panel_end; ++p) {
      int64_t t = begin;
      for (; t + 8 <= end; t += 8) Bf16Tile<1, 8>(args, panel_bytes, stride, p, t);
      for (; t < end; ++t) Bf16Tile<1, 1>(args, panel_bytes, stride, p, t);
    }
  }
}

}  // namespace

namespace CRIA_AVX512_BF16 {

void MatMul(const MatMulArgs& args) {
  if (args.weights->kind == WeightKind::kBf16 && args.activations == Activations::kBf16)
    return MatMulBf16(args);
  CRIA_AVX512::MatMul(args);
}

}  // namespace CRIA_AVX512_BF16
}  // namespace cria::kernels
