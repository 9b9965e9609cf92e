// The bytes of stored files: one file each in a directory of their own, named by its id.
#ifndef CRIA_STORE_FILE_DIRECTORY_H_
#define CRIA_STORE_FILE_DIRECTORY_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cria::store {

// Any thread. Several processes may use one directory.
class FileDirectory {
 public:
  // Made if it isn't there; only its owner may read it. It belongs to the database that opened it
  // first, told by its id: kFailedPrecondition for another, to which all files would be orphans.
  static absl::StatusOr<std::unique_ptr<FileDirectory>> Open(const std::string& path,
                                                             const std::string& database_id);
  ~FileDirectory();
  FileDirectory(const FileDirectory&) = delete;
  FileDirectory& operator=(const FileDirectory&) = delete;

  // When it returns, the disk has the bytes and the name. kUnavailable when the disk is full.
  absl::Status Write(const std::string& id, std::string_view bytes);
  // OK too if there is none. A reader that has it open can read on.
  absl::Status Remove(const std::string& id);
  std::string PathOf(const std::string& id) const { return path_ + "/" + id; }

  // Ids of the files, and what was left of files that a killed process was writing is removed.
  // Empty when another process uses the directory: what it is about to store has no row yet.
  absl::StatusOr<std::vector<std::string>> IdsIfAlone();

 private:
  FileDirectory(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  const int fd_;  // the directory's; holds a shared lock while the process lives
};

}  // namespace cria::store

#endif  // CRIA_STORE_FILE_DIRECTORY_H_
