// The kernel table for processors with AVX2, FMA and F16C.
#include "kernels/cpu/matmul_simd.h"
#include "kernels/cpu/ops_simd.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx2 {

constexpr Kernels kTable = {
    .isa = "avx2",
    .description = "AVX2 with FMA and F16C",
    .default_activations = reference::DefaultActivations,
    .prepare = PrepareSimd,
    .matmul = MatMulSimd,
    .attention = AttentionSimd,
    .rms_norm = RmsNormSimd,
    .rope = reference::Rope,
    .swiglu = SwigluSimd,
    .add = AddSimd,
    .hadamard = reference::Hadamard,
};

}  // namespace cria::kernels::avx2
