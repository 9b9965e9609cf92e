// GGUF, the container: metadata and tensors of a file, parsed from its bytes and fully checked.
// What the metadata means for a model is gguf_reader.h's business. Source: docs/gguf.md of
// ggml-org/ggml (the format), ggml.h (the numbers of the tensor types).
#ifndef CRIA_CHECKPOINT_GGUF_H_
#define CRIA_CHECKPOINT_GGUF_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace cria::checkpoint {

inline constexpr uint32_t kGgufMagic = 0x46554747;  // "GGUF"
inline constexpr uint64_t kGgufDefaultAlignment = 32;
inline constexpr uint64_t kMaxGgufAlignment = uint64_t{1} << 20;
inline constexpr uint64_t kMaxGgufKeys = uint64_t{1} << 16;
inline constexpr uint64_t kMaxGgufTensors = uint64_t{1} << 17;
inline constexpr uint64_t kMaxGgufArrayElements = uint64_t{1}
                                                  << 24;  // of all arrays of a file together
inline constexpr uint64_t kMaxGgufKeyBytes = 65535;       // the format's own bound
inline constexpr uint64_t kMaxGgufTensorNameBytes = 255;
inline constexpr uint64_t kMaxGgufStringBytes = uint64_t{16} << 20;
inline constexpr size_t kMaxGgufRank = 4;

// The types of metadata values, with the numbers of the format.
enum class GgufType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};
inline constexpr uint32_t kGgufTypes = 13;
std::string_view Name(GgufType type);  // "u32", "string", ...
size_t ScalarBytes(GgufType type);     // 0 for strings and arrays
bool IsInteger(GgufType type);
bool IsFloat(GgufType type);

struct GgufArray {
  GgufType type = GgufType::kU32;  // of the elements: never kArray
  uint64_t count = 0;
  std::span<const uint8_t> bytes;         // numbers and booleans: little-endian, not aligned
  std::vector<std::string_view> strings;  // strings

  // Element i < count of an array of integers, of floats. Ints() has seen to it that u64 elements
  // fit.
  int64_t IntAt(uint64_t i) const;
  double FloatAt(uint64_t i) const;
};

struct GgufValue {
  GgufType type = GgufType::kU32;
  std::variant<int64_t, uint64_t, double, bool, std::string_view, GgufArray> value;
};

struct GgufTensor {
  std::string_view name;
  tensor::View view;  // shape outermost first: the file's dimensions reversed
};

// The number of a tensor type in a GGUF file; nullopt for a DType that GGUF doesn't have (U8,
// BOOL).
std::optional<uint32_t> GgufTensorType(tensor::DType dtype);
// "F32", "IQ4_XS", ... for every type that ggml has or had; "type 99" for the others.
std::string GgufTensorTypeName(uint32_t type);

// A parsed file. Borrows everything from the bytes it was parsed from, which must outlive it.
// Immutable.
class GgufFile {
 public:
  // `what` (a path) starts every message. kDataLoss: truncated, damaged or hostile; kUnimplemented,
  // by name: version 1, big-endian, nested arrays, tensor types that Cria doesn't read. Takes time
  // and memory linear in the metadata.
  static absl::StatusOr<GgufFile> Parse(std::span<const uint8_t> bytes, std::string_view what);

  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  const std::string& what() const { return what_; }
  const std::map<std::string_view, GgufValue>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }  // in the order of the file
  const GgufTensor* FindTensor(std::string_view name) const;

  // Values by key. An absent key gives nullopt (nullptr); a value of another type is kDataLoss that
  // names the key.
  const GgufValue* Find(std::string_view key) const;
  absl::StatusOr<std::optional<int64_t>> Int(std::string_view key) const;  // any integer type
  absl::StatusOr<std::optional<double>> Float(
      std::string_view key) const;  // any float or integer type
  absl::StatusOr<std::optional<bool>> Bool(std::string_view key) const;
  absl::StatusOr<std::optional<std::string_view>> String(std::string_view key) const;
  absl::StatusOr<const GgufArray*> Strings(std::string_view key) const;
  absl::StatusOr<const GgufArray*> Ints(std::string_view key) const;
  absl::StatusOr<const GgufArray*> Floats(std::string_view key) const;

 private:
  friend class GgufParser;

  absl::Status WrongType(std::string_view key, std::string_view expected,
                         const GgufValue& value) const;
  absl::StatusOr<const GgufArray*> Array(std::string_view key, std::string_view expected,
                                         bool (*accepts)(GgufType)) const;

  std::string what_;
  uint32_t version_ = 0;
  uint64_t alignment_ = kGgufDefaultAlignment;
  std::map<std::string_view, GgufValue> metadata_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string_view, size_t> tensor_index_;
};

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_GGUF_H_
