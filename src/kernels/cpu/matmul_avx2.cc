// The matrix product for AVX2 with FMA and F16C.
#include "kernels/cpu/simd_avx2.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/dot_avx2.h"
#include "kernels/cpu/matmul_int8_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx2 {

void MatMul(const MatMulArgs& args) { MatMulImpl<TiledProduct>(args); }

}  // namespace cria::kernels::avx2
