// The safetensors of a model directory: one file, or shards with an index.
#ifndef CRIA_CHECKPOINT_SAFETENSORS_SET_H_
#define CRIA_CHECKPOINT_SAFETENSORS_SET_H_

#include <string>
#include <vector>

#include "checkpoint/safetensors.h"

namespace cria::checkpoint {

// Opens model.safetensors, else the shards that model.safetensors.index.json names, else the only
// *.safetensors of the directory. kDataLoss if index and shards don't tell the same of every
// tensor, or if the index names a shard by anything but a plain file name; kNotFound if there are
// no weights or a shard is missing; kUnimplemented for weights in PyTorch's pickle format only.
absl::StatusOr<std::vector<SafetensorsFile>> OpenSafetensorsSet(const std::string& directory);

// What is said of such weights, at `path`, wherever they turn up.
absl::Status RefusePickle(const std::string& path);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_SAFETENSORS_SET_H_
