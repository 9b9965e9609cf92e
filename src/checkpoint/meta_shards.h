// The tensors of a Meta checkpoint's shards, put together.
#ifndef CRIA_CHECKPOINT_META_SHARDS_H_
#define CRIA_CHECKPOINT_META_SHARDS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/torch_archive.h"

namespace cria::checkpoint {

struct MetaShard {
  std::string path;                   // for messages
  std::shared_ptr<const void> owner;  // of the bytes
  uint64_t file_bytes = 0;
  std::vector<StridedTensor> tensors;
};

// Appends the whole tensors, by canonical names, to parts->tensors, and what they lie in to
// parts->owners. `shards` are in the order of their ranks, at least one; `dim` is the model's
// width. A name that the architecture doesn't have stays as it is. Copies at most twice the bytes
// of the files: kDataLoss beyond. kDataLoss if the shards don't belong together; kUnimplemented for
// several shards of a quantised model, and for zero points other than 0; kResourceExhausted without
// memory.
absl::Status MergeMetaShards(const std::vector<MetaShard>& shards, int64_t dim,
                             Checkpoint::Parts* parts);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_META_SHARDS_H_
