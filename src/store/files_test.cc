#include "store/files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "store/test_store.h"

namespace cria::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class FilesTest : public StoreTest {
 protected:
  std::string Create(const std::string& purpose, std::optional<int64_t> expires_after = {},
                     const Owner& owner = {}) {
    const auto made = files().Create({"name.txt", purpose, expires_after, owner}, "bytes");
    EXPECT_TRUE(made.ok()) << made.status();
    return made->id;
  }
  std::vector<std::string> List(const FileListOptions& options = {}) {
    const auto page = files().List(options);
    EXPECT_TRUE(page.ok()) << page.status();
    return IdsOf(*page);
  }
  std::vector<std::string> OnDisk() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(place().options().files_directory))
      if (entry.path().filename() != ".database") names.push_back(entry.path().filename().string());
    return names;
  }
  Files& files() { return store().files(); }
};

TEST_P(FilesTest, ComeBackAsTheyWereMade) {
  place().set_now(50);
  const std::string content("a\0b\r\n", 5);
  const auto made =
      files().Create({"../a 'file'.jsonl", "batch", 100, {"ann", {{"teams", {"x"}}}}}, content);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(IsFileId(made->id));
  Reopen();
  const auto got = files().Get(made->id);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->id, made->id);
  EXPECT_EQ(got->created, 50);
  EXPECT_EQ(got->expires, 150);
  EXPECT_EQ(got->purpose, "batch");
  EXPECT_EQ(got->bytes, 5);
  EXPECT_EQ(got->filename, "../a 'file'.jsonl");
  EXPECT_EQ(got->owner, (Owner{"ann", {{"teams", {"x"}}}}));
  const auto located = files().Locate(made->id);
  ASSERT_TRUE(located.ok()) << located.status();
  EXPECT_EQ(located->bytes, 5);
  EXPECT_EQ(*base::ReadFile(located->path, 100), content);
}

TEST_P(FilesTest, AnEmptyFileIsAFile) {
  const auto made = files().Create({"empty", "assistants", {}, {}}, "");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(*base::ReadFile(files().Locate(made->id)->path, 100), "");
}

TEST_P(FilesTest, ListsMayBeOfOnePurpose) {
  const std::string a = Create("batch"), b = Create("assistants"), c = Create("batch");
  FileListOptions options;
  EXPECT_THAT(List(options), ElementsAre(c, b, a));
  options.purpose = "batch";
  EXPECT_THAT(List(options), ElementsAre(c, a));
  options.order = Order::kAscending;
  options.after = a;
  EXPECT_THAT(List(options), ElementsAre(c));
  options.after = b;
  EXPECT_THAT(files().List(options).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "after: no such file '" + b + "'"));
}

TEST_P(FilesTest, ListsLeaveOutWhatIsNotVisible) {
  const std::string mine = Create("batch", {}, {"ann", {}});
  Create("batch", {}, {"bob", {}});
  FileListOptions options;
  options.visible = [](const Owner& owner) { return owner.principal == "ann"; };
  EXPECT_THAT(List(options), ElementsAre(mine));
}

TEST_P(FilesTest, DeletingRemovesTheBytes) {
  const std::string id = Create("batch"), other = Create("batch");
  ASSERT_TRUE(files().Delete(id).ok());
  EXPECT_THAT(OnDisk(), ElementsAre(other));
  const auto missing = HasStatus(absl::StatusCode::kNotFound, "no such file '" + id + "'");
  EXPECT_THAT(files().Get(id).status(), missing);
  EXPECT_THAT(files().Locate(id).status(), missing);
  EXPECT_THAT(files().Delete(id), missing);
}

TEST_P(FilesTest, WhatHasExpiredIsGone) {
  place().set_now(100);
  const std::string stays = Create("batch"), later = Create("batch", 11),
                    goes = Create("batch", 10);
  place().set_now(109);
  EXPECT_TRUE(files().Get(goes).ok());
  place().set_now(110);
  const auto missing = HasStatus(absl::StatusCode::kNotFound, goes);
  EXPECT_THAT(files().Get(goes).status(), missing);
  EXPECT_THAT(files().Delete(goes), missing);
  EXPECT_THAT(List(), ElementsAre(later, stays));
  EXPECT_EQ(*files().RemoveExpired(), 1);
  EXPECT_THAT(OnDisk(), UnorderedElementsAre(stays, later));
  place().set_now(111);
  Reopen();
  EXPECT_THAT(OnDisk(), ElementsAre(stays));
}

TEST_P(FilesTest, ExpiryMustBeInTheFuture) {
  for (const int64_t seconds : {int64_t{0}, int64_t{-5}, std::numeric_limits<int64_t>::max()})
    EXPECT_THAT(files().Create({"f", "batch", seconds, {}}, "").status(),
                HasStatus(absl::StatusCode::kInvalidArgument, "expires_after"));
  EXPECT_THAT(OnDisk(), ElementsAre());
}

TEST_P(FilesTest, BytesWithoutARowAreRemovedAtTheStart) {
  const std::string id = Create("batch");
  const fs::path directory = place().options().files_directory;
  const std::string orphan = NewFileId();
  std::ofstream(directory / orphan) << "renamed, but its row was never committed";
  std::ofstream(directory / (NewFileId() + ".Ab12cD")) << "half written";
  std::ofstream(directory / "notes.txt") << "not ours";
  Reopen();
  EXPECT_THAT(OnDisk(), UnorderedElementsAre(id, "notes.txt"));
}

TEST_P(FilesTest, AnotherProcessAtWorkKeepsItsOrphans) {
  const fs::path directory = place().options().files_directory;
  const std::string orphan = NewFileId();
  std::ofstream(directory / orphan) << "about to get its row";
  // The first store is still open.
  const auto second = Store::Open(place().options());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(OnDisk(), ElementsAre(orphan));
}

TEST_P(FilesTest, TheDirectoryOfAnotherDatabaseIsRefused) {
  const std::string id = Create("batch");
  TestPlace other(GetParam());
  other.options().files_directory = place().options().files_directory;
  EXPECT_THAT(Store::Open(other.options()).status(),
              HasStatus(absl::StatusCode::kFailedPrecondition, other.options().files_directory));
  EXPECT_THAT(OnDisk(), ElementsAre(id));
}

TEST_P(FilesTest, MissingBytesAreTold) {
  const std::string id = Create("batch");
  const std::string path = files().Locate(id)->path;
  fs::remove(path);
  EXPECT_THAT(files().Locate(id).status(), HasStatus(absl::StatusCode::kDataLoss, path));
  EXPECT_TRUE(files().Delete(id).ok());
}

TEST_P(FilesTest, ANameThatCannotBeStoredLeavesNoBytes) {
  EXPECT_THAT(files().Create({std::string("a\0b", 3), "batch", {}, {}}, "bytes").status(),
              HasStatus(absl::StatusCode::kInvalidArgument, ""));
  EXPECT_THAT(OnDisk(), ElementsAre());
}

CRIA_TEST_EVERY_BACKEND(FilesTest);

}  // namespace
}  // namespace cria::store
