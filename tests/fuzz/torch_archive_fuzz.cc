// Any bytes as a .pth file: an error, or tensors that lie inside it and can be copied and merged,
// as one shard and as two.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/meta_shards.h"

using cria::checkpoint::Checkpoint;
using cria::checkpoint::MergeMetaShards;
using cria::checkpoint::MetaShard;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto tensors = cria::checkpoint::ParseTorchArchive({data, size}, "input");
  if (!tensors.ok()) return 0;
  for (const auto& tensor : *tensors) {
    if (tensor.bytes.data() < data || tensor.bytes.data() + tensor.bytes.size() > data + size)
      std::abort();
    if (tensor.size_bytes() > size) std::abort();
  }
  const MetaShard shard{"input", nullptr, size, *std::move(tensors)};
  constexpr int64_t kDim = 8;
  Checkpoint::Parts one, two;
  if (MergeMetaShards({shard}, kDim, &one).ok())
    for (const auto& entry : one.tensors)
      if (entry.view.bytes.size() != cria::tensor::ByteSize(entry.view.dtype, entry.view.shape))
        std::abort();
  (void)MergeMetaShards({shard, shard}, kDim, &two);
  return 0;
}
