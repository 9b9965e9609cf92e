#include "store/file_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/quote.h"
#include "store/ids.h"

namespace cria::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kIdBytes = sizeof "file-" - 1 + 32;

// Whose files these are.
constexpr char kMark[] = "/.database";
constexpr uint64_t kMaxMarkBytes = 1000;

absl::Status CheckDatabase(const std::string& path, const std::string& database_id) {
  const absl::StatusOr<std::string> mark = base::ReadRegularFile(path + kMark, kMaxMarkBytes);
  if (absl::IsNotFound(mark.status())) return base::WriteFileAtomically(path + kMark, database_id);
  CRIA_RETURN_IF_ERROR(mark.status());
  if (*mark == database_id) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": has the files of another database (", base::Quote(*mark), ", expected ",
                   base::Quote(database_id), "): name another directory, or move this one away"));
}

// A full disk is no fault of the request: it may be tried again.
absl::Status DiskError(const absl::Status& status) {
  if (!absl::IsResourceExhausted(status)) return status;
  return absl::UnavailableError(
      absl::StrCat(status.message(), ": make room on its disk and try again"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileDirectory>> FileDirectory::Open(const std::string& path,
                                                                   const std::string& database_id) {
  std::error_code error;
  const fs::path parent = fs::path(path).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return base::FileError("cannot create the directory of stored files", path);
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return base::FileError("cannot open the directory of stored files", path);
  std::unique_ptr<FileDirectory> directory(new FileDirectory(path, fd));
  if (flock(fd, LOCK_SH) != 0)
    return base::FileError("cannot lock the directory of stored files", path);
  CRIA_RETURN_IF_ERROR(CheckDatabase(path, database_id));
  return directory;
}

FileDirectory::~FileDirectory() { close(fd_); }

absl::Status FileDirectory::Write(const std::string& id, std::string_view bytes) {
  CRIA_RETURN_IF_ERROR(DiskError(base::WriteFileAtomically(PathOf(id), bytes)));
  if (fsync(fd_) != 0) return DiskError(base::FileError("cannot sync", path_));
  return absl::OkStatus();
}

absl::Status FileDirectory::Remove(const std::string& id) {
  if (unlink(PathOf(id).c_str()) != 0 && errno != ENOENT)
    return base::FileError("cannot remove", PathOf(id));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FileDirectory::IdsIfAlone() {
  std::vector<std::string> ids;
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    // The shared lock may have been let go of in the attempt.
    if (flock(fd_, LOCK_SH) != 0) return base::FileError("cannot lock", path_);
    return ids;
  }
  std::error_code error;
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    // Names that we never give are not ours to remove.
    if (!IsFileId(std::string_view(name).substr(0, kIdBytes))) continue;
    if (name.size() == kIdBytes)
      ids.push_back(name);
    else if (name[kIdBytes] == '.')
      (void)unlink(entry->path().c_str());
  }
  if (flock(fd_, LOCK_SH) != 0) return base::FileError("cannot lock", path_);
  if (error) return absl::InternalError(absl::StrCat(path_, ": cannot list: ", error.message()));
  return ids;
}

}  // namespace cria::store
