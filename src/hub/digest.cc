#include "hub/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace cria::hub {
namespace {

EVP_MD_CTX* Context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

const EVP_MD* Algorithm(DigestKind kind) {
  switch (kind) {
    case DigestKind::kSha256:
      return EVP_sha256();
    case DigestKind::kGitSha1:
      return EVP_sha1();
    case DigestKind::kMd5:
      return EVP_md5();
    case DigestKind::kNone:
      break;
  }
  return nullptr;
}

}  // namespace

std::string Name(DigestKind kind) {
  switch (kind) {
    case DigestKind::kSha256:
      return "sha256";
    case DigestKind::kGitSha1:
      return "git blob id";
    case DigestKind::kMd5:
      return "md5";
    case DigestKind::kNone:
      break;
  }
  return "none";
}

bool IsHex(std::string_view text, size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

void Hasher::Free::operator()(void* context) const { EVP_MD_CTX_free(Context(context)); }

Hasher::Hasher(DigestKind kind, uint64_t size) : context_(EVP_MD_CTX_new()) {
  CRIA_CHECK(kind != DigestKind::kNone);
  CRIA_CHECK(context_ != nullptr);
  CRIA_CHECK_EQ(EVP_DigestInit_ex(Context(context_.get()), Algorithm(kind), nullptr), 1);
  if (kind != DigestKind::kGitSha1) return;
  const std::string head = absl::StrCat("blob ", size);
  Update({reinterpret_cast<const uint8_t*>(head.c_str()), head.size() + 1});
}

void Hasher::Update(std::span<const uint8_t> bytes) {
  CRIA_CHECK_EQ(EVP_DigestUpdate(Context(context_.get()), bytes.data(), bytes.size()), 1);
}

std::string Hasher::Finish() {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  CRIA_CHECK_EQ(EVP_DigestFinal_ex(Context(context_.get()), digest, &length), 1);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

absl::StatusOr<std::string> HashFile(const std::string& path, DigestKind kind,
                                     const Cancelled& cancelled) {
  CRIA_ASSIGN_OR_RETURN(const uint64_t size, FileSize(path));
  Hasher hasher(kind, size);
  CRIA_RETURN_IF_ERROR(
      ReadChunks(path, size, cancelled, [&](std::span<const uint8_t> chunk) -> absl::Status {
        hasher.Update(chunk);
        return absl::OkStatus();
      }));
  return hasher.Finish();
}

}  // namespace cria::hub
