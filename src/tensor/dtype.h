// Element types of stored tensors: plain numbers and the block formats of GGUF.
#ifndef CRIA_TENSOR_DTYPE_H_
#define CRIA_TENSOR_DTYPE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace cria::tensor {

enum class DType : uint8_t {
  kF32,
  kF16,
  kBf16,
  kI8,
  kU8,
  kI16,
  kI32,
  kI64,
  kF64,
  kBool,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ4K,
  kQ5K,
  kQ6K,
};

// A block is the smallest unit that has bytes of its own: 1 element for plain types, 32 or 256 for
// block formats.
struct DTypeInfo {
  std::string_view name;  // "F32", "BF16", "Q4_K": as GGUF and safetensors spell them
  int block_elements;
  int block_bytes;
  bool is_block_format() const { return block_elements > 1; }
};

const DTypeInfo& Info(DType dtype);
inline std::string_view Name(DType dtype) { return Info(dtype).name; }
std::optional<DType> DTypeFromName(std::string_view name);

}  // namespace cria::tensor

#endif  // CRIA_TENSOR_DTYPE_H_
