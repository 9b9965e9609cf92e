#include "hub/part_file.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "hub/disk.h"

namespace cria::hub {
namespace {

const Digest kAbc{DigestKind::kSha256,
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class PartFileTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(RemoveTree(DirectoryOf(path_)).ok()); }

  std::unique_ptr<PartFile> Open(const Digest& expected,
                                 std::optional<uint64_t> size = std::nullopt) {
    return PartFile::Open(path_, size, expected, nullptr).value();
  }

  std::string path_ = testing::TempDir() + "/part_file_test/file";
};

TEST_F(PartFileTest, GrowsOverSeveralRuns) {
  auto part = Open(kAbc);
  ASSERT_TRUE(part->Restart("\"tag\"", 3, kAbc).ok());
  ASSERT_TRUE(part->Append(Bytes("a")).ok());
  part.reset();
  part = Open(kAbc);
  EXPECT_TRUE(part->resumed());
  EXPECT_EQ(part->size(), 1u);
  EXPECT_EQ(part->etag(), "\"tag\"");
  ASSERT_TRUE(part->Append(Bytes("bc")).ok());
  EXPECT_FALSE(base::FileExists(path_));
  EXPECT_EQ(part->Commit().value(), kAbc.hex);
  EXPECT_EQ(base::ReadFile(path_, 10).value(), "abc");
  EXPECT_EQ(ListFiles(DirectoryOf(path_))->size(), 1u);
}

TEST_F(PartFileTest, WrongDigestLeavesNothing) {
  for (const Digest& expected :
       {kAbc, Digest{DigestKind::kMd5, "900150983cd24fb0d6963f7d28e17f72"}}) {
    auto part = Open(expected);
    ASSERT_TRUE(part->Append(Bytes("abd")).ok());
    EXPECT_EQ(part->Commit().status().code(), absl::StatusCode::kDataLoss);
    EXPECT_TRUE(ListFiles(DirectoryOf(path_))->empty());
  }
}

TEST_F(PartFileTest, OtherDigestsStillGiveSha256) {
  auto part = Open({DigestKind::kMd5, "900150983cd24fb0d6963f7d28e17f72"});
  ASSERT_TRUE(part->Append(Bytes("abc")).ok());
  EXPECT_EQ(part->Commit().value(), kAbc.hex);
}

TEST_F(PartFileTest, DigestThatIsLearnedLater) {
  auto part = Open({});
  ASSERT_TRUE(part->Append(Bytes("abd")).ok());
  part->Expect(kAbc);
  EXPECT_EQ(part->Commit().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(PartFileTest, WithoutValidatorAndDigestNothingIsResumed) {
  auto part = Open({});
  ASSERT_TRUE(part->Restart("W/\"weak\"", std::nullopt, {}).ok());
  ASSERT_TRUE(part->Append(Bytes("ab")).ok());
  part.reset();
  part = Open({});
  EXPECT_EQ(part->size(), 0u);
  EXPECT_FALSE(part->resumed());
}

TEST_F(PartFileTest, LongerThanTheFileIsDropped) {
  auto part = Open(kAbc);
  ASSERT_TRUE(part->Append(Bytes("abcd")).ok());
  part.reset();
  EXPECT_EQ(Open(kAbc, 3)->size(), 0u);
}

TEST_F(PartFileTest, DamagedNoteOnlyCostsTheValidator) {
  auto part = Open(kAbc);
  ASSERT_TRUE(part->Restart("\"tag\"", 3, kAbc).ok());
  ASSERT_TRUE(part->Append(Bytes("a")).ok());
  part.reset();
  ASSERT_TRUE(base::WriteFileAtomically(path_ + ".part.json", "{{{").ok());
  part = Open(kAbc);
  EXPECT_EQ(part->size(), 1u);
  EXPECT_EQ(part->etag(), "");
}

}  // namespace
}  // namespace cria::hub
