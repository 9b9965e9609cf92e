// The functions and the table of each instruction set. Each set is a namespace; its functions are
// defined by the files <op>_<isa>.cc of cpu/, compiled for it, its table by cpu/tables.cc, compiled
// for any processor. Which sets exist is decided by the target processor family and listed in
// registry.cc.
#ifndef CRIA_KERNELS_ISA_TABLES_H_
#define CRIA_KERNELS_ISA_TABLES_H_

#include "kernels/registry.h"

#define CRIA_DECLARE_ISA(isa_namespace)                                                   \
  namespace isa_namespace {                                                               \
  void Prepare(Activations activations, const float* x, int64_t cols, uint8_t* prepared); \
  void MatMul(const MatMulArgs& args);                                                    \
  void Attention(const AttentionArgs& args);                                              \
  void RmsNorm(const float* x, const float* weight, float eps, int64_t n, float* y);      \
  void Rope(float* x, int64_t heads, int64_t head_dim, int64_t rotary, const float* cos,  \
            const float* sin, RopePairing pairing);                                       \
  void Swiglu(const float* gate, const float* up, int64_t n, float* out);                 \
  void Add(const float* y, int64_t n, float* x);                                          \
  void Hadamard(float* x, int64_t n);                                                     \
  extern const LimitProbes kLimits;                                                       \
  extern const Kernels kTable;                                                            \
  }

namespace cria::kernels {

CRIA_DECLARE_ISA(reference)

#if defined(__x86_64__)
CRIA_DECLARE_ISA(avx2)
CRIA_DECLARE_ISA(avx512_vnni)
CRIA_DECLARE_ISA(avx512_bf16)  // MatMul; the rest is avx512_vnni's

// The AVX-512 files once more, on intrinsics that SIMDe carries out on any processor: linked into
// tests only, so that what these files do is tested where the instructions are absent.
CRIA_DECLARE_ISA(avx512_vnni_simde)
CRIA_DECLARE_ISA(avx512_bf16_simde)
#elif defined(__aarch64__)
CRIA_DECLARE_ISA(neon_dotprod)
#endif

// What the fast tables multiply with: integers for the integer kinds, floats for the float kinds.
Activations FastPromptActivations(WeightKind kind);
Activations FastAnswerActivations(WeightKind kind);
// The same, but bfloat16 for bfloat16 weights.
Activations Bf16PromptActivations(WeightKind kind);
Activations Bf16AnswerActivations(WeightKind kind);

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_ISA_TABLES_H_
