#include "checkpoint/safetensors_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <utility>

#include "base/checked_math.h"
#include "base/json.h"
#include "checkpoint/quote.h"
#include "checkpoint/safetensors.h"

namespace cria::checkpoint {
namespace {

using base::json::array;
using base::json::object;

constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 8;
constexpr std::string_view kMetadata = "__metadata__";

absl::Status CheckSpec(const SafetensorsSpec& spec) {
  const std::string what = absl::StrCat("tensor ", Quote(spec.name));
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

// A directory entry is only on disk once its directory is synced.
void SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)fsync(fd);
  close(fd);
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
          absl::StrCat("tensor ", Quote(spec.name), " is given twice"));
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

absl::StatusOr<std::unique_ptr<SafetensorsWriter>> SafetensorsWriter::Create(
    const std::string& path, std::vector<SafetensorsSpec> specs,
    const std::map<std::string, std::string>& metadata) {
  const absl::StatusOr<std::string> header = SafetensorsHeader(specs, metadata);
  if (!header.ok()) return base::Annotate(header.status(), path);
  std::unique_ptr<SafetensorsWriter> writer(new SafetensorsWriter(path, std::move(specs)));
  CRIA_RETURN_IF_ERROR(writer->Start(*header));
  return writer;
}

SafetensorsWriter::~SafetensorsWriter() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status SafetensorsWriter::FileError(const char* what) const {
  const int error = errno;
  const std::string message = absl::StrCat(path_, ": ", what, ": ", strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM || error == EROFS)
    return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

absl::Status SafetensorsWriter::Start(const std::string& header) {
  std::string temporary = path_ + ".XXXXXX";
  fd_ = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd_ < 0) return FileError("cannot create");
  temporary_ = std::move(temporary);
  (void)fchmod(fd_, 0644);
  SkipComplete();
  return WriteAll({reinterpret_cast<const uint8_t*>(header.data()), header.size()});
}

absl::Status SafetensorsWriter::WriteAll(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FileError("cannot write");
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Moves to the next tensor that still wants bytes: empty tensors are complete from the start.
void SafetensorsWriter::SkipComplete() {
  while (current_ < specs_.size() &&
         written_ == *tensor::ByteSize(specs_[current_].dtype, specs_[current_].shape)) {
    ++current_;
    written_ = 0;
  }
}

absl::Status SafetensorsWriter::Append(const std::string& name, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (current_ == specs_.size() || specs_[current_].name != name)
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": bytes of tensor ", Quote(name), ", expected ",
        current_ == specs_.size() ? std::string("no more") : Quote(specs_[current_].name)));
  const SafetensorsSpec& spec = specs_[current_];
  const uint64_t left = *tensor::ByteSize(spec.dtype, spec.shape) - written_;
  if (bytes.size() > left)
    return absl::InvalidArgumentError(absl::StrCat(path_, ": tensor ", Quote(name), ": ",
                                                   bytes.size(), " more bytes, it wants ", left));
  CRIA_RETURN_IF_ERROR(WriteAll(bytes));
  written_ += bytes.size();
  SkipComplete();
  return absl::OkStatus();
}

absl::Status SafetensorsWriter::Finish() {
  if (current_ != specs_.size())
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": bytes of tensor ", Quote(specs_[current_].name), " are missing"));
  if (fsync(fd_) != 0) return FileError("cannot sync");
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return FileError("cannot rename");
  temporary_.clear();
  SyncDirectoryOf(path_);
  return absl::OkStatus();
}

}  // namespace cria::checkpoint
