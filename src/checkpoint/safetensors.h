// The safetensors format: a JSON header with names, types, shapes and byte ranges, then the bytes.
// Format and its rules: the README and src/tensor.rs of github.com/huggingface/safetensors.
#ifndef CRIA_CHECKPOINT_SAFETENSORS_H_
#define CRIA_CHECKPOINT_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "tensor/tensor.h"

namespace cria::checkpoint {

inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;  // as upstream

struct SafetensorsTensor {
  std::string name;
  tensor::View view;
};

// A file whose header has been checked against its size. Views point into the bytes given.
struct Safetensors {
  std::vector<SafetensorsTensor> tensors;       // in the order of their bytes
  std::map<std::string, std::string> metadata;  // "__metadata__"
};

// The types that the format and Cria share: F32, F16, BF16, I8, U8, I16, I32, I64, F64, BOOL.
bool IsSafetensorsType(tensor::DType dtype);

// Parses a whole file. Each tensor has exactly the bytes that its type and shape need; together
// they cover the data without overlap, gap or rest; no name occurs twice. kDataLoss names the
// tensor otherwise, kUnimplemented a type that Cria doesn't have. `what` names the file in
// messages. Pure.
absl::StatusOr<Safetensors> ParseSafetensors(std::span<const uint8_t> bytes,
                                             const std::string& what);

// A mapped file and its parsed header. The views live as long as `file`.
struct SafetensorsFile {
  std::shared_ptr<const base::MappedFile> file;
  Safetensors content;

  static absl::StatusOr<SafetensorsFile> Open(const std::string& path);
};

// The first key that occurs twice in one object of the document, if any. `json` must be valid JSON.
// JSON libraries keep one of the two silently, so a file that disagrees with itself would be read
// in two ways.
std::optional<std::string> DuplicateJsonKey(std::string_view json);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_SAFETENSORS_H_
