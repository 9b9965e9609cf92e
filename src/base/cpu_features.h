// What this processor offers to the kernels, and how many cores this process may use.
#ifndef CRIA_BASE_CPU_FEATURES_H_
#define CRIA_BASE_CPU_FEATURES_H_

#include <string>
#include <vector>

namespace cria::base {

struct CpuFeatures {
  std::string model;  // as the system names it, e.g. "AMD EPYC 9354"
  // x86-64
  bool avx2 = false;  // with FMA and F16C
  bool avx_vnni = false;
  bool avx512 = false;  // F, BW, DQ, VL
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  // AArch64
  bool neon = false;
  bool dotprod = false;
  bool i8mm = false;
  bool arm_bf16 = false;

  // The names of those that are set, in the order above.
  std::vector<std::string> Names() const;
};

// Asks the processor and the system (registers must be saved by the system too). Cheap; not cached.
CpuFeatures DetectCpu();

// Cores that the scheduler and the cgroup allow this process, at least 1.
int UsableCores();

}  // namespace cria::base

#endif  // CRIA_BASE_CPU_FEATURES_H_
