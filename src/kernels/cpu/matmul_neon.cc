// The matrix product for AArch64 with dot products.
#include "kernels/cpu/simd_neon.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/dot_neon.h"
#include "kernels/cpu/matmul_int8_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::neon_dotprod {

void MatMul(const MatMulArgs& args) { MatMulImpl<TiledProduct>(args); }

}  // namespace cria::kernels::neon_dotprod
