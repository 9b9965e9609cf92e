// The tables of the AVX-512 files on SIMDe, and the program that tests them: AVX2 suffices.
#include <gtest/gtest.h>

#include <cstdio>

#include "kernels/isa_tables.h"

namespace cria::kernels {

namespace avx512_vnni_simde {
const Kernels kTable = {
    .isa = "avx512_vnni (SIMDe)",
    .description = "the AVX-512 VNNI files on SIMDe's intrinsics",
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
}  // namespace avx512_vnni_simde

namespace avx512_bf16_simde {
const Kernels kTable = {
    .isa = "avx512_bf16 (SIMDe)",
    .description = "the AVX-512 BF16 files on SIMDe's intrinsics",
    .prompt_activations = Bf16PromptActivations,
    .answer_activations = Bf16AnswerActivations,
    .prepare = avx512_vnni_simde::Prepare,
    .matmul = MatMul,
    .attention = avx512_vnni_simde::Attention,
    .rms_norm = avx512_vnni_simde::RmsNorm,
    .rope = avx512_vnni_simde::Rope,
    .swiglu = avx512_vnni_simde::Swiglu,
    .add = avx512_vnni_simde::Add,
    .hadamard = avx512_vnni_simde::Hadamard,
};
}  // namespace avx512_bf16_simde

}  // namespace cria::kernels

int main(int argc, char** argv) {
  if (!cria::base::DetectCpu().avx2) {
    std::puts("SKIPPED: avx512_vnni and avx512_bf16 on SIMDe: this processor has no AVX2");
    return 77;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
