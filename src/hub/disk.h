// What the model store needs of a file system, with our status codes. Stateless; any thread.
#ifndef CRIA_HUB_DISK_H_
#define CRIA_HUB_DISK_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cria::hub {

// kNotFound, kPermissionDenied, kResourceExhausted (disk full, quota, file size limit) or
// kUnavailable, from errno.
absl::Status FromErrno(const std::string& what, const std::string& path);

absl::StatusOr<uint64_t> FileSize(const std::string& path);

// Asked now and then by long work: true ends it with kCancelled. Empty: never.
using Cancelled = std::function<bool()>;
absl::Status CheckCancelled(const Cancelled& cancelled);

// Gives the first `size` bytes of a file in pieces. kDataLoss if it is shorter, or what `take`
// answered.
absl::Status ReadChunks(const std::string& path, uint64_t size, const Cancelled& cancelled,
                        const std::function<absl::Status(std::span<const uint8_t>)>& take);

// All of it, or a status; goes on after interruptions.
absl::Status WriteFully(int fd, std::span<const uint8_t> bytes, const std::string& path);

// Creates `path` and its parents.
absl::Status MakeDirectories(const std::string& path);

// Deletes a file or tree if it is there; links are deleted, not followed.
absl::Status RemoveTree(const std::string& path);

absl::Status Rename(const std::string& from, const std::string& to);

// kResourceExhausted if the file system of `directory` has fewer than `bytes` free.
absl::Status CheckFreeSpace(const std::string& directory, uint64_t bytes);

// A second name for the same bytes at the lowest cost the file system allows: clone, hard link,
// copy. `from` is a regular file or a link to one; `to` must not exist.
enum class CopyMode : uint8_t {
  kIndependent,  // clone or copy: later writes to `from` don't show
  kMayShare,     // hard link allowed: for files that are never written again
};
absl::Status CopyFile(const std::string& from, const std::string& to, CopyMode mode,
                      const Cancelled& cancelled);

// Regular files under `directory`, as relative paths, sorted; hidden names and links to directories
// are left out. kDataLoss past `kMaxListedFiles`.
inline constexpr size_t kMaxListedFiles = 100000;
absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& directory);

// A relative path of plain components: no root, "..", "." or empty component, backslash or control
// character, at most 512 bytes. What a remote may name a file.
bool IsSafeRelativePath(std::string_view path);

std::string JoinPath(const std::string& directory, const std::string& name);
std::string DirectoryOf(const std::string& path);  // "." if it has none
std::string BaseName(const std::string& path);

// "98.4 MB": decimal units, as disks and networks are sold.
std::string HumanBytes(uint64_t bytes);

}  // namespace cria::hub

#endif  // CRIA_HUB_DISK_H_
