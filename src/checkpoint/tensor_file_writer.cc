#include "checkpoint/tensor_file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/file.h"
#include "base/quote.h"

namespace cria::checkpoint {
namespace {

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

absl::StatusOr<std::unique_ptr<TensorFileWriter>> TensorFileWriter::Create(
    const std::string& path, const std::string& header, std::vector<TensorSpec> specs,
    uint64_t alignment) {
  std::unique_ptr<TensorFileWriter> writer(new TensorFileWriter(path, std::move(specs), alignment));
  CRIA_RETURN_IF_ERROR(writer->Start(header));
  return writer;
}

TensorFileWriter::~TensorFileWriter() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status TensorFileWriter::Start(const std::string& header) {
  std::string temporary = path_ + ".XXXXXX";
  fd_ = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd_ < 0) return base::FileError("cannot create", path_);
  temporary_ = std::move(temporary);
  (void)fchmod(fd_, 0644);
  CRIA_RETURN_IF_ERROR(WriteAll({reinterpret_cast<const uint8_t*>(header.data()), header.size()}));
  return EndTensors();
}

absl::Status TensorFileWriter::WriteAll(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return base::FileError("cannot write", path_);
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Pads the current tensor if it is complete and moves to the next that still wants bytes: empty
// tensors are complete from the start.
absl::Status TensorFileWriter::EndTensors() {
  for (; current_ < specs_.size(); ++current_, written_ = 0) {
    if (written_ < *tensor::ByteSize(specs_[current_].dtype, specs_[current_].shape)) break;
    const std::vector<uint8_t> zeros((alignment_ - written_ % alignment_) % alignment_, 0);
    CRIA_RETURN_IF_ERROR(WriteAll(zeros));
  }
  return absl::OkStatus();
}

absl::Status TensorFileWriter::Append(const std::string& name, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (current_ == specs_.size() || specs_[current_].name != name)
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": bytes of tensor ", base::Quote(name), ", expected ",
        current_ == specs_.size() ? std::string("no more") : base::Quote(specs_[current_].name)));
  const TensorSpec& spec = specs_[current_];
  const uint64_t left = *tensor::ByteSize(spec.dtype, spec.shape) - written_;
  if (bytes.size() > left)
    return absl::InvalidArgumentError(absl::StrCat(path_, ": tensor ", base::Quote(name), ": ",
                                                   bytes.size(), " more bytes, it wants ", left));
  CRIA_RETURN_IF_ERROR(WriteAll(bytes));
  written_ += bytes.size();
  return EndTensors();
}

absl::Status TensorFileWriter::Finish() {
  if (current_ != specs_.size())
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": bytes of tensor ", base::Quote(specs_[current_].name), " are missing"));
  if (fsync(fd_) != 0) return base::FileError("cannot sync", path_);
  if (rename(temporary_.c_str(), path_.c_str()) != 0)
    return base::FileError("cannot rename", path_);
  temporary_.clear();
  SyncDirectoryOf(path_);
  return absl::OkStatus();
}

}  // namespace cria::checkpoint
