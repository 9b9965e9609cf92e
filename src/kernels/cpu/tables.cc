// The tables of the fast instruction sets. Compiled for any processor: only their functions are
// not.
#include "kernels/isa_tables.h"

namespace cria::kernels {

#if defined(__x86_64__)

namespace avx2 {
namespace {

// 16-bit products cost as much as two int8 parts, and less with 8-bit weights, whose int8 products
// need two passes here.
Activations PromptActivations(WeightKind kind) {
  return kind == WeightKind::kQ8_0 ? Activations::kInt16Block : FastPromptActivations(kind);
}
Activations AnswerActivations(WeightKind kind) {
  const Activations fast = FastAnswerActivations(kind);
  return fast == Activations::kInt8Pair ? Activations::kInt16Block : fast;
}

}  // namespace

const Kernels kTable = {
    .isa = "avx2",
    .description = "AVX2, FMA and F16C: 8 lanes",
    .prompt_activations = PromptActivations,
    .answer_activations = AnswerActivations,
    .prepare = Prepare,
    .matmul = MatMul,
    .attention = Attention,
    .rms_norm = RmsNorm,
    .rope = Rope,
    .swiglu = Swiglu,
    .add = Add,
    .hadamard = Hadamard,
    .limits = &kLimits,
};
}  // namespace avx2

namespace avx512_vnni {
const Kernels kTable = {
    .isa = "avx512_vnni",
    .description = "AVX-512 with VNNI: 16 lanes, 8-bit dot products",
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
    .limits = &kLimits,
};
}  // namespace avx512_vnni

namespace avx512_bf16 {
const Kernels kTable = {
    .isa = "avx512_bf16",
    .description = "AVX-512 with VNNI and BF16: also bfloat16 dot products",
    .prompt_activations = Bf16PromptActivations,
    .answer_activations = Bf16AnswerActivations,
    .prepare = avx512_vnni::Prepare,
    .matmul = MatMul,
    .attention = avx512_vnni::Attention,
    .rms_norm = avx512_vnni::RmsNorm,
    .rope = avx512_vnni::Rope,
    .swiglu = avx512_vnni::Swiglu,
    .add = avx512_vnni::Add,
    .hadamard = avx512_vnni::Hadamard,
    .limits = &kLimits,
};
}  // namespace avx512_bf16

#elif defined(__aarch64__)

namespace neon_dotprod {
const Kernels kTable = {
    .isa = "neon_dotprod",
    .description = "NEON with 8-bit dot products: 4 lanes",
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
    .limits = &kLimits,
};
}  // namespace neon_dotprod

#endif

}  // namespace cria::kernels
