#include "checkpoint/safetensors_writer.h"

#include <cstring>
#include <utility>

#include "base/checked_math.h"
#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/safetensors.h"

namespace cria::checkpoint {
namespace {

using base::json::array;
using base::json::object;

constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 8;
constexpr std::string_view kMetadata = "__metadata__";

absl::Status CheckSpec(const SafetensorsSpec& spec) {
  const std::string what = absl::StrCat("tensor ", base::Quote(spec.name));
  if (spec.name.empty() || spec.name == kMetadata)
    return absl::InvalidArgumentError(absl::StrCat(what, ": this name can't be written"));
  if (!IsSafetensorsType(spec.dtype))
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": safetensors has no type for ", std::string(Name(spec.dtype))));
  if (!tensor::ByteSize(spec.dtype, spec.shape))
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": the size of shape ", spec.shape.ToString(), " overflows"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> SafetensorsHeader(const std::vector<SafetensorsSpec>& specs,
                                              const std::map<std::string, std::string>& metadata) {
  object fields;
  if (!metadata.empty()) {
    object texts;
    for (const auto& [key, text] : metadata) texts[key] = text;
    fields["__metadata__"] = std::move(texts);
  }
  uint64_t position = 0;
  for (const SafetensorsSpec& spec : specs) {
    CRIA_RETURN_IF_ERROR(CheckSpec(spec));
    if (fields.contains(spec.name))
      return absl::InvalidArgumentError(
          absl::StrCat("tensor ", base::Quote(spec.name), " is given twice"));
    const auto end = base::CheckedAdd(position, *tensor::ByteSize(spec.dtype, spec.shape));
    if (!end || *end > INT64_MAX)
      return absl::InvalidArgumentError("the size of all tensors together overflows");
    array shape;
    for (const int64_t dim : spec.shape.dims()) shape.push_back(dim);
    const std::string_view type = tensor::Name(spec.dtype);
    fields[spec.name] = {{"dtype", base::json::string(type.data(), type.size())},
                         {"shape", std::move(shape)},
                         {"data_offsets", array{position, *end}}};
    position = *end;
  }
  std::string text = base::json::serialize(fields);
  text.resize(static_cast<size_t>(base::RoundUp(static_cast<int64_t>(text.size()), kAlignment)),
              ' ');
  if (text.size() > kMaxSafetensorsHeader)
    return absl::InvalidArgumentError(absl::StrCat(
        "the header has ", text.size(), " bytes, at most ", kMaxSafetensorsHeader, " are allowed"));
  const uint64_t length = text.size();
  std::string header(kLengthBytes, '\0');
  std::memcpy(header.data(), &length, kLengthBytes);
  return header + text;
}

absl::StatusOr<std::unique_ptr<TensorFileWriter>> CreateSafetensors(
    const std::string& path, std::vector<SafetensorsSpec> specs,
    const std::map<std::string, std::string>& metadata) {
  const absl::StatusOr<std::string> header = SafetensorsHeader(specs, metadata);
  if (!header.ok()) return base::Annotate(header.status(), path);
  return TensorFileWriter::Create(path, *header, std::move(specs), /*alignment=*/1);
}

}  // namespace cria::checkpoint
