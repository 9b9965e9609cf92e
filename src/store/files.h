// Uploaded files: a row of what is known of each, and its bytes in a directory.
//
// A row is committed after the disk has the bytes, and removed before them: a row always has its
// bytes. Bytes without a row, left by a process that was killed between, are removed at the start.
#ifndef CRIA_STORE_FILES_H_
#define CRIA_STORE_FILES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "store/clock.h"
#include "store/file_directory.h"
#include "store/owner.h"
#include "store/page.h"
#include "store/reader.h"
#include "store/writer.h"

namespace cria::store {

struct StoredFile {
  std::string id;       // file-<32 hex>
  int64_t created = 0;  // Unix seconds
  std::optional<int64_t> expires;
  std::string purpose;
  int64_t bytes = 0;
  std::string filename;  // as the client called it: never a path of ours
  Owner owner;
};

struct NewFile {
  std::string filename;
  std::string purpose;
  std::optional<int64_t> expires_after_s;  // from now; absent: never
  Owner owner;
};

struct FileListOptions : ListOptions {
  std::optional<std::string> purpose;  // absent: of every purpose
};

// Where the bytes are. Open it at once: a file may be deleted, but who has it open can read on.
struct FileContent {
  std::string path;
  int64_t bytes = 0;
};

// Any thread. Errors as in sql.h and page.h, and of a full queue as in writer.h; kNotFound names
// the file. One that has expired is as one that was deleted.
class Files {
 public:
  // All live longer.
  Files(Reader& reader, Writer& writer, FileDirectory& directory, Clock clock)
      : reader_(reader), writer_(writer), directory_(directory), clock_(std::move(clock)) {}

  absl::StatusOr<StoredFile> Create(const NewFile& file, std::string_view content);
  absl::StatusOr<StoredFile> Get(const std::string& id);
  absl::StatusOr<FileContent> Locate(const std::string& id);
  absl::StatusOr<Page<StoredFile>> List(const FileListOptions& options);
  absl::Status Delete(const std::string& id);

  // Deletes the files that have expired; how many.
  absl::StatusOr<int64_t> RemoveExpired();
  // Removes bytes without a row; how many files. For the start, before the first Create.
  absl::StatusOr<int64_t> RemoveOrphans();

 private:
  Reader& reader_;
  Writer& writer_;
  FileDirectory& directory_;
  const Clock clock_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_FILES_H_
