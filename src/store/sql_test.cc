#include "store/sql.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "store/test_store.h"

namespace cria::store {
namespace {

namespace fs = std::filesystem;

TEST(PlaceholderTest, AreNumberedOutsideOfQuotes) {
  EXPECT_EQ(NumberPlaceholders("a = ? AND b = '?''?' AND c IN (?, ?)"),
            "a = $1 AND b = '?''?' AND c IN ($2, $3)");
}

class SqlTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    auto database = MakeDatabase(place().options().database);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    connection_ = Connect();
    ASSERT_TRUE(connection_->Run("CREATE TABLE t (k TEXT NOT NULL UNIQUE, n BIGINT)").ok());
  }
  void TearDown() override {
    connection_.reset();
    StoreTest::TearDown();
  }
  std::unique_ptr<Connection> Connect() {
    auto connection = database_->Connect();
    EXPECT_TRUE(connection.ok()) << connection.status();
    return *std::move(connection);
  }
  absl::Status Insert(std::string_view key, Param number) {
    return connection_->Execute("INSERT INTO t (k, n) VALUES (?, ?)", {key, number}).status();
  }
  // "k=n" of all rows.
  std::string Rows() {
    std::string rows;
    const absl::Status status =
        connection_->Query("SELECT k, n FROM t ORDER BY n", {}, [&](const Row& row) {
          rows += std::string(row.Text(0)) + "=" +
                  (row.IsNull(1) ? "null" : std::to_string(row.Int(1))) + " ";
          return true;
        });
    EXPECT_TRUE(status.ok()) << status;
    return rows;
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

TEST_P(SqlTest, KeepsIntegersTextsAndNull) {
  ASSERT_TRUE(Insert("", int64_t{1}).ok());
  ASSERT_TRUE(Insert("a'\"\\?\n\xE2\x82\xAC", std::numeric_limits<int64_t>::max()).ok());
  EXPECT_EQ(Rows(), "=1 a'\"\\?\n\xE2\x82\xAC=9223372036854775807 ");
  ASSERT_TRUE(connection_->Run("DELETE FROM t").ok());
  ASSERT_TRUE(Insert("null", OrNull(std::nullopt)).ok());
  ASSERT_TRUE(Insert("seven", int64_t{7}).ok());
  EXPECT_THAT(Rows(), ::testing::HasSubstr("null=null "));
}

TEST_P(SqlTest, SavepointUndoesOnlyWhatFollowsIt) {
  ASSERT_TRUE(connection_->Begin().ok());
  EXPECT_TRUE(connection_->in_transaction());
  ASSERT_TRUE(connection_->Savepoint().ok());
  ASSERT_TRUE(Insert("a", int64_t{1}).ok());
  ASSERT_TRUE(connection_->Release().ok());
  ASSERT_TRUE(connection_->Savepoint().ok());
  EXPECT_THAT(Insert("a", int64_t{2}), HasStatus(absl::StatusCode::kAlreadyExists, ""));
  ASSERT_TRUE(connection_->RollbackToSavepoint().ok());
  ASSERT_TRUE(connection_->Savepoint().ok());
  ASSERT_TRUE(Insert("b", int64_t{3}).ok());
  ASSERT_TRUE(connection_->Release().ok());
  ASSERT_TRUE(connection_->Commit().ok());
  EXPECT_FALSE(connection_->in_transaction());
  EXPECT_EQ(Rows(), "a=1 b=3 ");
}

TEST_P(SqlTest, ExecuteCountsRows) {
  ASSERT_TRUE(Insert("a", int64_t{1}).ok());
  ASSERT_TRUE(Insert("b", int64_t{1}).ok());
  const auto update = [&](int64_t old) {
    return *connection_->Execute("UPDATE t SET n = 2 WHERE n = ?", {old});
  };
  EXPECT_EQ(update(1), 2);
  EXPECT_EQ(update(1), 0);
}

TEST_P(SqlTest, QueryEndsEarlyAndStatementsAreReused) {
  for (int64_t i = 0; i < 5; ++i) ASSERT_TRUE(Insert(std::to_string(i), i).ok());
  for (int round = 0; round < 2; ++round) {
    int seen = 0;
    ASSERT_TRUE(connection_
                    ->Query("SELECT k FROM t WHERE n >= ?", {int64_t{1}},
                            [&](const Row&) { return ++seen < 2; })
                    .ok());
    EXPECT_EQ(seen, 2);
  }
}

TEST_P(SqlTest, TextsThatATextCannotHoldAreRefused) {
  EXPECT_THAT(Insert(std::string_view("a\0b", 3), int64_t{1}),
              HasStatus(absl::StatusCode::kInvalidArgument, ""));
  EXPECT_EQ(Rows(), "");
}

TEST_P(SqlTest, HasTableTellsWhatIsThere) {
  EXPECT_TRUE(*connection_->HasTable("t"));
  EXPECT_FALSE(*connection_->HasTable("u"));
}

TEST_P(SqlTest, ErrorsNameTheDatabase) {
  const absl::Status status = connection_->Run("SELECT * FROM nowhere");
  EXPECT_THAT(status, HasStatus(absl::StatusCode::kInternal, connection_->name()));
  EXPECT_THAT(status, HasStatus(absl::StatusCode::kInternal, "nowhere"));
}

CRIA_TEST_EVERY_BACKEND(SqlTest);

TEST(SqliteTest, OneThatIsLockedSaysSo) {
  TestPlace place(Backend::kSqlite);
  place.options().database.lock_timeout_ms = 1;
  auto store = Store::Open(place.options());
  ASSERT_TRUE(store.ok()) << store.status();
  auto other = *(*MakeDatabase(place.options().database))->Connect();
  ASSERT_TRUE(other->Begin().ok());
  const absl::Status status =
      (*store)->registry().Register({"model", "m", "p", "r", "{}", {}}).status();
  EXPECT_THAT(status, HasStatus(absl::StatusCode::kUnavailable, place.options().database.path));
  EXPECT_THAT(status, HasStatus(absl::StatusCode::kUnavailable, "another process"));
  ASSERT_TRUE(other->Rollback().ok());
  EXPECT_TRUE((*store)->registry().Register({"model", "m", "p", "r", "{}", {}}).ok());
}

TEST(SqliteTest, OneThatIsDamagedIsNamed) {
  TestPlace place(Backend::kSqlite);
  const std::string path = place.options().database.path;
  std::ofstream(path) << "this is no database, and it is longer than the header of one, which has "
                         "a hundred bytes";
  EXPECT_THAT(Store::Open(place.options()).status(), HasStatus(absl::StatusCode::kDataLoss, path));
}

TEST(SqliteTest, DamageInTheMiddleIsFoundByTheReader) {
  TestPlace place(Backend::kSqlite);
  const std::string path = place.options().database.path;
  {
    auto store = Store::Open(place.options());
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE((*store)
                      ->registry()
                      .Register({"model", std::to_string(i), "p", "r", std::string(1000, 'x'), {}})
                      .ok());
  }
  // The last connection has moved everything into the file. What is overwritten are pages of rows.
  const auto size = fs::file_size(path);
  ASSERT_GT(size, 150'000u);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << std::string(size / 2, '\x5A');
  }
  auto store = Store::Open(place.options());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_THAT((*store)->registry().List("model").status(),
              HasStatus(absl::StatusCode::kDataLoss, path));
}

TEST(SqliteTest, OnlyItsOwnerMayReadIt) {
  TestPlace place(Backend::kSqlite);
  const auto store = Store::Open(place.options());
  ASSERT_TRUE(store.ok()) << store.status();
  const fs::perms others = fs::perms::group_all | fs::perms::others_all;
  for (const auto* suffix : {"", "-wal", "-shm"}) {
    const fs::path path = place.options().database.path + suffix;
    EXPECT_EQ(fs::status(path).permissions() & others, fs::perms::none) << path;
  }
  EXPECT_EQ(fs::status(place.options().files_directory).permissions() & others, fs::perms::none);
}

TEST(SqliteTest, CommitsWaitForTheDiskWhereAsked) {
  for (const bool survive : {false, true}) {
    TestPlace place(Backend::kSqlite);
    place.options().database.survive_power_loss = survive;
    auto connection = *(*MakeDatabase(place.options().database))->Connect();
    int64_t synchronous = -1;
    ASSERT_TRUE(connection
                    ->Query("PRAGMA synchronous", {},
                            [&](const Row& row) {
                              synchronous = row.Int(0);
                              return true;
                            })
                    .ok());
    EXPECT_EQ(synchronous, survive ? 2 : 1);  // FULL, NORMAL
  }
}

TEST(SqliteTest, NamesOfNoFileAreRefused) {
  for (const char* path : {"", ":memory:"}) {
    TestPlace place(Backend::kSqlite);
    place.options().database.path = path;
    EXPECT_THAT(Store::Open(place.options()).status(),
                HasStatus(absl::StatusCode::kInvalidArgument, "expected the path of a file"));
  }
}

TEST(SqliteTest, DirectoriesAreMade) {
  TestPlace place(Backend::kSqlite);
  place.options().database.path = (place.directory() / "a/b/c.db").string();
  place.options().files_directory = "";
  const auto store = Store::Open(place.options());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE(fs::is_directory(place.directory() / "a/b/c.db.files"));
}

TEST(PostgresTest, OneThatCannotBeReachedIsUnavailable) {
  TestPlace place(Backend::kSqlite);
  place.options().database.kind = Backend::kPostgres;
  place.options().database.postgres = {
      {"host", "127.0.0.1"}, {"port", "1"}, {"dbname", "none"}, {"password", "secret"}};
  const absl::Status status = Store::Open(place.options()).status();
  EXPECT_THAT(status, HasStatus(absl::StatusCode::kUnavailable, "'none'"));
  EXPECT_EQ(status.message().find("secret"), absl::string_view::npos);
}

TEST(PostgresTest, NeedsAnAddressAndADirectoryForFiles) {
  TestPlace place(Backend::kSqlite);
  place.options().database.kind = Backend::kPostgres;
  EXPECT_THAT(Store::Open(place.options()).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "host"));
  place.options().files_directory = "";
  EXPECT_THAT(Store::Open(place.options()).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "files_directory"));
}

}  // namespace
}  // namespace cria::store
