// The pickle inside a torch.save archive: a dictionary from names to tensors, read by a restricted
// machine that runs no code. Sources: Lib/pickletools.py of CPython (the opcodes),
// torch/serialization.py and torch/_utils.py of PyTorch (what they build).
#ifndef CRIA_CHECKPOINT_PICKLE_H_
#define CRIA_CHECKPOINT_PICKLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tensor/dtype.h"

namespace cria::checkpoint {

inline constexpr size_t kMaxPickleBytes = size_t{16} << 20;
inline constexpr size_t kMaxPickleObjects = size_t{1} << 20;  // tuples, dictionaries, tensors
inline constexpr size_t kMaxPickleStack = size_t{1} << 16;
inline constexpr size_t kMaxPickleMemo = size_t{1} << 20;
inline constexpr size_t kMaxPickleMarks = 64;  // tuples and dictionaries that are open at once
inline constexpr size_t kMaxTensorRank = 8;

// A tensor as the pickle describes it; nothing is known yet about the storage's bytes.
struct PickledTensor {
  std::string_view name;
  std::string_view storage;  // the storage's key: its bytes are the archive's entry data/KEY
  tensor::DType dtype = tensor::DType::kF32;
  uint64_t storage_elements = 0;
  uint64_t offset = 0;  // of the first element, in elements
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // in elements, as many as dimensions, not negative
};

// The tensors in the order of the dictionary. Names point into `bytes`. Pickle protocols 2 to 5. No
// callable but torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter, the storage
// classes of torch and collections.OrderedDict is accepted: any other is kDataLoss that names it.
// kDataLoss also for everything damaged or hostile; kUnimplemented for storage classes of types
// that Cria doesn't have. Time and memory are linear in `bytes`; nothing recurses. `what` starts
// every message.
absl::StatusOr<std::vector<PickledTensor>> ParseTensorPickle(std::span<const uint8_t> bytes,
                                                             std::string_view what);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_PICKLE_H_
