#include "kernels/isa_tables.h"
#include "kernels/packed_layout.h"

namespace cria::kernels {

Activations FastPromptActivations(WeightKind kind) {
  if (IsFloatKind(kind)) return Activations::kF32;
  return IsGroupKind(kind) ? Activations::kInt8Token : Activations::kInt8Block;
}

Activations FastAnswerActivations(WeightKind kind) {
  const Activations prompt = FastPromptActivations(kind);
  return prompt == Activations::kInt8Block ? Activations::kInt8Pair : prompt;
}

Activations Bf16PromptActivations(WeightKind kind) {
  return kind == WeightKind::kBf16 ? Activations::kBf16 : FastPromptActivations(kind);
}

Activations Bf16AnswerActivations(WeightKind kind) {
  return kind == WeightKind::kBf16 ? Activations::kBf16 : FastAnswerActivations(kind);
}

namespace reference {

const Kernels kTable = {
    .isa = "reference",
    .description = "plain C++ with sums in double precision; the definition of every op, and slow",
    // So that results agree with those of the fast tables.
    .prompt_activations = FastPromptActivations,
    .answer_activations = FastAnswerActivations,
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
