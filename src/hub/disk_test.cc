#include "hub/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace cria::hub {
namespace {

using testing::ElementsAre;

std::string FreshDirectory(const std::string& name) {
  const std::string path = testing::TempDir() + "/disk_test_" + name;
  EXPECT_TRUE(RemoveTree(path).ok());
  EXPECT_TRUE(MakeDirectories(path).ok());
  return path;
}

TEST(Disk, SafeRelativePaths) {
  for (const char* path :
       {"a", "a/b.c", ".gitattributes", "original/consolidated.00.pth", "a b", "..a", "ü"})
    EXPECT_TRUE(IsSafeRelativePath(path)) << path;
  for (const std::string path : {"", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..",
                                 "a/./b", "a\\b", "a\nb", "a\x7f"})
    EXPECT_FALSE(IsSafeRelativePath(path)) << path;
  EXPECT_FALSE(IsSafeRelativePath(std::string("a\0b", 3)));
  EXPECT_FALSE(IsSafeRelativePath(std::string(251, 'a')));
  std::string deep = "a";
  while (deep.size() <= 512) deep += "/a";
  EXPECT_FALSE(IsSafeRelativePath(deep));
}

TEST(Disk, PathParts) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(DirectoryOf("a/b/c"), "a/b");
  EXPECT_EQ(DirectoryOf("a"), ".");
  EXPECT_EQ(DirectoryOf("/a"), "/");
  EXPECT_EQ(BaseName("a/b/"), "b");
  EXPECT_EQ(BaseName("a"), "a");
}

TEST(Disk, HumanBytes) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(98362432), "98.4 MB");
  EXPECT_EQ(HumanBytes(999960000), "1.0 GB");
  EXPECT_EQ(HumanBytes(UINT64_MAX), "18.4 EB");
}

TEST(Disk, ListsRegularFilesAndNoHiddenOnes) {
  const std::string directory = FreshDirectory("list");
  ASSERT_TRUE(MakeDirectories(directory + "/sub/.hidden").ok());
  for (const char* name : {"/b", "/a", "/sub/c", "/.x", "/sub/.hidden/y"})
    ASSERT_TRUE(base::WriteFileAtomically(directory + name, "1").ok());
  ASSERT_EQ(symlink("/", (directory + "/root").c_str()), 0);
  ASSERT_EQ(symlink("a", (directory + "/link").c_str()), 0);
  EXPECT_THAT(ListFiles(directory).value(), ElementsAre("a", "b", "link", "sub/c"));
  EXPECT_EQ(ListFiles(directory + "/absent").status().code(), absl::StatusCode::kNotFound);
}

TEST(Disk, CopiesKeepTheirContent) {
  const std::string directory = FreshDirectory("copy");
  const std::string from = directory + "/from";
  ASSERT_TRUE(base::WriteFileAtomically(from, std::string(600000, 'q')).ok());
  for (const CopyMode mode : {CopyMode::kIndependent, CopyMode::kMayShare}) {
    const std::string to = directory + (mode == CopyMode::kMayShare ? "/shared" : "/own");
    ASSERT_TRUE(CopyFile(from, to, mode, nullptr).ok());
    EXPECT_EQ(base::ReadFile(to, 1 << 20).value(), std::string(600000, 'q'));
    EXPECT_EQ(CopyFile(from, to, mode, nullptr).ok(), false);
  }
  struct stat own {
  }, source{};
  ASSERT_EQ(stat((directory + "/own").c_str(), &own), 0);
  ASSERT_EQ(stat(from.c_str(), &source), 0);
  EXPECT_NE(own.st_ino, source.st_ino);
}

TEST(Disk, RemoveTreeDoesNotFollowLinks) {
  const std::string kept = FreshDirectory("kept");
  const std::string doomed = FreshDirectory("doomed");
  ASSERT_TRUE(base::WriteFileAtomically(kept + "/file", "1").ok());
  ASSERT_EQ(symlink(kept.c_str(), (doomed + "/link").c_str()), 0);
  ASSERT_TRUE(RemoveTree(doomed).ok());
  EXPECT_FALSE(base::DirectoryExists(doomed));
  EXPECT_TRUE(base::FileExists(kept + "/file"));
}

TEST(Disk, FreeSpace) {
  EXPECT_TRUE(CheckFreeSpace(testing::TempDir(), 0).ok());
  EXPECT_EQ(CheckFreeSpace(testing::TempDir(), UINT64_MAX).code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace cria::hub
