// Any bytes as the pickle of a torch.save archive: an error, or tensors whose names lie inside it.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tensors = cria::checkpoint::ParseTensorPickle({data, size}, "input");
  if (!tensors.ok()) return 0;
  const auto* begin = reinterpret_cast<const char*>(data);
  for (const auto& tensor : *tensors) {
    for (const std::string_view text : {tensor.name, tensor.storage})
      if (text.data() < begin || text.data() + text.size() > begin + size) std::abort();
    if (tensor.shape.size() != tensor.strides.size()) std::abort();
  }
  return 0;
}
