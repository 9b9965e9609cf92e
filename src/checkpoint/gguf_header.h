// Writes what stands before the tensors of a GGUF file: header, metadata, the list of tensors. The
// counterpart of gguf.h, with the same limits.
#ifndef CRIA_CHECKPOINT_GGUF_HEADER_H_
#define CRIA_CHECKPOINT_GGUF_HEADER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "checkpoint/gguf.h"
#include "checkpoint/tensor_file_writer.h"

namespace cria::checkpoint {

// Keys with values. Setting a key again replaces its value. Copyable; thread-compatible.
class GgufMetadata {
 public:
  void SetU32(std::string_view key, uint32_t value);
  void SetF32(std::string_view key, float value);
  void SetBool(std::string_view key, bool value);
  void SetString(std::string_view key, std::string_view value);
  void SetI32s(std::string_view key, const std::vector<int32_t>& values);
  void SetF32s(std::string_view key, const std::vector<float>& values);
  void SetStrings(std::string_view key, const std::vector<std::string>& values);

 private:
  friend absl::StatusOr<std::string> GgufHeader(const GgufMetadata& metadata,
                                                const std::vector<TensorSpec>& specs);

  // What the limits bound.
  struct Value {
    std::string bytes;  // type and value
    uint64_t elements = 0;
    uint64_t longest_string = 0;
  };
  template <typename T>
  void Set(std::string_view key, GgufType type, T value);
  template <typename T>
  void SetArray(std::string_view key, GgufType type, const std::vector<T>& values);

  std::map<std::string, Value, std::less<>> values_;
};

// The bytes of a version 3 file up to the data of the first tensor, for tensors that lie behind
// each other in this order, each at the next multiple of kGgufDefaultAlignment. kInvalidArgument
// for a name given twice, a type or a shape that the format doesn't have, and for what
// GgufFile::Parse would refuse as too large. Pure.
absl::StatusOr<std::string> GgufHeader(const GgufMetadata& metadata,
                                       const std::vector<TensorSpec>& specs);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_GGUF_HEADER_H_
