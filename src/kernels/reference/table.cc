#include "kernels/isa_tables.h"
#include "kernels/packed_layout.h"

namespace cria::kernels {

Activations FastActivations(WeightKind kind) {
  if (IsFloatKind(kind)) return Activations::kF32;
  return IsGroupKind(kind) ? Activations::kInt8Token : Activations::kInt8Block;
}

Activations Bf16Activations(WeightKind kind) {
  return kind == WeightKind::kBf16 ? Activations::kBf16 : FastActivations(kind);
}

namespace reference {

const Kernels kTable = {
    .isa = "reference",
    .description = "plain C++ with sums in double precision; the definition of every op, and slow",
    .default_activations = FastActivations,  // so that results agree with those of the fast tables
    .prepare = Prepare,
    .matmul = MatMul,
    .attention = Attention,
    .rms_norm = RmsNorm,
    .rope = Rope,
    .swiglu = Swiglu,
    .add = Add,
    .hadamard = Hadamard,
};

}  // namespace reference
}  // namespace cria::kernels
