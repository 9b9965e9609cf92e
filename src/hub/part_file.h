// A file on its way: NAME.part, which grows, survives interruptions, and becomes NAME when it is
// whole and right.
#ifndef CRIA_HUB_PART_FILE_H_
#define CRIA_HUB_PART_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/status.h"
#include "hub/digest.h"
#include "hub/disk.h"

namespace cria::hub {

// One thread. What is on disk is always a true beginning of what came; NAME.part.json beside it
// keeps the server's validator (ETag), so that a later run can ask for the rest of the same bytes.
class PartFile {
 public:
  // Opens or creates PATH.part and digests what is there. `size`: as expected, if known; a longer
  // part is dropped.
  static absl::StatusOr<std::unique_ptr<PartFile>> Open(const std::string& path,
                                                        std::optional<uint64_t> size,
                                                        const Digest& expected,
                                                        const Cancelled& cancelled);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  uint64_t size() const { return size_; }
  const std::string& etag() const { return etag_; }

  // True if bytes from an earlier run are in it.
  bool resumed() const { return resumed_; }

  // Empties it, for bytes that a server calls `etag`. `expected` may be better known by now.
  absl::Status Restart(const std::string& etag, std::optional<uint64_t> size,
                       const Digest& expected);

  // A sha256 that became known on the way; other kinds are ignored.
  void Expect(const Digest& expected);

  absl::Status Append(std::span<const uint8_t> bytes);

  // Syncs, checks the digest and renames to the final name; gives the sha256 of the content. A
  // wrong digest is kDataLoss and removes the part.
  absl::StatusOr<std::string> Commit();

 private:
  PartFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  void StartHashing(std::optional<uint64_t> size, const Digest& expected);
  void Hash(std::span<const uint8_t> bytes);
  absl::Status HashExisting(const Cancelled& cancelled);

  std::string path_;  // the final name
  int fd_;
  uint64_t size_ = 0;
  std::string etag_;
  bool resumed_ = false;
  Digest expected_;
  std::unique_ptr<Hasher> sha256_;
  std::unique_ptr<Hasher> other_;  // where `expected_` is of another kind
};

}  // namespace cria::hub

#endif  // CRIA_HUB_PART_FILE_H_
