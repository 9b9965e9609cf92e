#include "kernels/isa_tables.h"
#include "kernels/packed_layout.h"
#include "kernels/reference/reference.h"

namespace cria::kernels::reference {

Activations DefaultActivations(WeightKind kind) {
  if (IsFloatKind(kind)) return Activations::kF32;
  return IsGroupKind(kind) ? Activations::kInt8Token : Activations::kInt8Block;
}

constexpr Kernels kTable = {
    .isa = "reference",
    .description = "plain C++ with sums in double precision; the definition of every op, and slow",
    .default_activations = DefaultActivations,
    .prepare = Prepare,
    .matmul = MatMul,
    .attention = Attention,
    .rms_norm = RmsNorm,
    .rope = Rope,
    .swiglu = Swiglu,
    .add = Add,
    .hadamard = Hadamard,
};

}  // namespace cria::kernels::reference
