#include "store/writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "store/migrations.h"
#include "store/reader.h"
#include "store/test_store.h"

namespace cria::store {
namespace {

// A writer with a table of its own.
class WriterTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::kPostgres && !HasPostgres())
      GTEST_SKIP()
          << "SKIPPED: no PostgreSQL: set CRIA_TEST_POSTGRES to a connection string of libpq";
    place_ = std::make_unique<TestPlace>(GetParam());
    auto database = MakeDatabase(place_->options().database);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    Start({});
    ASSERT_TRUE(Write([](Connection& connection) {
                  return connection.Run("CREATE TABLE t (k TEXT NOT NULL UNIQUE)");
                }).ok());
  }
  void TearDown() override {
    reader_.reset();
    writer_.reset();
  }
  void Start(const WriterOptions& options) {
    writer_.reset();
    auto writer = Writer::Start(*database_, options);
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
    reader_ = std::make_unique<Reader>(*database_, 2);
  }
  absl::Status Write(Writer::Work work) { return writer_->Write(1, std::move(work)); }
  static Writer::Work Insert(const std::string& key) {
    return [key](Connection& connection) {
      return connection.Execute("INSERT INTO t (k) VALUES (?)", {key}).status();
    };
  }
  int64_t Count() {
    int64_t count = -1;
    const absl::Status status = reader_->Query("SELECT COUNT(*) FROM t", {}, [&](const Row& row) {
      count = row.Int(0);
      return true;
    });
    EXPECT_TRUE(status.ok()) << status;
    return count;
  }
  // Keeps the writer busy until the result is destroyed.
  std::shared_ptr<void> Block() {
    auto entered = std::make_shared<std::promise<void>>();
    auto go = std::make_shared<std::promise<void>>();
    EXPECT_TRUE(writer_
                    ->Enqueue(
                        1,
                        [entered, blocked = go->get_future().share()](Connection&) {
                          entered->set_value();
                          blocked.wait();
                          return absl::OkStatus();
                        },
                        [](const absl::Status&) {})
                    .ok());
    entered->get_future().wait();
    return std::shared_ptr<void>(nullptr, [go](void*) { go->set_value(); });
  }

  std::unique_ptr<TestPlace> place_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Reader> reader_;
};

TEST_P(WriterTest, OneFailureUndoesOnlyItself) {
  ASSERT_TRUE(Write(Insert("taken")).ok());
  std::vector<absl::Status> results(30, absl::UnknownError("not done"));
  auto block = Block();
  for (size_t i = 0; i < results.size(); ++i) {
    const bool bad = i % 3 == 1;
    ASSERT_TRUE(writer_
                    ->Enqueue(
                        1,
                        [i, bad](Connection& connection) {
                          const absl::Status status = Insert(std::to_string(i))(connection);
                          return bad ? Insert("taken")(connection) : status;
                        },
                        [&results, i](const absl::Status& status) { results[i] = status; })
                    .ok());
  }
  block.reset();
  ASSERT_TRUE(Write(Insert("last")).ok());
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i].code(),
              i % 3 == 1 ? absl::StatusCode::kAlreadyExists : absl::StatusCode::kOk)
        << i << ": " << results[i];
  EXPECT_EQ(Count(), 1 + 20 + 1);
}

TEST_P(WriterTest, AcknowledgesAfterTheCommitAndInOrder) {
  std::vector<int> order;
  std::atomic<bool> seen_by_all = true;
  auto block = Block();
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(writer_
                    ->Enqueue(1, Insert(std::to_string(i)),
                              [&, i](const absl::Status& status) {
                                EXPECT_TRUE(status.ok()) << status;
                                order.push_back(i);
                                if (Count() <= i) seen_by_all = false;
                              })
                    .ok());
  EXPECT_EQ(Count(), 0);
  block.reset();
  ASSERT_TRUE(Write(Insert("last")).ok());
  EXPECT_TRUE(seen_by_all);
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_P(WriterTest, AFullQueueIsToldAtOnce) {
  Start({.max_queued = 3, .max_queued_bytes = 100, .max_batch = 2});
  auto block = Block();
  std::atomic<int> done = 0;
  const auto enqueue = [&](const std::string& key, size_t bytes) {
    return writer_->Enqueue(bytes, Insert(key), [&](const absl::Status&) { ++done; });
  };
  // One that is larger than the queue may go alone.
  ASSERT_TRUE(enqueue("a", 101).ok());
  EXPECT_THAT(enqueue("b", 1), HasStatus(absl::StatusCode::kResourceExhausted, "try again later"));
  block.reset();
  while (done < 1) std::this_thread::yield();
  ASSERT_TRUE(Write(Insert("c")).ok());
  block = Block();
  ASSERT_TRUE(enqueue("d", 50).ok());
  ASSERT_TRUE(enqueue("e", 50).ok());
  EXPECT_THAT(enqueue("f", 1), HasStatus(absl::StatusCode::kResourceExhausted, "at most 3"));
  ASSERT_TRUE(enqueue("g", 0).ok());
  EXPECT_THAT(enqueue("h", 0), HasStatus(absl::StatusCode::kResourceExhausted, "3 writes"));
  block.reset();
  while (done < 4) std::this_thread::yield();
  ASSERT_TRUE(Write(Insert("i")).ok());
  EXPECT_EQ(Count(), 6);
}

TEST_P(WriterTest, WhatIsQueuedIsWrittenBeforeTheEnd) {
  std::atomic<int> done = 0;
  auto block = Block();
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(writer_
                    ->Enqueue(1, Insert(std::to_string(i)),
                              [&](const absl::Status& status) {
                                if (status.ok()) ++done;
                              })
                    .ok());
  block.reset();
  writer_.reset();
  EXPECT_EQ(done, 50);
  EXPECT_EQ(Count(), 50);
}

TEST_P(WriterTest, ReadersDoNotWaitForTheWriter) {
  ASSERT_TRUE(Write(Insert("before")).ok());
  std::promise<void> entered, go;
  std::thread waiting([&] {
    EXPECT_TRUE(Write([&](Connection& connection) {
                  const absl::Status status = Insert("within")(connection);
                  entered.set_value();
                  go.get_future().wait();
                  return status;
                }).ok());
  });
  entered.get_future().wait();
  EXPECT_EQ(Count(), 1);
  go.set_value();
  waiting.join();
  EXPECT_EQ(Count(), 2);
}

TEST_P(WriterTest, AWriteThatWasInAnothersWayIsTriedAgain) {
  int calls = 0;
  EXPECT_TRUE(Write([&](Connection& connection) {
                if (++calls < 3) return absl::AbortedError("a deadlock");
                return Insert("a")(connection);
              }).ok());
  EXPECT_EQ(calls, 3);
  calls = 0;
  EXPECT_THAT(Write([&](Connection&) {
                ++calls;
                return absl::AbortedError("always");
              }),
              HasStatus(absl::StatusCode::kAborted, "always"));
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(Count(), 1);
}

TEST_P(WriterTest, ALostTransactionCostsOnlyTheWriteThatLostIt) {
  std::vector<absl::Status> results(3, absl::UnknownError("not done"));
  auto block = Block();
  for (size_t i = 0; i < results.size(); ++i)
    ASSERT_TRUE(writer_
                    ->Enqueue(
                        1,
                        [i](Connection& connection) {
                          CRIA_RETURN_IF_ERROR(Insert(std::to_string(i))(connection));
                          if (i != 1) return absl::OkStatus();
                          CRIA_RETURN_IF_ERROR(connection.Rollback());
                          return absl::UnavailableError("the disk is full");
                        },
                        [&results, i](const absl::Status& status) { results[i] = status; })
                    .ok());
  block.reset();
  ASSERT_TRUE(Write(Insert("last")).ok());
  EXPECT_TRUE(results[0].ok()) << results[0];
  EXPECT_EQ(results[1].code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(results[2].ok()) << results[2];
  EXPECT_EQ(Count(), 3);
}

CRIA_TEST_EVERY_BACKEND(WriterTest);

TEST(SqliteWriterTest, AFullDiskIsToldAndPasses) {
  TestPlace place(Backend::kSqlite);
  const auto database = *MakeDatabase(place.options().database);
  auto writer = *Writer::Start(*database, {});
  const auto limit_pages = [&](int pages) {
    return writer->Write(1, [pages](Connection& connection) {
      return connection.Query(absl::StrCat("PRAGMA max_page_count=", pages), {},
                              [](const Row&) { return true; });
    });
  };
  const auto insert = [&](const std::string& text) {
    return writer->Write(text.size(), [&](Connection& connection) {
      return connection.Execute("INSERT INTO t (k) VALUES (?)", {text}).status();
    });
  };
  ASSERT_TRUE(writer
                  ->Write(1,
                          [](Connection& connection) {
                            return connection.Run("CREATE TABLE t (k TEXT NOT NULL)");
                          })
                  .ok());
  ASSERT_TRUE(limit_pages(10).ok());
  EXPECT_TRUE(insert("small").ok());
  const absl::Status full = insert(std::string(100'000, 'x'));
  EXPECT_THAT(full, HasStatus(absl::StatusCode::kUnavailable, place.options().database.path));
  EXPECT_THAT(full, HasStatus(absl::StatusCode::kUnavailable, "make room on its disk"));
  EXPECT_TRUE(insert("another").ok());
  ASSERT_TRUE(limit_pages(1000).ok());
  EXPECT_TRUE(insert(std::string(100'000, 'x')).ok());
}

TEST(PostgresWriterTest, ALostConnectionIsReplaced) {
  if (!HasPostgres())
    GTEST_SKIP()
        << "SKIPPED: no PostgreSQL: set CRIA_TEST_POSTGRES to a connection string of libpq";
  TestPlace place(Backend::kPostgres);
  auto store = *Store::Open(place.options());
  ASSERT_TRUE(store->registry().Register({"model", "a", "p", "r", "{}", {}}).ok());
  ASSERT_TRUE(store->registry().Get("model", "a").ok());
  auto other = *(*MakeDatabase(place.options().database))->Connect();
  ASSERT_TRUE(other
                  ->Query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                          "WHERE pid <> pg_backend_pid() AND application_name = 'cria' AND "
                          "query LIKE ?",
                          {"%"}, [](const Row&) { return true; })
                  .ok());
  EXPECT_TRUE(store->registry().Get("model", "a").ok());
  const auto again = store->registry().Register({"model", "b", "p", "r", "{}", {}});
  EXPECT_TRUE(again.ok()) << again.status();
}

}  // namespace
}  // namespace cria::store
