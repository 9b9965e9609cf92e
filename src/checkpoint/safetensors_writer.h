// Writes a safetensors file as a stream: the header first, then the bytes of one tensor after the
// other.
#ifndef CRIA_CHECKPOINT_SAFETENSORS_WRITER_H_
#define CRIA_CHECKPOINT_SAFETENSORS_WRITER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "checkpoint/tensor_file_writer.h"

namespace cria::checkpoint {

using SafetensorsSpec = TensorSpec;

// The header (length, JSON, padding to 8 bytes) for tensors that lie behind each other in this
// order. kInvalidArgument for a name given twice or reserved, a type that the format doesn't have,
// or a size that overflows. Pure.
absl::StatusOr<std::string> SafetensorsHeader(const std::vector<SafetensorsSpec>& specs,
                                              const std::map<std::string, std::string>& metadata);

// A writer for the tensors of such a file. Errors of SafetensorsHeader, or of the file system.
absl::StatusOr<std::unique_ptr<TensorFileWriter>> CreateSafetensors(
    const std::string& path, std::vector<SafetensorsSpec> specs,
    const std::map<std::string, std::string>& metadata = {});

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_SAFETENSORS_WRITER_H_
