// Writes a safetensors file as a stream: the header first, then the bytes of one tensor after the
// other.
#ifndef CRIA_CHECKPOINT_SAFETENSORS_WRITER_H_
#define CRIA_CHECKPOINT_SAFETENSORS_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace cria::checkpoint {

struct SafetensorsSpec {
  std::string name;
  tensor::DType dtype = tensor::DType::kF32;
  tensor::Shape shape;
};

// The header (length, JSON, padding to 8 bytes) for tensors that lie behind each other in this
// order. kInvalidArgument for a name given twice or reserved, a type that the format doesn't have,
// or a size that overflows. Pure.
absl::StatusOr<std::string> SafetensorsHeader(const std::vector<SafetensorsSpec>& specs,
                                              const std::map<std::string, std::string>& metadata);

// Writes to a temporary file beside the path; Finish syncs it and renames it into place. A writer
// that is destroyed before leaves nothing behind. After an error only destruction makes sense.
// Thread-compatible.
class SafetensorsWriter {
 public:
  // Errors of SafetensorsHeader, or of the file system.
  static absl::StatusOr<std::unique_ptr<SafetensorsWriter>> Create(
      const std::string& path, std::vector<SafetensorsSpec> specs,
      const std::map<std::string, std::string>& metadata = {});
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  // The next bytes of tensor `name`, all or a part of them. Tensors come in the order of the specs;
  // kInvalidArgument for a tensor out of order and for more bytes than it has.
  absl::Status Append(const std::string& name, std::span<const uint8_t> bytes);

  // kInvalidArgument if bytes are missing.
  absl::Status Finish();

 private:
  SafetensorsWriter(std::string path, std::vector<SafetensorsSpec> specs)
      : path_(std::move(path)), specs_(std::move(specs)) {}

  absl::Status Start(const std::string& header);
  absl::Status WriteAll(std::span<const uint8_t> bytes);
  absl::Status FileError(const char* what) const;
  void SkipComplete();

  const std::string path_;
  const std::vector<SafetensorsSpec> specs_;
  std::string temporary_;  // empty once it is renamed, or if there is none
  int fd_ = -1;
  size_t current_ = 0;    // the tensor being written
  uint64_t written_ = 0;  // its bytes so far
};

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_SAFETENSORS_WRITER_H_
