// Attention for AVX2 with FMA and F16C.
#include "kernels/cpu/simd_avx2.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/attention_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::avx2 {

void Attention(const AttentionArgs& args) { AttentionImpl(args); }

}  // namespace cria::kernels::avx2
