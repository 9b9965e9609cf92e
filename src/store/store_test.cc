#include "store/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "store/test_store.h"

namespace cria::store {
namespace {

constexpr int kThreads = 8;

ChatCompletion Made(const std::string& id) {
  return {id, 1, "m", R"([{"role":"user","content":"hello"}])", R"({"id":")" + id + "\"}", {}};
}

class WholeStoreTest : public StoreTest {};

TEST_P(WholeStoreTest, ManyThreadsWriteAndRead) {
  const auto conversation = store().conversations().Create({}, {}, {});
  ASSERT_TRUE(conversation.ok()) << conversation.status();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string id = absl::StrCat(t, "-", i);
        EXPECT_TRUE(store().chat_completions().Put(Made(id)).ok());
        EXPECT_EQ(store().chat_completions().Get(id)->response, Made(id).response);
        EXPECT_TRUE(store().conversations().Append(conversation->id, {{{"id", id}}}).ok());
        const auto file = store().files().Create({id, "batch", {}, {}}, id);
        ASSERT_TRUE(file.ok()) << file.status();
        EXPECT_EQ(*base::ReadFile(store().files().Locate(file->id)->path, 100), id);
        if (i % 2 == 1) continue;
        EXPECT_TRUE(store().files().Delete(file->id).ok());
      }
    });
  for (std::thread& thread : threads) thread.join();
  ListOptions all;
  all.limit = kMaxPageItems;
  EXPECT_EQ(store().conversations().ListItems(conversation->id, all)->items.size(), kThreads * 20u);
  FileListOptions files;
  files.limit = kMaxPageItems;
  EXPECT_EQ(store().files().List(files)->items.size(), kThreads * 10u);
}

TEST_P(WholeStoreTest, ItemsOfOneThreadKeepTheirOrderAmongOthers) {
  const std::string id = store().conversations().Create({}, {}, {})->id;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(store()
                        .conversations()
                        .Append(id, {{{"id", absl::StrCat(t, ".", 2 * i)}},
                                     {{"id", absl::StrCat(t, ".", 2 * i + 1)}}})
                        .ok());
    });
  for (std::thread& thread : threads) thread.join();
  ListOptions all;
  all.limit = kMaxPageItems;
  all.order = Order::kAscending;
  const std::vector<std::string> ids = IdsOf(*store().conversations().ListItems(id, all));
  ASSERT_EQ(ids.size(), kThreads * 20u);
  std::vector<int> next(kThreads, 0);
  for (size_t i = 0; i < ids.size(); ++i) {
    const int thread = ids[i][0] - '0';
    EXPECT_EQ(ids[i], absl::StrCat(thread, ".", next[thread]++));
    // Items that were added together stay together.
    EXPECT_EQ(ids[i][0], ids[i - i % 2][0]);
  }
}

TEST_P(WholeStoreTest, TwoStoresShareADatabase) {
  auto second = Store::Open(place().options());
  ASSERT_TRUE(second.ok()) << second.status();
  const std::string id = store().conversations().Create({}, {}, {})->id;
  std::vector<std::thread> threads;
  for (Store* one : {store_.get(), second->get()})
    threads.emplace_back([one, &id] {
      for (int i = 0; i < 50; ++i) {
        const auto added = one->conversations().Append(id, {base::json::object{}});
        EXPECT_TRUE(added.ok()) << added.status();
        EXPECT_TRUE(one->quota().Use("key", {100, 1000}).ok());
      }
    });
  for (std::thread& thread : threads) thread.join();
  ListOptions all;
  all.limit = kMaxPageItems;
  EXPECT_EQ((*second)->conversations().ListItems(id, all)->items.size(), 100u);
  EXPECT_FALSE(store().quota().Use("key", {100, 1000})->allowed);
}

// What a process that is about to be killed does: stores, and tells of what was acknowledged.
[[noreturn]] void StoreUntilKilled(const StoreOptions& options, int pipe) {
  auto store = Store::Open(options);
  if (!store.ok()) _exit(1);
  const auto tell = [pipe](const std::string& line) {
    // Shorter than PIPE_BUF: lines of several threads don't mix.
    if (write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(2);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (true) {
        const std::string id = NewChatCompletionId();
        if ((*store)->chat_completions().Put(Made(id)).ok()) tell("completion " + id + "\n");
      }
    });
  while (true) {
    const std::string text = NewUuid4();
    const auto file = (*store)->files().Create({text, "batch", {}, {}}, text);
    if (file.ok()) tell("file " + file->id + "\n");
  }
}

// The lines of a child that is killed, at whatever it does, after about `bytes` of them.
std::vector<std::string> LinesUntilKilled(const StoreOptions& options, size_t bytes) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  const pid_t child = fork();
  if (child == 0) StoreUntilKilled(options, ends[1]);
  close(ends[1]);
  std::string text;
  char buffer[256];
  bool killed = false;
  for (ssize_t got = 1; got > 0;) {
    got = read(ends[0], buffer, sizeof buffer);
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
    if (!killed && text.size() > bytes) killed = kill(child, SIGKILL) == 0;
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_P(WholeStoreTest, WhatWasAcknowledgedSurvivesKill9) {
  store_.reset();
  std::mt19937 random(7);
  std::vector<std::string> acknowledged;
  for (int round = 0; round < 20; ++round) {
    const auto lines = LinesUntilKilled(place().options(), random() % 4000);
    EXPECT_FALSE(lines.empty());
    acknowledged.insert(acknowledged.end(), lines.begin(), lines.end());
  }
  Reopen();
  for (const std::string& line : acknowledged) {
    const std::string id = line.substr(line.find(' ') + 1);
    if (line.starts_with("completion")) {
      const auto got = store().chat_completions().Get(id);
      ASSERT_TRUE(got.ok()) << got.status();
      EXPECT_EQ(got->response, Made(id).response);
      continue;
    }
    const auto file = store().files().Get(id);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(*base::ReadFile(store().files().Locate(id)->path, 100), file->filename);
  }
  // No bytes without a row are left.
  FileListOptions options;
  options.limit = kMaxPageItems;
  size_t on_disk = 0;
  for (const auto& entry : std::filesystem::directory_iterator(place().options().files_directory))
    if (IsFileId(entry.path().filename().string())) ++on_disk;
  EXPECT_EQ(store().files().List(options)->items.size(), on_disk);
}

TEST_P(WholeStoreTest, ManyCompletionsAtOnce) {
  const int kCount = GetParam() == Backend::kSqlite ? 20'000 : 2'000;
  std::atomic<int> stored = 0;
  const std::string body = R"({"content":")" + std::string(1000, 'x') + "\"}";
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < kCount; ++i) {
    ChatCompletion one = Made(NewChatCompletionId());
    one.response = body;
    while (true) {
      const absl::Status status = store().chat_completions().PutLater(
          one, [&](const absl::Status& result) { stored += result.ok() ? 1 : 0; });
      if (status.ok()) break;
      ASSERT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
      std::this_thread::yield();
    }
  }
  Reopen();  // all that is queued is stored first
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
  RecordProperty("completions_per_second", static_cast<int>(kCount / seconds.count()));
  EXPECT_EQ(stored, kCount);
}

CRIA_TEST_EVERY_BACKEND(WholeStoreTest);

}  // namespace
}  // namespace cria::store
