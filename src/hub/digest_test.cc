#include "hub/digest.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/file.h"

namespace cria::hub {
namespace {

std::string DigestOf(DigestKind kind, std::string_view text) {
  Hasher hasher(kind, text.size());
  hasher.Update({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return hasher.Finish();
}

// Vectors of FIPS 180-2 appendix B and RFC 1321 appendix A.5; the blob id is `git hash-object`'s.
TEST(Digest, KnownVectors) {
  EXPECT_EQ(DigestOf(DigestKind::kSha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(DigestOf(DigestKind::kMd5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(DigestOf(DigestKind::kGitSha1, "hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Digest, OfFilesEqualsOfBytes) {
  const std::string path = testing::TempDir() + "/digest_test_file";
  const std::string content(700000, 'x');
  ASSERT_TRUE(base::WriteFileAtomically(path, content).ok());
  for (const DigestKind kind : {DigestKind::kSha256, DigestKind::kMd5, DigestKind::kGitSha1})
    EXPECT_EQ(HashFile(path, kind).value(), DigestOf(kind, content));
  EXPECT_EQ(HashFile(path, DigestKind::kMd5, [] { return true; }).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(HashFile(path + ".absent", DigestKind::kMd5).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Digest, IsHexWantsTheRightLength) {
  EXPECT_TRUE(IsHex("00ffAB", 6));
  EXPECT_FALSE(IsHex("00ffAB", 8));
  EXPECT_FALSE(IsHex("00ffAg", 6));
}

}  // namespace
}  // namespace cria::hub
