// Attention for AArch64 with dot products.
#include "kernels/cpu/simd_neon.h"
// What follows is written in the names of the header above.
#include "kernels/cpu/attention_impl.h"
#include "kernels/isa_tables.h"

namespace cria::kernels::neon_dotprod {

void Attention(const AttentionArgs& args) { AttentionImpl(args); }

}  // namespace cria::kernels::neon_dotprod
