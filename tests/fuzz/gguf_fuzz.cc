// Any bytes as a GGUF file: an error, or tensors that lie inside it, do not overlap, and of which a
// model is made or refused.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "checkpoint/gguf.h"
#include "checkpoint/gguf_reader.h"

using cria::checkpoint::GgufTensor;

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = cria::checkpoint::GgufFile::Parse({data, size}, "input");
  if (!file.ok()) return 0;
  std::vector<GgufTensor> tensors = file->tensors();
  std::sort(tensors.begin(), tensors.end(), [](const GgufTensor& a, const GgufTensor& b) {
    return a.view.bytes.data() < b.view.bytes.data();
  });
  const uint8_t* position = data;
  for (const GgufTensor& tensor : tensors) {
    const auto bytes = tensor.view.bytes;
    Require(bytes.size() == cria::tensor::ByteSize(tensor.view.dtype, tensor.view.shape));
    Require(bytes.data() >= position && bytes.data() + bytes.size() <= data + size);
    position = bytes.data() + bytes.size();
  }
  auto parts = cria::checkpoint::PartsFromGguf(*file);
  if (parts.ok()) (void)cria::checkpoint::Checkpoint::FromParts(*std::move(parts));
  return 0;
}
