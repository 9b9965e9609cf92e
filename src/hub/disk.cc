#include "hub/disk.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/file.h"

namespace cria::hub {
namespace {

namespace fs = std::filesystem;

constexpr size_t kChunkBytes = size_t{1} << 18;
constexpr size_t kMaxPathBytes = 512;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status FromCode(const std::error_code& error, const std::string& what,
                      const std::string& path) {
  errno = error.value();
  return FromErrno(what, path);
}

}  // namespace

absl::Status FromErrno(const std::string& what, const std::string& path) {
  const int error = errno;
  const std::string message = absl::StrCat(path, ": ", what, ": ", strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::StatusOr<uint64_t> FileSize(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return FromErrno("cannot stat", path);
  if (!S_ISREG(info.st_mode))
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a regular file"));
  return static_cast<uint64_t>(info.st_size);
}

absl::Status CheckCancelled(const Cancelled& cancelled) {
  return cancelled && cancelled() ? absl::CancelledError("interrupted") : absl::OkStatus();
}

absl::Status ReadChunks(const std::string& path, uint64_t size, const Cancelled& cancelled,
                        const std::function<absl::Status(std::span<const uint8_t>)>& take) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return FromErrno("cannot open", path);
  std::vector<uint8_t> buffer(kChunkBytes);
  while (size > 0) {
    CRIA_RETURN_IF_ERROR(CheckCancelled(cancelled));
    const ssize_t got = read(fd.get(), buffer.data(), std::min<uint64_t>(buffer.size(), size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FromErrno("cannot read", path);
    if (got == 0)
      return absl::DataLossError(absl::StrCat(path, ": ", size, " bytes shorter than expected"));
    CRIA_RETURN_IF_ERROR(take({buffer.data(), static_cast<size_t>(got)}));
    size -= static_cast<uint64_t>(got);
  }
  return absl::OkStatus();
}

absl::Status WriteFully(int fd, std::span<const uint8_t> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FromErrno("cannot write", path);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return FromCode(error, "cannot create the directory", path);
  return absl::OkStatus();
}

absl::Status RemoveTree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return FromCode(error, "cannot remove", path);
  return absl::OkStatus();
}

absl::Status Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0)
    return FromErrno(absl::StrCat("cannot rename to ", to), from);
  return absl::OkStatus();
}

absl::Status CheckFreeSpace(const std::string& directory, uint64_t bytes) {
  struct statvfs info {};
  if (statvfs(directory.c_str(), &info) != 0)
    return FromErrno("cannot look at the file system", directory);
  const uint64_t block = info.f_frsize;
  if (block == 0 || bytes / block < info.f_bavail) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      directory, ": needs ", HumanBytes(bytes), ", the disk has ",
      HumanBytes(info.f_bavail * block), " free: make room, or put LLAMA_HOME on another disk"));
}

absl::Status CopyFile(const std::string& from, const std::string& to, CopyMode mode,
                      const Cancelled& cancelled) {
  CRIA_ASSIGN_OR_RETURN(const uint64_t size, FileSize(from));
  const FileDescriptor source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (source.get() < 0) return FromErrno("cannot open", from);
  const FileDescriptor target(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (target.get() < 0) return FromErrno("cannot create", to);
  if (ioctl(target.get(), FICLONE, source.get()) == 0) return absl::OkStatus();
  if (mode == CopyMode::kMayShare) {
    const std::string linked = to + ".link";
    if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, linked.c_str(), AT_SYMLINK_FOLLOW) == 0)
      return Rename(linked, to);
  }
  CRIA_RETURN_IF_ERROR(CheckFreeSpace(DirectoryOf(to), size));
  CRIA_RETURN_IF_ERROR(ReadChunks(from, size, cancelled, [&](std::span<const uint8_t> chunk) {
    return WriteFully(target.get(), chunk, to);
  }));
  if (fsync(target.get()) != 0) return FromErrno("cannot sync", to);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error), end;
  if (error) return FromCode(error, "cannot list", directory);
  for (; entry != end; entry.increment(error)) {
    if (error) return FromCode(error, "cannot list", directory);
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name.starts_with('.')) {
      if (entry->is_directory(ignored)) entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file(ignored)) continue;
    if (files.size() == kMaxListedFiles)
      return absl::DataLossError(absl::StrCat(directory, ": more than ", kMaxListedFiles,
                                              " files: not a model directory"));
    files.push_back(entry->path().lexically_relative(directory).string());
  }
  if (error) return FromCode(error, "cannot list", directory);
  std::sort(files.begin(), files.end());
  return files;
}

bool IsSafeRelativePath(std::string_view path) {
  if (path.empty() || path.size() > kMaxPathBytes) return false;
  for (const char c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return false;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t slash = std::min(path.find('/', start), path.size());
    const std::string_view component = path.substr(start, slash - start);
    if (component.empty() || component == "." || component == ".." || component.size() > 250)
      return false;
    start = slash + 1;
  }
  return true;
}

std::string JoinPath(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : absl::StrCat(directory, "/", name);
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string BaseName(const std::string& path) {
  std::string_view view = path;
  while (view.size() > 1 && view.ends_with('/')) view.remove_suffix(1);
  const size_t slash = view.rfind('/');
  return std::string(slash == std::string_view::npos ? view : view.substr(slash + 1));
}

std::string HumanBytes(uint64_t bytes) {
  static constexpr std::array<const char*, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

}  // namespace cria::hub
