// The kernel table for AArch64 with the dot product extension.
#include "kernels/cpu/matmul_simd.h"
#include "kernels/cpu/ops_simd.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::neon_dotprod {

constexpr Kernels kTable = {
    .isa = "neon_dotprod",
    .description = "NEON with 8-bit dot products",
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

}  // namespace cria::kernels::neon_dotprod
