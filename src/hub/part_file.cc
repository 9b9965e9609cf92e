#include "hub/part_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "base/file.h"
#include "base/json.h"

namespace cria::hub {
namespace {

constexpr uint64_t kMaxNoteBytes = 4096;

std::string PartPath(const std::string& path) { return path + ".part"; }
std::string NotePath(const std::string& path) { return path + ".part.json"; }

// The ETag of an earlier run. A note that can't be read only costs the resumption.
std::string ReadEtag(const std::string& path) {
  const absl::StatusOr<std::string> text = base::ReadFile(NotePath(path), kMaxNoteBytes);
  if (!text.ok()) return "";
  const auto note = base::ParseJson(*text, NotePath(path));
  if (!note.ok() || !note->is_object()) return "";
  const auto etag = base::GetString(note->get_object(), "etag");
  return etag.ok() ? etag->value_or("") : "";
}

// If-Range takes strong validators alone (RFC 9110, section 13.1.5).
bool IsStrong(const std::string& etag) {
  return etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
}

}  // namespace

absl::StatusOr<std::unique_ptr<PartFile>> PartFile::Open(const std::string& path,
                                                         std::optional<uint64_t> size,
                                                         const Digest& expected,
                                                         const Cancelled& cancelled) {
  CRIA_RETURN_IF_ERROR(MakeDirectories(DirectoryOf(path)));
  const std::string part = PartPath(path);
  const int fd = open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return FromErrno("cannot create", part);
  std::unique_ptr<PartFile> file(new PartFile(path, fd));
  const off_t end = lseek(fd, 0, SEEK_END);
  if (end < 0) return FromErrno("cannot seek", part);
  file->size_ = static_cast<uint64_t>(end);
  file->etag_ = ReadEtag(path);
  file->StartHashing(size, expected);
  // Without a validator only a digest can tell that the rest belongs to this beginning.
  const bool can_check = !file->etag_.empty() || expected.kind != DigestKind::kNone;
  if ((size.has_value() && file->size_ > *size) || !can_check)
    CRIA_RETURN_IF_ERROR(file->Restart("", size, expected));
  file->resumed_ = file->size_ > 0;
  CRIA_RETURN_IF_ERROR(file->HashExisting(cancelled));
  return file;
}

PartFile::~PartFile() { close(fd_); }

void PartFile::StartHashing(std::optional<uint64_t> size, const Digest& expected) {
  expected_ = expected;
  if (expected.kind == DigestKind::kGitSha1 && !size.has_value()) expected_ = Digest{};
  sha256_ = std::make_unique<Hasher>(DigestKind::kSha256);
  other_.reset();
  if (expected_.kind != DigestKind::kNone && expected_.kind != DigestKind::kSha256)
    other_ = std::make_unique<Hasher>(expected_.kind, size.value_or(0));
}

absl::Status PartFile::HashExisting(const Cancelled& cancelled) {
  return ReadChunks(PartPath(path_), size_, cancelled,
                    [&](std::span<const uint8_t> chunk) -> absl::Status {
                      Hash(chunk);
                      return absl::OkStatus();
                    });
}

void PartFile::Hash(std::span<const uint8_t> bytes) {
  sha256_->Update(bytes);
  if (other_ != nullptr) other_->Update(bytes);
}

absl::Status PartFile::Restart(const std::string& etag, std::optional<uint64_t> size,
                               const Digest& expected) {
  if (ftruncate(fd_, 0) != 0 || lseek(fd_, 0, SEEK_SET) != 0)
    return FromErrno("cannot empty", PartPath(path_));
  size_ = 0;
  resumed_ = false;
  etag_ = IsStrong(etag) ? etag : "";
  StartHashing(size, expected);
  if (etag_.empty()) {
    unlink(NotePath(path_).c_str());
    return absl::OkStatus();
  }
  return base::WriteFileAtomically(NotePath(path_),
                                   base::json::serialize(base::json::object{{"etag", etag_}}));
}

void PartFile::Expect(const Digest& expected) {
  if (expected.kind == DigestKind::kSha256 && expected_.kind == DigestKind::kNone)
    expected_ = expected;
}

absl::Status PartFile::Append(std::span<const uint8_t> bytes) {
  CRIA_RETURN_IF_ERROR(WriteFully(fd_, bytes, PartPath(path_)));
  size_ += bytes.size();
  Hash(bytes);
  return absl::OkStatus();
}

absl::StatusOr<std::string> PartFile::Commit() {
  if (fsync(fd_) != 0) return FromErrno("cannot sync", PartPath(path_));
  const std::string sha256 = sha256_->Finish();
  const std::string found = other_ == nullptr ? sha256 : other_->Finish();
  if (expected_.kind != DigestKind::kNone && found != absl::AsciiStrToLower(expected_.hex)) {
    unlink(PartPath(path_).c_str());
    unlink(NotePath(path_).c_str());
    return absl::DataLossError(
        absl::StrCat(BaseName(path_), ": ", Name(expected_.kind), " of the ", size_,
                     " bytes received is ", found, ", expected ", expected_.hex,
                     ": damaged on the way or not the published file; download it again"));
  }
  CRIA_RETURN_IF_ERROR(Rename(PartPath(path_), path_));
  unlink(NotePath(path_).c_str());
  return sha256;
}

}  // namespace cria::hub
