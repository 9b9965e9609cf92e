#include "checkpoint/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/quote.h"

namespace cria::checkpoint {

using tensor::DType;

namespace {

struct TypeInfo {
  std::string_view name;
  size_t bytes;
};
constexpr std::array<TypeInfo, kGgufTypes> kTypes = {{{"u8", 1},
                                                      {"i8", 1},
                                                      {"u16", 2},
                                                      {"i16", 2},
                                                      {"u32", 4},
                                                      {"i32", 4},
                                                      {"f32", 4},
                                                      {"bool", 1},
                                                      {"string", 0},
                                                      {"array", 0},
                                                      {"u64", 8},
                                                      {"i64", 8},
                                                      {"f64", 8}}};

// The tensor types of ggml.h by number; empty where a number was given up.
constexpr std::array<std::string_view, 42> kTensorTypes = {
    "F32",   "F16",        "Q4_0",       "Q4_1",       "Q4_2",     "Q4_3",     "Q5_0",
    "Q5_1",  "Q8_0",       "Q8_1",       "Q2_K",       "Q3_K",     "Q4_K",     "Q5_K",
    "Q6_K",  "Q8_K",       "IQ2_XXS",    "IQ2_XS",     "IQ3_XXS",  "IQ1_S",    "IQ4_NL",
    "IQ3_S", "IQ2_S",      "IQ4_XS",     "I8",         "I16",      "I32",      "I64",
    "F64",   "IQ1_M",      "BF16",       "Q4_0_4_4",   "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
    "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",    "NVFP4",    "Q1_0"};

template <typename T>
T Load(const uint8_t* source) {
  T value;
  std::memcpy(&value, source, sizeof value);
  return value;
}

static_assert(std::endian::native == std::endian::little,
              "GGUF is read in place: little-endian only");

}  // namespace

std::string_view Name(GgufType type) { return kTypes[static_cast<size_t>(type)].name; }

size_t ScalarBytes(GgufType type) { return kTypes[static_cast<size_t>(type)].bytes; }

bool IsInteger(GgufType type) {
  return ScalarBytes(type) > 0 && !IsFloat(type) && type != GgufType::kBool;
}

bool IsFloat(GgufType type) { return type == GgufType::kF32 || type == GgufType::kF64; }

std::optional<uint32_t> GgufTensorType(DType dtype) {
  const std::string_view name = tensor::Name(dtype);
  const auto* found = std::find(kTensorTypes.begin(), kTensorTypes.end(), name);
  if (found == kTensorTypes.end()) return std::nullopt;
  return static_cast<uint32_t>(found - kTensorTypes.begin());
}

std::string GgufTensorTypeName(uint32_t type) {
  if (type < kTensorTypes.size()) return std::string(kTensorTypes[type]);
  return absl::StrCat("type ", type);
}

int64_t GgufArray::IntAt(uint64_t i) const {
  const uint8_t* at = bytes.data() + i * ScalarBytes(type);
  switch (type) {
    case GgufType::kU8:
      return Load<uint8_t>(at);
    case GgufType::kI8:
      return Load<int8_t>(at);
    case GgufType::kU16:
      return Load<uint16_t>(at);
    case GgufType::kI16:
      return Load<int16_t>(at);
    case GgufType::kU32:
      return Load<uint32_t>(at);
    case GgufType::kI32:
      return Load<int32_t>(at);
    default:
      return Load<int64_t>(at);
  }
}

double GgufArray::FloatAt(uint64_t i) const {
  const uint8_t* at = bytes.data() + i * ScalarBytes(type);
  return type == GgufType::kF32 ? Load<float>(at) : Load<double>(at);
}

const GgufTensor* GgufFile::FindTensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

absl::Status GgufFile::WrongType(std::string_view key, std::string_view expected,
                                 const GgufValue& value) const {
  std::string actual(Name(value.type));
  if (const auto* array = std::get_if<GgufArray>(&value.value))
    absl::StrAppend(&actual, " of ", std::string(Name(array->type)));
  return absl::DataLossError(absl::StrCat(what_, ": key ", base::Quote(key), " is of type ", actual,
                                          ", expected ", std::string(expected)));
}

absl::StatusOr<std::optional<int64_t>> GgufFile::Int(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<int64_t>();
  if (const auto* integer = std::get_if<int64_t>(&value->value))
    return std::optional<int64_t>(*integer);
  const auto* large = std::get_if<uint64_t>(&value->value);
  if (large == nullptr) return WrongType(key, "an integer", *value);
  if (*large > INT64_MAX)
    return absl::DataLossError(
        absl::StrCat(what_, ": key ", base::Quote(key), " is ", *large, ": out of range"));
  return std::optional<int64_t>(static_cast<int64_t>(*large));
}

absl::StatusOr<std::optional<double>> GgufFile::Float(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<double>();
  if (const auto* number = std::get_if<double>(&value->value))
    return std::optional<double>(*number);
  if (!IsInteger(value->type)) return WrongType(key, "a number", *value);
  CRIA_ASSIGN_OR_RETURN(const std::optional<int64_t> integer, Int(key));
  return std::optional<double>(static_cast<double>(*integer));
}

absl::StatusOr<std::optional<bool>> GgufFile::Bool(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<bool>();
  if (const auto* flag = std::get_if<bool>(&value->value)) return std::optional<bool>(*flag);
  return WrongType(key, "bool", *value);
}

absl::StatusOr<std::optional<std::string_view>> GgufFile::String(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::string_view>();
  if (const auto* text = std::get_if<std::string_view>(&value->value))
    return std::optional<std::string_view>(*text);
  return WrongType(key, "string", *value);
}

absl::StatusOr<const GgufArray*> GgufFile::Array(std::string_view key, std::string_view expected,
                                                 bool (*accepts)(GgufType)) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return nullptr;
  const auto* array = std::get_if<GgufArray>(&value->value);
  if (array == nullptr || !accepts(array->type)) return WrongType(key, expected, *value);
  return array;
}

absl::StatusOr<const GgufArray*> GgufFile::Strings(std::string_view key) const {
  return Array(key, "array of string", [](GgufType type) { return type == GgufType::kString; });
}

absl::StatusOr<const GgufArray*> GgufFile::Ints(std::string_view key) const {
  CRIA_ASSIGN_OR_RETURN(const GgufArray* array, Array(key, "array of integers", IsInteger));
  if (array == nullptr || array->type != GgufType::kU64) return array;
  for (uint64_t i = 0; i < array->count; ++i)
    if (array->IntAt(i) < 0)
      return absl::DataLossError(
          absl::StrCat(what_, ": key ", base::Quote(key), ": element ", i, " is out of range"));
  return array;
}

absl::StatusOr<const GgufArray*> GgufFile::Floats(std::string_view key) const {
  return Array(key, "array of f32", IsFloat);
}

}  // namespace cria::checkpoint
