// What this machine can do at most: the figures that speeds are fractions of.
#ifndef CRIA_ENGINE_MACHINE_LIMITS_H_
#define CRIA_ENGINE_MACHINE_LIMITS_H_

#include "base/status.h"
#include "base/thread_pool.h"

namespace cria::engine {

// All threads of a pool together. A multiply and its add count as two operations.
struct MachineLimits {
  double read_bytes_per_s = 0;
  double int8_ops_per_s = 0;
  double bf16_ops_per_s = 0;
  double f32_ops_per_s = 0;
};

// Measures with the best instruction set of this processor, whatever the models run on; takes about
// a second. The best of several passes counts: whoever else uses the machine only makes a pass
// slower. kUnimplemented on processors that have no fast kernels, kResourceExhausted without the
// memory to read.
absl::StatusOr<MachineLimits> MeasureLimits(base::ThreadPool& pool);

}  // namespace cria::engine

#endif  // CRIA_ENGINE_MACHINE_LIMITS_H_
