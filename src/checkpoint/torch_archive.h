// The tensors of a file that torch.save wrote: a zip archive of a pickle and of the storages that
// it names. Source: torch/serialization.py of PyTorch (_save, _load).
#ifndef CRIA_CHECKPOINT_TORCH_ARCHIVE_H_
#define CRIA_CHECKPOINT_TORCH_ARCHIVE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace cria::checkpoint {

// A tensor whose elements may lie apart. `bytes` reaches from its first to its last element.
struct StridedTensor {
  std::string name;
  tensor::DType dtype = tensor::DType::kF32;
  tensor::Shape shape;
  std::vector<int64_t> strides;  // in elements
  std::span<const uint8_t> bytes;

  // Row-major without gaps: `bytes` is what a tensor::View wants.
  bool IsContiguous() const;
  uint64_t size_bytes() const;  // of the elements, each counted once
  // Writes the elements row-major to `out`, where a new row starts every `out_row_bytes`: rows may
  // go into a wider matrix.
  void CopyTo(uint8_t* out, uint64_t out_row_bytes) const;
};

// Tensors in the order of the dictionary, borrowing from `bytes`, each inside its storage and with
// no more elements than that has: nothing that is copied is larger than what the file holds. Errors
// of ZipArchive::Parse and ParseTensorPickle; kDataLoss for a storage that is missing or of another
// size; kUnimplemented for TorchScript, big-endian and pre-1.6 files. `what` starts every message.
absl::StatusOr<std::vector<StridedTensor>> ParseTorchArchive(std::span<const uint8_t> bytes,
                                                             const std::string& what);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_TORCH_ARCHIVE_H_
