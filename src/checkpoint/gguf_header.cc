#include "checkpoint/gguf_header.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "base/checked_math.h"
#include "base/quote.h"

namespace cria::checkpoint {
namespace {

constexpr uint32_t kVersion = 3;

template <typename T>
void Append(T value, std::string* out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof value);
  out->append(bytes, sizeof value);
}

void AppendString(std::string_view text, std::string* out) {
  Append<uint64_t>(text.size(), out);
  out->append(text);
}

void Align(std::string* out) {
  out->resize(
      static_cast<size_t>(base::RoundUp(static_cast<int64_t>(out->size()), kGgufDefaultAlignment)),
      '\0');
}

absl::Status CheckSpec(const TensorSpec& spec) {
  const std::string what = absl::StrCat("tensor ", base::Quote(spec.name));
  if (spec.name.empty() || spec.name.size() > kMaxGgufTensorNameBytes)
    return absl::InvalidArgumentError(absl::StrCat(
        what, ": a name of ", spec.name.size(), " bytes, expected 1 to ", kMaxGgufTensorNameBytes));
  if (!GgufTensorType(spec.dtype))
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": GGUF has no type for ", std::string(tensor::Name(spec.dtype))));
  const std::vector<int64_t>& dims = spec.shape.dims();
  if (dims.empty() || dims.size() > kMaxGgufRank ||
      std::any_of(dims.begin(), dims.end(), [](int64_t dim) { return dim < 1; }))
    return absl::InvalidArgumentError(absl::StrCat(what, ": shape ", spec.shape.ToString(),
                                                   ", expected 1 to ", kMaxGgufRank,
                                                   " positive dimensions"));
  if (!tensor::ByteSize(spec.dtype, spec.shape))
    return absl::InvalidArgumentError(absl::StrCat(
        what, ": shape ", spec.shape.ToString(), " ", std::string(tensor::Name(spec.dtype)),
        ": its size overflows, or its rows don't divide into blocks"));
  return absl::OkStatus();
}

absl::Status AppendTensors(const std::vector<TensorSpec>& specs, std::string* header) {
  if (specs.size() > kMaxGgufTensors)
    return absl::InvalidArgumentError(
        absl::StrCat(specs.size(), " tensors, at most ", kMaxGgufTensors, " can be written"));
  std::set<std::string_view> names;
  uint64_t offset = 0;
  for (const TensorSpec& spec : specs) {
    CRIA_RETURN_IF_ERROR(CheckSpec(spec));
    if (!names.insert(spec.name).second)
      return absl::InvalidArgumentError(
          absl::StrCat("tensor ", base::Quote(spec.name), " is given twice"));
    AppendString(spec.name, header);
    Append<uint32_t>(static_cast<uint32_t>(spec.shape.rank()), header);
    for (size_t i = spec.shape.rank(); i-- > 0;)  // the fastest dimension first
      Append<uint64_t>(static_cast<uint64_t>(spec.shape[i]), header);
    Append<uint32_t>(*GgufTensorType(spec.dtype), header);
    Append<uint64_t>(offset, header);
    const auto end = base::CheckedAdd(offset, *tensor::ByteSize(spec.dtype, spec.shape));
    if (!end || *end > INT64_MAX - kGgufDefaultAlignment)
      return absl::InvalidArgumentError("the size of all tensors together overflows");
    offset =
        static_cast<uint64_t>(base::RoundUp(static_cast<int64_t>(*end), kGgufDefaultAlignment));
  }
  return absl::OkStatus();
}

}  // namespace

template <typename T>
void GgufMetadata::Set(std::string_view key, GgufType type, T value) {
  Value& slot = values_[std::string(key)] = Value();
  Append<uint32_t>(static_cast<uint32_t>(type), &slot.bytes);
  Append<T>(value, &slot.bytes);
}

template <typename T>
void GgufMetadata::SetArray(std::string_view key, GgufType type, const std::vector<T>& values) {
  Value& slot = values_[std::string(key)] = Value();
  slot.elements = values.size();
  Append<uint32_t>(static_cast<uint32_t>(GgufType::kArray), &slot.bytes);
  Append<uint32_t>(static_cast<uint32_t>(type), &slot.bytes);
  Append<uint64_t>(values.size(), &slot.bytes);
  for (const T& value : values) {
    if constexpr (std::is_same_v<T, std::string>) {
      AppendString(value, &slot.bytes);
      slot.longest_string = std::max<uint64_t>(slot.longest_string, value.size());
    } else {
      Append<T>(value, &slot.bytes);
    }
  }
}

void GgufMetadata::SetU32(std::string_view key, uint32_t value) { Set(key, GgufType::kU32, value); }
void GgufMetadata::SetF32(std::string_view key, float value) { Set(key, GgufType::kF32, value); }
void GgufMetadata::SetBool(std::string_view key, bool value) {
  Set<uint8_t>(key, GgufType::kBool, value ? 1 : 0);
}
void GgufMetadata::SetString(std::string_view key, std::string_view value) {
  Value& slot = values_[std::string(key)] = Value();
  slot.longest_string = value.size();
  Append<uint32_t>(static_cast<uint32_t>(GgufType::kString), &slot.bytes);
  AppendString(value, &slot.bytes);
}
void GgufMetadata::SetI32s(std::string_view key, const std::vector<int32_t>& values) {
  SetArray(key, GgufType::kI32, values);
}
void GgufMetadata::SetF32s(std::string_view key, const std::vector<float>& values) {
  SetArray(key, GgufType::kF32, values);
}
void GgufMetadata::SetStrings(std::string_view key, const std::vector<std::string>& values) {
  SetArray(key, GgufType::kString, values);
}

absl::StatusOr<std::string> GgufHeader(const GgufMetadata& metadata,
                                       const std::vector<TensorSpec>& specs) {
  if (metadata.values_.size() > kMaxGgufKeys)
    return absl::InvalidArgumentError(
        absl::StrCat(metadata.values_.size(), " keys, at most ", kMaxGgufKeys, " can be written"));
  std::string header;
  Append<uint32_t>(kGgufMagic, &header);
  Append<uint32_t>(kVersion, &header);
  Append<uint64_t>(specs.size(), &header);
  Append<uint64_t>(metadata.values_.size(), &header);
  uint64_t elements = 0;
  for (const auto& [key, value] : metadata.values_) {
    elements += value.elements;
    if (key.empty() || key.size() > kMaxGgufKeyBytes ||
        value.longest_string > kMaxGgufStringBytes || elements > kMaxGgufArrayElements)
      return absl::InvalidArgumentError(
          absl::StrCat("key ", base::Quote(key),
                       ": the key, its strings, or the arrays up to it are "
                       "longer than readers accept"));
    AppendString(key, &header);
    header += value.bytes;
  }
  CRIA_RETURN_IF_ERROR(AppendTensors(specs, &header));
  Align(&header);
  return header;
}

}  // namespace cria::checkpoint
