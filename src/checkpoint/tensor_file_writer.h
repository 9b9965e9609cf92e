// Writes a file of tensors as a stream: a header first, then the bytes of one tensor after the
// other. What safetensors_writer.h and gguf_writer.h have in common.
#ifndef CRIA_CHECKPOINT_TENSOR_FILE_WRITER_H_
#define CRIA_CHECKPOINT_TENSOR_FILE_WRITER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace cria::checkpoint {

struct TensorSpec {
  std::string name;
  tensor::DType dtype = tensor::DType::kF32;
  tensor::Shape shape;
};

// Writes to a temporary file beside the path; Finish syncs it and renames it into place. A writer
// that is destroyed before leaves nothing behind. After an error only destruction makes sense.
// Thread-compatible.
class TensorFileWriter {
 public:
  // Each tensor of `specs`, whose sizes don't overflow, is followed by zeros up to a multiple of
  // `alignment`. Errors of the file system as base::FileError.
  static absl::StatusOr<std::unique_ptr<TensorFileWriter>> Create(const std::string& path,
                                                                  const std::string& header,
                                                                  std::vector<TensorSpec> specs,
                                                                  uint64_t alignment);
  ~TensorFileWriter();
  TensorFileWriter(const TensorFileWriter&) = delete;
  TensorFileWriter& operator=(const TensorFileWriter&) = delete;

  // The next bytes of tensor `name`, all or a part of them. Tensors come in the order of the specs;
  // kInvalidArgument for a tensor out of order and for more bytes than it has.
  absl::Status Append(const std::string& name, std::span<const uint8_t> bytes);

  // kInvalidArgument if bytes are missing.
  absl::Status Finish();

 private:
  TensorFileWriter(std::string path, std::vector<TensorSpec> specs, uint64_t alignment)
      : path_(std::move(path)), specs_(std::move(specs)), alignment_(alignment) {}

  absl::Status Start(const std::string& header);
  absl::Status WriteAll(std::span<const uint8_t> bytes);
  absl::Status EndTensors();

  const std::string path_;
  const std::vector<TensorSpec> specs_;
  const uint64_t alignment_;
  std::string temporary_;  // empty once it is renamed, or if there is none
  int fd_ = -1;
  size_t current_ = 0;    // the tensor being written
  uint64_t written_ = 0;  // its bytes so far
};

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_TENSOR_FILE_WRITER_H_
