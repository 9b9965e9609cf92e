// The matrix product for AVX2 with FMA and F16C.
#include "kernels/cpu/simd_avx2.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/dot_avx2.h"
#include "kernels/cpu/matmul_int16_impl.h"
#include "kernels/cpu/matmul_int8_slices.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx2 {

void MatMul(const MatMulArgs& args) {
  if (args.activations == Activations::kInt16Block && !OddGroups(*args.weights))
    return MatMulInt16(args);
  MatMulImpl<SlicedProduct>(args);
}

}  // namespace cria::kernels::avx2
