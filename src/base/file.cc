#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cria::base {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() { Reset(-1); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  void Reset(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

// What can't be read is no use as input, whatever the reason: only a shortage may pass.
absl::Status ReadError(std::string_view what, const std::string& path) {
  const absl::Status status = FileError(what, path);
  if (absl::IsNotFound(status)) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  if (absl::IsResourceExhausted(status)) return status;
  return absl::DataLossError(status.message());
}

std::string_view KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

absl::Status CheckRegular(const struct stat& info, const std::string& path) {
  if (S_ISREG(info.st_mode)) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path, ": is ", std::string(KindOf(info.st_mode)), ", expected a file"));
}

struct OpenedFile {
  FileDescriptor fd;
  uint64_t size = 0;
};

// Looks before it opens: opening alone can wait for a writer, or make a device do something. The
// path may be given to another file in between, so it looks again.
absl::Status OpenRegular(const std::string& path, OpenedFile* file) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return ReadError("cannot open", path);
  CRIA_RETURN_IF_ERROR(CheckRegular(info, path));
  file->fd.Reset(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file->fd.get() < 0) return ReadError("cannot open", path);
  if (fstat(file->fd.get(), &info) != 0) return ReadError("cannot stat", path);
  file->size = static_cast<uint64_t>(info.st_size);
  return CheckRegular(info, path);
}

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path, uint64_t max_bytes) {
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0) {
      if (errno == EINTR) continue;
      return ReadError("cannot read", path);
    }
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > max_bytes)
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": larger than the ", max_bytes, " bytes allowed here"));
  }
}

absl::Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FileError("cannot write", path);
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return FileError("cannot sync", path);
  return absl::OkStatus();
}

}  // namespace

absl::Status FileError(std::string_view what, const std::string& path) {
  const int error = errno;
  const std::string message =
      absl::StrCat(path, ": ", absl::string_view(what.data(), what.size()), ": ", strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    default:
      return absl::InternalError(message);
  }
}

absl::StatusOr<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  OpenedFile file;
  CRIA_RETURN_IF_ERROR(OpenRegular(path, &file));
  std::span<const uint8_t> bytes;
  if (file.size > 0) {
    void* address = mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, file.fd.get(), 0);
    if (address == MAP_FAILED) return ReadError("cannot map", path);
    bytes = {static_cast<const uint8_t*>(address), file.size};
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, bytes));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
}

void MappedFile::PreferHugePages() const {
  if (!bytes_.empty())
    (void)madvise(const_cast<uint8_t*>(bytes_.data()), bytes_.size(), MADV_HUGEPAGE);
}

bool MappedFile::DropPages(std::span<const uint8_t> part) const {
  if (part.empty() || part.data() < bytes_.data() ||
      part.data() + part.size() > bytes_.data() + bytes_.size())
    return false;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(part.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(part.data() + part.size()) / page * page;
  if (begin < end) (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  return true;
}

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, uint64_t max_bytes) {
  OpenedFile file;
  CRIA_RETURN_IF_ERROR(OpenRegular(path, &file));
  if (file.size > max_bytes)
    return absl::DataLossError(absl::StrCat(path, ": has ", file.size, " bytes, expected at most ",
                                            max_bytes, " in a file of its kind"));
  return ReadAll(file.fd.get(), path, max_bytes);
}

absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t max_bytes) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ReadError("cannot open", path);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return ReadError("cannot stat", path);
  if (S_ISDIR(info.st_mode))
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a directory, expected a file"));
  return ReadAll(fd.get(), path, max_bytes);
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view content) {
  std::string temporary = path + ".XXXXXX";
  const FileDescriptor fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (fd.get() < 0) return FileError("cannot create", path);
  (void)fchmod(fd.get(), 0644);
  absl::Status status = WriteAll(fd.get(), content, path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = FileError("cannot rename", path);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& path) {
  const std::string partial = path + kUnfinishedSuffix;
  const int fd = open(partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return FileError("cannot create", partial);
  std::unique_ptr<AtomicFile> file(new AtomicFile(path, fd));
  struct stat mine {
  }, named{};
  // The lock may have been waited for while its holder renamed the file: then it is no longer ours.
  const bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &mine) == 0 &&
                      stat(partial.c_str(), &named) == 0 && mine.st_ino == named.st_ino;
  if (!locked) {
    file->committed_ = true;  // not ours to remove
    return absl::AbortedError(absl::StrCat(partial, ": another process is writing it"));
  }
  if (ftruncate(fd, 0) != 0) return FileError("cannot truncate", partial);
  return file;
}

AtomicFile::~AtomicFile() {
  if (!committed_) unlink((path_ + kUnfinishedSuffix).c_str());
  close(fd_);
}

absl::Status AtomicFile::Reserve(uint64_t bytes) {
  errno = posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
  return errno == 0 ? absl::OkStatus() : FileError("cannot reserve its bytes", path_);
}

absl::Status AtomicFile::WriteAt(uint64_t offset, std::span<const uint8_t> bytes) {
  // Up to the next multiple of kWindow each time: file systems then keep whole huge pages in their
  // cache, which a mapping can use as such.
  constexpr uint64_t kWindow = 2 << 20;
  while (!bytes.empty()) {
    const size_t count = std::min<uint64_t>(bytes.size(), kWindow - offset % kWindow);
    const ssize_t written = pwrite(fd_, bytes.data(), count, static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return FileError("cannot write", path_);
    }
    offset += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::Commit() {
  if (rename((path_ + kUnfinishedSuffix).c_str(), path_.c_str()) != 0)
    return FileError("cannot rename", path_);
  committed_ = true;
  return absl::OkStatus();
}

bool FileExists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool PathExists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool DirectoryExists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace cria::base
