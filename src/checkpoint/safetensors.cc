#include "checkpoint/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <set>

#include "base/checked_math.h"
#include "base/json.h"
#include "base/quote.h"

namespace cria::checkpoint {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;
using tensor::DType;
using tensor::Shape;

static_assert(std::endian::native == std::endian::little, "the formats are little-endian");

constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxRank = 8;

std::string Str(base::json::string_view text) { return std::string(text.data(), text.size()); }

std::optional<uint64_t> AsUnsigned(const value& number) {
  if (const uint64_t* u = number.if_uint64()) return *u;
  const int64_t* i = number.if_int64();
  return i != nullptr && *i >= 0 ? std::optional<uint64_t>(*i) : std::nullopt;
}

struct Range {
  uint64_t begin = 0, end = 0;  // relative to the data
};

struct Entry {
  SafetensorsTensor tensor;
  Range range;
};

absl::StatusOr<DType> ParseType(const object& fields) {
  const value* dtype = base::Find(fields, "dtype");
  if (dtype == nullptr || !dtype->is_string())
    return absl::DataLossError("no 'dtype' of type string");
  const std::string name = Str(dtype->get_string());
  const std::optional<DType> type = tensor::DTypeFromName(name);
  if (!type || !IsSafetensorsType(*type))
    return absl::UnimplementedError(
        absl::StrCat("dtype ", base::Quote(name),
                     " is not supported; F32, F16, BF16, I8, U8, I16, I32, I64, F64 and BOOL are"));
  return *type;
}

absl::StatusOr<Shape> ParseShape(const object& fields) {
  const array* dims = base::FindArray(fields, "shape");
  if (dims == nullptr) return absl::DataLossError("no 'shape' of type array");
  if (dims->size() > kMaxRank)
    return absl::DataLossError(
        absl::StrCat("shape has ", dims->size(), " dimensions, at most ", kMaxRank, " are read"));
  std::vector<int64_t> shape;
  for (const value& dim : *dims) {
    const std::optional<uint64_t> size = AsUnsigned(dim);
    if (!size || *size > INT64_MAX)
      return absl::DataLossError("shape holds something that is not a size");
    shape.push_back(static_cast<int64_t>(*size));
  }
  return Shape(std::move(shape));
}

absl::StatusOr<Range> ParseRange(const object& fields) {
  const array* offsets = base::FindArray(fields, "data_offsets");
  if (offsets == nullptr || offsets->size() != 2)
    return absl::DataLossError("no 'data_offsets' of two numbers");
  const auto begin = AsUnsigned((*offsets)[0]), end = AsUnsigned((*offsets)[1]);
  if (!begin || !end || *begin > *end)
    return absl::DataLossError("data_offsets are not a byte range");
  return Range{*begin, *end};
}

absl::StatusOr<Entry> ParseEntry(const value& description, std::span<const uint8_t> data) {
  const object* fields = description.if_object();
  if (fields == nullptr)
    return absl::DataLossError(
        absl::StrCat("expected an object, found ", std::string(base::JsonTypeName(description))));
  Entry entry;
  CRIA_ASSIGN_OR_RETURN(entry.tensor.view.dtype, ParseType(*fields));
  CRIA_ASSIGN_OR_RETURN(entry.tensor.view.shape, ParseShape(*fields));
  CRIA_ASSIGN_OR_RETURN(entry.range, ParseRange(*fields));
  const auto& [begin, end] = entry.range;
  const std::string type(tensor::Name(entry.tensor.view.dtype));
  const std::string shape = entry.tensor.view.shape.ToString();
  const auto needed = tensor::ByteSize(entry.tensor.view.dtype, entry.tensor.view.shape);
  if (!needed) return absl::DataLossError(absl::StrCat("the size of shape ", shape, " overflows"));
  if (*needed != end - begin)
    return absl::DataLossError(absl::StrCat("offsets ", begin, "..", end, " hold ", end - begin,
                                            " bytes, shape ", shape, " ", type, " needs ",
                                            *needed));
  if (end > data.size())
    return absl::DataLossError(absl::StrCat("offsets ", begin, "..", end, ", the file has only ",
                                            data.size(), " bytes of data: truncated download?"));
  entry.tensor.view.bytes = data.subspan(begin, *needed);
  return entry;
}

absl::Status ParseMetadata(const value& description, std::map<std::string, std::string>* metadata) {
  const object* fields = description.if_object();
  if (fields == nullptr) return absl::DataLossError("'__metadata__': expected an object");
  for (const auto& field : *fields) {
    const base::json::string* text = field.value().if_string();
    if (text == nullptr)
      return absl::DataLossError(absl::StrCat("'__metadata__': ", base::Quote(Str(field.key())),
                                              ": expected a string, found ",
                                              std::string(base::JsonTypeName(field.value()))));
    metadata->emplace(Str(field.key()), Str(*text));
  }
  return absl::OkStatus();
}

// Sorts by position and checks that the tensors cover `size` bytes exactly.
absl::Status CheckCover(uint64_t size, std::vector<Entry>* entries) {
  std::sort(entries->begin(), entries->end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.range.begin, a.range.end) < std::pair(b.range.begin, b.range.end);
  });
  uint64_t position = 0;
  for (size_t i = 0; i < entries->size(); ++i) {
    const Entry& entry = (*entries)[i];
    if (entry.range.begin < position)
      return absl::DataLossError(absl::StrCat(
          "tensor ", base::Quote(entry.tensor.name), ": offsets ", entry.range.begin, "..",
          entry.range.end, " overlap tensor ", base::Quote((*entries)[i - 1].tensor.name)));
    if (entry.range.begin > position)
      return absl::DataLossError(absl::StrCat("tensor ", base::Quote(entry.tensor.name),
                                              ": starts at ", entry.range.begin,
                                              ", leaving a gap from ", position));
    position = entry.range.end;
  }
  if (position != size)
    return absl::DataLossError(
        absl::StrCat("the tensors need ", position, " bytes of data, the file has ", size));
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> HeaderText(std::span<const uint8_t> bytes) {
  if (bytes.size() < kLengthBytes)
    return absl::DataLossError(
        absl::StrCat(bytes.size(), " bytes are too few for a safetensors file"));
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxSafetensorsHeader)
    return absl::DataLossError(absl::StrCat("header length is ", length, ", at most ",
                                            kMaxSafetensorsHeader,
                                            " is allowed: not a safetensors file?"));
  if (!base::RangeFits(kLengthBytes, length, bytes.size()))
    return absl::DataLossError(absl::StrCat("header length is ", length, ", but the file has only ",
                                            bytes.size(), " bytes: truncated download?"));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  if (!text.starts_with('{')) return absl::DataLossError("the header doesn't start with '{'");
  return text;
}

absl::StatusOr<Safetensors> Parse(std::span<const uint8_t> bytes) {
  CRIA_ASSIGN_OR_RETURN(const std::string_view text, HeaderText(bytes));
  const base::JsonLimits limits = {.max_bytes = kMaxSafetensorsHeader, .max_depth = 8};
  CRIA_ASSIGN_OR_RETURN(const value header, base::ParseJson(text, "header", limits));
  if (!header.is_object()) return absl::DataLossError("header: expected an object");
  if (const auto key = DuplicateJsonKey(text))
    return absl::DataLossError(absl::StrCat("header: ", base::Quote(*key), " is there twice"));
  const auto data = bytes.subspan(kLengthBytes + text.size());
  Safetensors result;
  std::vector<Entry> entries;
  for (const auto& field : header.get_object()) {
    if (field.key() == "__metadata__") {
      CRIA_RETURN_IF_ERROR(ParseMetadata(field.value(), &result.metadata));
      continue;
    }
    std::string name = Str(field.key());
    absl::StatusOr<Entry> entry = ParseEntry(field.value(), data);
    if (!entry.ok())
      return base::Annotate(entry.status(), absl::StrCat("tensor ", base::Quote(name)));
    entry->tensor.name = std::move(name);
    entries.push_back(*std::move(entry));
  }
  CRIA_RETURN_IF_ERROR(CheckCover(data.size(), &entries));
  for (Entry& entry : entries) result.tensors.push_back(std::move(entry.tensor));
  return result;
}

// The string that starts at json[*i] == '"', unescaped; *i moves behind it.
std::string TakeString(std::string_view json, size_t* i) {
  const size_t start = *i;
  bool escaped = false;
  for (++*i; *i < json.size() && json[*i] != '"'; ++*i) {
    if (json[*i] != '\\') continue;
    escaped = true;
    ++*i;
  }
  ++*i;
  const std::string_view quoted = json.substr(start, *i - start);
  if (!escaped) return std::string(quoted.substr(1, quoted.size() - 2));
  const auto parsed = base::ParseJson(quoted, "key");
  return parsed.ok() && parsed->is_string() ? Str(parsed->get_string()) : std::string(quoted);
}

}  // namespace

bool IsSafetensorsType(DType dtype) { return !tensor::Info(dtype).is_block_format(); }

absl::StatusOr<Safetensors> ParseSafetensors(std::span<const uint8_t> bytes,
                                             const std::string& what) {
  absl::StatusOr<Safetensors> result = Parse(bytes);
  if (!result.ok()) return base::Annotate(result.status(), what);
  return result;
}

absl::StatusOr<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  SafetensorsFile result;
  CRIA_ASSIGN_OR_RETURN(result.file, base::MappedFile::Open(path));
  CRIA_ASSIGN_OR_RETURN(result.content, ParseSafetensors(result.file->bytes(), path));
  return result;
}

std::optional<std::string> DuplicateJsonKey(std::string_view json) {
  std::vector<std::set<std::string>> objects;  // the keys of the objects that are open here
  size_t i = 0;
  while (i < json.size()) {
    if (json[i] == '{') objects.emplace_back();
    if (json[i] == '}' && !objects.empty()) objects.pop_back();
    if (json[i] != '"') {
      ++i;
      continue;
    }
    std::string text = TakeString(json, &i);
    i = std::min(json.find_first_not_of(" \t\r\n", i), json.size());
    if (i == json.size() || json[i] != ':' || objects.empty()) continue;
    if (!objects.back().insert(text).second) return text;
  }
  return std::nullopt;
}

}  // namespace cria::checkpoint
