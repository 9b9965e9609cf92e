// Gives a model its packed matrices: from the file that keeps them, or by packing what the
// checkpoint stores.
#ifndef CRIA_MODEL_WEIGHT_PACKER_H_
#define CRIA_MODEL_WEIGHT_PACKER_H_

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "checkpoint/checkpoint.h"
#include "kernels/packed_matrix.h"
#include "model/packed_file.h"

namespace cria::model {

// A packed matrix and what keeps its bytes alive. Immutable; share freely.
struct PackedWeights {
  kernels::PackedMatrix matrix;
  std::shared_ptr<const void> owner;
  uint64_t bytes = 0;
};

// One model's load, on one thread.
class WeightPacker {
 public:
  // `path`: where packed weights are kept between runs; empty: nowhere.
  WeightPacker(const checkpoint::Checkpoint& checkpoint, std::string path, base::ThreadPool& pool);

  // Tensor `name`.weight, with `name`.scales where the checkpoint has them. A model asks for its
  // matrices in the same order at every load. kUnimplemented for types without kernels,
  // kResourceExhausted without memory.
  absl::StatusOr<PackedWeights> Pack(const std::string& name);

  // Keeps what was packed. What went wrong is no reason not to run the model.
  absl::Status Finish();

 private:
  absl::StatusOr<PackedWeights> PackAnew(const std::string& name, kernels::PackedMatrix matrix);

  const checkpoint::Checkpoint& checkpoint_;
  const std::string path_;
  base::ThreadPool& pool_;
  uint64_t fingerprint_ = 0;
  std::shared_ptr<const PackedFile> kept_;  // null: nothing is kept, or it can't be used
  std::vector<PackedWeights> packed_;       // so far
};

}  // namespace cria::model

#endif  // CRIA_MODEL_WEIGHT_PACKER_H_
