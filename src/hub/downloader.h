// Downloads a list of files into a directory: several at once, resumed, retried, verified.
#ifndef CRIA_HUB_DOWNLOADER_H_
#define CRIA_HUB_DOWNLOADER_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "hub/digest.h"
#include "hub/disk.h"
#include "hub/http_client.h"

namespace cria::hub {

// A file to get, with all that its publisher says about it.
struct RemoteFile {
  std::string path;  // where it goes, relative; IsSafeRelativePath
  std::string url;
  std::optional<uint64_t> size;
  Digest digest;
};

// A file that is there now.
struct LocalFile {
  std::string path;
  uint64_t size = 0;
  std::string sha256;
};

// Told of everything, in the thread that downloads.
class DownloadObserver {
 public:
  virtual ~DownloadObserver() = default;
  // Total bytes of all files, as far as they are known, and of how many files.
  virtual void OnPlan(size_t /*files*/, uint64_t /*known_bytes*/) {}
  // A transfer runs; `done` bytes were there before.
  virtual void OnStart(const RemoteFile& /*file*/, uint64_t /*done*/) {}
  virtual void OnBytes(const RemoteFile& /*file*/, uint64_t /*bytes*/) {}
  // What came of this file counts no more: it starts anew.
  virtual void OnRestart(const RemoteFile& /*file*/, uint64_t /*dropped*/) {}
  virtual void OnRetry(const RemoteFile& /*file*/, const absl::Status& /*why*/,
                       std::chrono::milliseconds /*delay*/) {}
  virtual void OnFileDone(const RemoteFile& /*file*/, uint64_t /*size*/, bool /*was_there*/) {}
  virtual void OnTick() {}  // some ten times a second
};

struct DownloadOptions {
  int max_parallel = 3;
  int tries = 5;             // of a file without progress between them
  std::string bearer_token;  // for the hosts of the URLs, never for those that they redirect to
  Cancelled cancelled;
  DownloadObserver* observer = nullptr;
};

// Gets every file that isn't there yet. On success each stands in `directory` under its name, whole
// and verified; on failure those that were finished do, and NAME.part of the others, which a later
// call resumes. The first failure ends all. kCancelled, kResourceExhausted (disk), kDataLoss (a
// size or digest that contradicts what was published), kNotFound, kUnauthenticated, kUnavailable
// (the network, after all tries).
absl::StatusOr<std::vector<LocalFile>> DownloadFiles(HttpClient& client,
                                                     const std::vector<RemoteFile>& files,
                                                     const std::string& directory,
                                                     const DownloadOptions& options);

}  // namespace cria::hub

#endif  // CRIA_HUB_DOWNLOADER_H_
