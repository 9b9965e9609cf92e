// The matrix product for AVX-512 with VNNI.
#include "kernels/cpu/simd_avx512.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/dot_avx512.h"
#include "kernels/cpu/matmul_int8_slices.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::CRIA_AVX512 {

void MatMul(const MatMulArgs& args) { MatMulImpl<SlicedProduct>(args); }

}  // namespace cria::kernels::CRIA_AVX512
