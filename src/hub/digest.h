// Digests of files and streams: how a download proves that it is what its publisher put up.
#ifndef CRIA_HUB_DIGEST_H_
#define CRIA_HUB_DIGEST_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "hub/disk.h"

namespace cria::hub {

// kGitSha1 is git's blob id, SHA-1 of "blob SIZE\0" + content: what a Hugging Face repository gives
// for files that are not in LFS (git-scm.com/book, "Git Objects").
enum class DigestKind : uint8_t { kNone, kSha256, kGitSha1, kMd5 };
std::string Name(DigestKind kind);

struct Digest {
  DigestKind kind = DigestKind::kNone;
  std::string hex;  // lower case; empty for kNone
};

// True if `text` is `length` hexadecimal digits.
bool IsHex(std::string_view text, size_t length);

// A digest over a stream. Movable; one thread.
class Hasher {
 public:
  // `size`: bytes that will come; only kGitSha1 uses it. kind is not kNone.
  explicit Hasher(DigestKind kind, uint64_t size = 0);

  void Update(std::span<const uint8_t> bytes);
  std::string Finish();  // lower-case hex; once

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;  // EVP_MD_CTX
};

// The digest of a whole file, read once. kNotFound if absent, kUnavailable on an I/O error,
// kCancelled.
absl::StatusOr<std::string> HashFile(const std::string& path, DigestKind kind,
                                     const Cancelled& cancelled = nullptr);

}  // namespace cria::hub

#endif  // CRIA_HUB_DIGEST_H_
