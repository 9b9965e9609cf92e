// Any bytes as a safetensors file: an error, or tensors that lie inside it and survive being
// written again.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"

using cria::checkpoint::ParseSafetensors;
using cria::checkpoint::SafetensorsHeader;
using cria::checkpoint::SafetensorsSpec;
using cria::checkpoint::SafetensorsTensor;

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckWriter(const cria::checkpoint::Safetensors& content) {
  std::vector<SafetensorsSpec> specs;
  std::string data;
  for (const SafetensorsTensor& tensor : content.tensors) {
    if (tensor.name.empty()) return;  // can be read, not written
    specs.push_back({tensor.name, tensor.view.dtype, tensor.view.shape});
    data.append(tensor.view.bytes.begin(), tensor.view.bytes.end());
  }
  const auto header = SafetensorsHeader(specs, content.metadata);
  Require(header.ok());
  const std::string file = *header + data;
  const auto again =
      ParseSafetensors({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, "again");
  Require(again.ok() && again->tensors.size() == specs.size() &&
          again->metadata == content.metadata);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = ParseSafetensors({data, size}, "input");
  if (!parsed.ok()) return 0;
  const uint8_t* position = data;
  for (const SafetensorsTensor& tensor : parsed->tensors) {
    const auto bytes = tensor.view.bytes;
    Require(bytes.size() == cria::tensor::ByteSize(tensor.view.dtype, tensor.view.shape));
    Require(bytes.empty() ||
            (bytes.data() >= position && bytes.data() + bytes.size() <= data + size));
    if (!bytes.empty()) position = bytes.data() + bytes.size();
  }
  CheckWriter(*parsed);
  return 0;
}
