// For the tests: a store of its own in each backend, with a clock that stands still.
#ifndef CRIA_STORE_TEST_STORE_H_
#define CRIA_STORE_TEST_STORE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "store/ids.h"
#include "store/store.h"

namespace cria::store {

using Backend = DatabaseOptions::Kind;

inline std::string BackendName(const ::testing::TestParamInfo<Backend>& info) {
  return info.param == Backend::kSqlite ? "Sqlite" : "Postgres";
}

inline bool HasPostgres() { return std::getenv("CRIA_TEST_POSTGRES") != nullptr; }

// An empty database and a directory; gone with the object.
class TestPlace {
 public:
  explicit TestPlace(Backend backend)
      : directory_(std::filesystem::temp_directory_path() / ("cria_store_" + NewUuid4())) {
    std::filesystem::create_directories(directory_);
    options_.database.kind = backend;
    options_.files_directory = (directory_ / "files").string();
    options_.clock = [this] { return now_.load(); };
    if (backend == Backend::kSqlite) {
      options_.database.path = (directory_ / "test.db").string();
      return;
    }
    schema_ = "cria_test_" + NewBatchId();
    options_.database.postgres = {{"dbname", std::getenv("CRIA_TEST_POSTGRES")}};
    RunOnServer("CREATE SCHEMA " + schema_);
    options_.database.postgres.emplace_back("options", "-c search_path=" + schema_);
  }
  ~TestPlace() {
    if (!schema_.empty()) RunOnServer("DROP SCHEMA " + schema_ + " CASCADE");
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  TestPlace(const TestPlace&) = delete;
  TestPlace& operator=(const TestPlace&) = delete;

  StoreOptions& options() { return options_; }
  const std::filesystem::path& directory() const { return directory_; }
  void set_now(int64_t now) { now_ = now; }
  int64_t now() const { return now_; }

 private:
  void RunOnServer(const std::string& sql) {
    auto database = MakeDatabase(options_.database);
    ASSERT_TRUE(database.ok()) << database.status();
    auto connection = (*database)->Connect();
    ASSERT_TRUE(connection.ok()) << connection.status();
    const absl::Status status = (*connection)->Run(sql);
    ASSERT_TRUE(status.ok()) << status;
  }

  std::filesystem::path directory_;
  std::string schema_;
  StoreOptions options_;
  std::atomic<int64_t> now_{1000};
};

// A test of every backend that is there.
class StoreTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::kPostgres && !HasPostgres())
      GTEST_SKIP()
          << "SKIPPED: no PostgreSQL: set CRIA_TEST_POSTGRES to a connection string of libpq";
    place_ = std::make_unique<TestPlace>(GetParam());
    Reopen();
  }

  void Reopen() {
    store_.reset();
    auto store = Store::Open(place_->options());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  TestPlace& place() { return *place_; }
  Store& store() { return *store_; }

  std::unique_ptr<TestPlace> place_;
  std::unique_ptr<Store> store_;
};

#define CRIA_TEST_EVERY_BACKEND(suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(Every, suite, ::testing::Values(Backend::kSqlite, Backend::kPostgres), \
                           BackendName)

// EXPECT_THAT(status, HasStatus(code, part of the message))
MATCHER_P2(HasStatus, code, part, "") {
  *result_listener << arg.ToString();
  return arg.code() == code && arg.message().find(part) != absl::string_view::npos;
}

template <typename T>
std::vector<std::string> IdsOf(const Page<T>& page) {
  std::vector<std::string> ids;
  for (const T& item : page.items) ids.push_back(item.id);
  return ids;
}

}  // namespace cria::store

#endif  // CRIA_STORE_TEST_STORE_H_
