// Attention for AVX-512 with VNNI.
#include "kernels/cpu/simd_avx512.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/attention_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::CRIA_AVX512 {

void Attention(const AttentionArgs& args) { AttentionImpl(args); }

}  // namespace cria::kernels::CRIA_AVX512
