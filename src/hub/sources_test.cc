#include "hub/sources.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "hub/disk.h"

namespace cria::hub {
namespace {

// Listing over the network is tested end to end: tests/e2e/download_test.py.

TEST(Manifest, BareList) {
  const auto models = ParseManifest(
      R"([{"file":"a","url":"https://h/a","size":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
          {"file":"b/c","url":"https://h/c"}])",
      "m");
  ASSERT_TRUE(models.ok()) << models.status();
  ASSERT_EQ(models->size(), 1u);
  EXPECT_EQ(models->front().model, "");
  const std::vector<RemoteFile>& files = models->front().files;
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].size, 3u);
  EXPECT_EQ(files[0].digest.kind, DigestKind::kSha256);
  EXPECT_EQ(files[1].path, "b/c");
  EXPECT_EQ(files[1].digest.kind, DigestKind::kNone);
}

TEST(Manifest, Refused) {
  for (const char* text :
       {"", "3", "[]", "{}", "[3]", R"([{"file":"a"}])", R"([{"url":"u"}])",
        R"([{"file":"a","url":"u","size":-1}])", R"([{"file":"a","url":"u","sha256":"zz"}])",
        R"({"models":[]})", R"({"models":[{"files":{"a":"u"}}]})",
        R"({"models":[{"model_id":"m"}]})", R"({"models":[{"model_id":"m","files":{"a":1}}]})",
        R"({"models":[{"model_id":"m","files":{"a":"u"}}],"expires_on":"soon"})"})
    EXPECT_EQ(ParseManifest(text, "m").status().code(), absl::StatusCode::kDataLoss) << text;
  EXPECT_EQ(
      ParseManifest(
          R"({"models":[{"model_id":"m","files":{"a":"u"}}],"expires_on":"2001-01-01T00:00:00"})",
          "m")
          .status()
          .code(),
      absl::StatusCode::kFailedPrecondition);
}

TEST(PythonIndex, EnvironmentThenFilesThenPyPi) {
  const std::string home = testing::TempDir() + "/python_index_test";
  ASSERT_TRUE(RemoveTree(home).ok());
  ASSERT_TRUE(MakeDirectories(home + "/.config/pip").ok());
  setenv("HOME", home.c_str(), 1);
  unsetenv("XDG_CONFIG_HOME");
  unsetenv("PIP_INDEX_URL");
  const std::string file = home + "/own.conf";
  ASSERT_TRUE(base::WriteFileAtomically(home + "/.config/pip/pip.conf",
                                        "[global]\nindex_url = https://user.example/simple/\n")
                  .ok());
  unsetenv("PIP_CONFIG_FILE");
  EXPECT_EQ(PythonIndexUrl(), "https://user.example/simple");
  ASSERT_TRUE(
      base::WriteFileAtomically(
          file,
          "[install]\nindex-url=https://no\n[global]\n# c\nindex-url =https://file.example/s\n")
          .ok());
  setenv("PIP_CONFIG_FILE", file.c_str(), 1);
  EXPECT_EQ(PythonIndexUrl(), "https://file.example/s");
  setenv("PIP_INDEX_URL", "https://environment.example/simple/", 1);
  EXPECT_EQ(PythonIndexUrl(), "https://environment.example/simple");
}

}  // namespace
}  // namespace cria::hub
