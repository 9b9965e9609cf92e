#include "store/migrations.h"

#include <gtest/gtest.h>

#include <thread>

#include "store/test_store.h"

namespace cria::store {
namespace {

using ::testing::ElementsAre;

class MigrationsTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::kPostgres && !HasPostgres())
      GTEST_SKIP()
          << "SKIPPED: no PostgreSQL: set CRIA_TEST_POSTGRES to a connection string of libpq";
    place_ = std::make_unique<TestPlace>(GetParam());
    connection_ = Connect();
  }
  std::unique_ptr<Connection> Connect() {
    auto connection = (*MakeDatabase(place_->options().database))->Connect();
    EXPECT_TRUE(connection.ok()) << connection.status();
    return *std::move(connection);
  }
  // "version name at time" of each step.
  std::vector<std::string> Steps() {
    std::vector<std::string> steps;
    const absl::Status status =
        connection_->Query("SELECT version, name, applied FROM schema_migrations ORDER BY version",
                           {}, [&](const Row& row) {
                             steps.push_back(absl::StrCat(row.Int(0), " ", std::string(row.Text(1)),
                                                          " at ", row.Int(2)));
                             return true;
                           });
    EXPECT_TRUE(status.ok()) << status;
    return steps;
  }

  const std::vector<Migration> two_ = {{"one", {"CREATE TABLE a (x BIGINT)"}},
                                       {"two", {"CREATE TABLE b (x BIGINT)"}}};
  std::unique_ptr<TestPlace> place_;
  std::unique_ptr<Connection> connection_;
};

TEST_P(MigrationsTest, StepsAreAppliedOnceEach) {
  ASSERT_TRUE(Migrate(*connection_, std::span(two_).first(1), 10).ok());
  EXPECT_THAT(Steps(), ElementsAre("1 one at 10"));
  ASSERT_TRUE(Migrate(*connection_, two_, 20).ok());
  ASSERT_TRUE(Migrate(*connection_, two_, 30).ok());
  EXPECT_THAT(Steps(), ElementsAre("1 one at 10", "2 two at 20"));
  EXPECT_TRUE(*connection_->HasTable("a"));
  EXPECT_TRUE(*connection_->HasTable("b"));
}

TEST_P(MigrationsTest, ANewerSchemaIsRefusedByName) {
  ASSERT_TRUE(Migrate(*connection_, two_, 10).ok());
  const absl::Status status = Migrate(*connection_, std::span(two_).first(1), 20);
  EXPECT_THAT(status, HasStatus(absl::StatusCode::kFailedPrecondition, connection_->name()));
  EXPECT_THAT(status, HasStatus(absl::StatusCode::kFailedPrecondition,
                                "step 2 'two', but this program knows steps 1 to 1 'one'"));
  EXPECT_THAT(Steps(), ElementsAre("1 one at 10", "2 two at 10"));
  // A store opens none of them.
  EXPECT_THAT(Store::Open(place_->options()).status(),
              HasStatus(absl::StatusCode::kFailedPrecondition, "step 1 'one'"));
}

TEST_P(MigrationsTest, AStepThatFailsLeavesNothing) {
  const std::vector<Migration> bad = {
      two_[0], {"bad", {"CREATE TABLE b (x BIGINT)", "CREATE TABLE a (x BIGINT)"}}};
  EXPECT_THAT(Migrate(*connection_, bad, 10),
              HasStatus(absl::StatusCode::kInternal, "schema step 'bad'"));
  EXPECT_FALSE(connection_->in_transaction());
  EXPECT_THAT(Steps(), ElementsAre("1 one at 10"));
  EXPECT_FALSE(*connection_->HasTable("b"));
  ASSERT_TRUE(Migrate(*connection_, two_, 20).ok());
}

TEST_P(MigrationsTest, AnOlderStoreIsBroughtUpToDateWithItsRows) {
  const std::vector<Migration> all = Migrations();
  ASSERT_TRUE(Migrate(*connection_, std::span(all).first(2), 10).ok());
  ASSERT_TRUE(connection_
                  ->Execute("INSERT INTO chat_completions (id, created, model, owner, input, "
                            "response) VALUES (?, ?, ?, ?, ?, ?)",
                            {"old", int64_t{1}, "m", "", "[]", "{}"})
                  .ok());
  auto store = Store::Open(place_->options());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->chat_completions().Get("old")->model, "m");
  EXPECT_TRUE((*store)->quota().Use("key", {1, 100}).ok());
  EXPECT_EQ(Steps().size(), all.size());
}

TEST_P(MigrationsTest, StoresThatOpenAtTheSameMomentTakeTurns) {
  connection_.reset();
  const std::string path = place_->options().database.path;
  if (!path.empty()) std::filesystem::remove(path);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const auto store = Store::Open(place_->options());
      EXPECT_TRUE(store.ok()) << store.status();
    });
  for (std::thread& thread : threads) thread.join();
  connection_ = Connect();
  EXPECT_EQ(Steps().size(), Migrations().size());
}

CRIA_TEST_EVERY_BACKEND(MigrationsTest);

}  // namespace
}  // namespace cria::store
