// Files: mapped for reading, read whole under a limit, written atomically.
#ifndef CRIA_BASE_FILE_H_
#define CRIA_BASE_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cria::base {

// A read-only mapping of a whole file. Immutable, share freely. A file that somebody truncates
// while it is mapped raises SIGBUS on access, as with every mapping: model files are replaced by
// rename, never rewritten in place.
class MappedFile {
 public:
  // Errors as ReadRegularFile. An empty file gives empty bytes.
  static absl::StatusOr<std::shared_ptr<const MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const uint8_t> bytes() const { return bytes_; }
  // Asks the system to read the file into huge pages, for bytes that are all used again and again.
  void PreferHugePages() const;
  // Gives back the memory of whole pages inside `part`, if it is a part of bytes(); true then.
  // They are read from the file again when they are used again.
  bool DropPages(std::span<const uint8_t> part) const;
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, std::span<const uint8_t> bytes)
      : path_(std::move(path)), bytes_(bytes) {}

  std::string path_;
  std::span<const uint8_t> bytes_;
};

// The failed call that errno tells of, as "path: what: reason". kNotFound, kPermissionDenied,
// kResourceExhausted, and kInternal for what else a disk may answer (never kUnavailable, which
// would blame the network).
absl::Status FileError(std::string_view what, const std::string& path);

// The content of a file of a model, of at most `max_bytes`: kNotFound if absent, kDataLoss if it is
// larger or can't be read for another reason. Never waits for the other end of a pipe: what is no
// regular file is kDataLoss, by its kind.
absl::StatusOr<std::string> ReadRegularFile(const std::string& path, uint64_t max_bytes);

// The same for what a user names or pipes in: also of a pipe or /dev/stdin, read until its end.
// kResourceExhausted for a larger one, kInvalidArgument for a directory.
absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t max_bytes);

// Writes to a temporary file beside `path`, syncs it and renames: readers see the old content or
// the new, never half.
absl::Status WriteFileAtomically(const std::string& path, std::string_view content);

// What a file that isn't complete yet is called: its name and this.
inline constexpr char kUnfinishedSuffix[] = ".partial";

// A large file that appears under its name only when it is complete. One thread. Until then it is
// `path` + kUnfinishedSuffix; what a killed process left there is overwritten.
class AtomicFile {
 public:
  // kAborted if another process is writing the same file; kPermissionDenied where nobody may write.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  // Without Commit nothing is left.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // kResourceExhausted when the disk has no room for that many bytes.
  absl::Status Reserve(uint64_t bytes);
  absl::Status WriteAt(uint64_t offset, std::span<const uint8_t> bytes);
  // The file takes its name. Not synced: a reader must be able to tell a damaged file.
  absl::Status Commit();

 private:
  AtomicFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
  bool committed_ = false;
};

bool FileExists(const std::string& path);  // a regular file, or a link to one
// Anything at all, also what can't be reached: opening it will tell.
bool PathExists(const std::string& path);
bool DirectoryExists(const std::string& path);

}  // namespace cria::base

#endif  // CRIA_BASE_FILE_H_
