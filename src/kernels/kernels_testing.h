// What the tests of kernels share: which instruction sets they run, and random data.
#ifndef CRIA_KERNELS_KERNELS_TESTING_H_
#define CRIA_KERNELS_KERNELS_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "kernels/isa_tables.h"
#include "kernels/registry.h"

namespace cria::kernels {

// The tables to hold against the reference: those that this processor runs, or, in a program made
// for it, the AVX-512 files on SIMDe's intrinsics.
inline std::vector<const Kernels*> RunnableKernels() {
#if defined(CRIA_KERNELS_SIMDE)
  return {&avx512_vnni_simde::kTable, &avx512_bf16_simde::kTable};
#else
  static const std::vector<const Kernels*> kRunnable = [] {
    std::vector<const Kernels*> runnable;
    for (const Kernels* kernels : AllKernels()) {
      if (Runs(*kernels, base::DetectCpu())) {
        runnable.push_back(kernels);
      } else {
        std::printf("SKIPPED: %s: this processor does not have it\n",
                    std::string(kernels->isa).c_str());
      }
    }
    return runnable;
  }();
  return kRunnable;
#endif
}

inline base::AlignedBuffer Bytes(size_t count) {
  base::AlignedBuffer buffer;
  EXPECT_TRUE(base::AlignedBuffer::Allocate(count, &buffer));
  return buffer;
}

// Of the normal distribution.
inline std::vector<float> Random(int64_t count, uint64_t seed) {
  base::Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(rng.Normal());
  return values;
}

}  // namespace cria::kernels

#endif  // CRIA_KERNELS_KERNELS_TESTING_H_
