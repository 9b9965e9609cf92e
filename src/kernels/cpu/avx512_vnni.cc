// The kernel table for processors with AVX-512 and VNNI.
#include "kernels/cpu/matmul_simd.h"
#include "kernels/cpu/ops_simd.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx512_vnni {

constexpr Kernels kTable = {
    .isa = "avx512_vnni",
    .description = "AVX-512 with 8-bit dot products (VNNI)",
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

}  // namespace cria::kernels::avx512_vnni
