#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <thread>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/thread_pool.h"

namespace cria::base {
namespace {

TEST(ThreadPoolTest, EveryIndexOnceFromManyCallers) {
  ThreadPool pool(3, /*pin=*/false);
  std::atomic<int64_t> total{0};
  const auto caller = [&] {
    for (int round = 0; round < 300; ++round) {
      std::vector<int> seen(101, 0);
      pool.ParallelFor(101, 4, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      });
      total += std::accumulate(seen.begin(), seen.end(), int64_t{0});
      for (const int count : seen) ASSERT_EQ(count, 1);
    }
  };
  std::thread other(caller);
  caller();
  other.join();
  EXPECT_EQ(total.load(), 2 * 300 * 101);
}

TEST(ThreadPoolTest, SleepingWorkersWakeUp) {
  ThreadPool pool(2, /*pin=*/false);
  std::atomic<int> runs{0};
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pool.Run([&](int) { ++runs; });
  }
  EXPECT_EQ(runs.load(), 10);
}

TEST(SplitRangeTest, CoversWithBordersAtTheGrain) {
  int64_t next = 0;
  for (int thread = 0; thread < 4; ++thread) {
    const auto [begin, end] = SplitRange(103, 16, thread, 4);
    EXPECT_EQ(begin, next);
    EXPECT_TRUE(end % 16 == 0 || end == 103);
    next = end;
  }
  EXPECT_EQ(next, 103);
}

TEST(AlignedBufferTest, RefusesTheImpossible) {
  AlignedBuffer buffer;
  EXPECT_FALSE(AlignedBuffer::Allocate(SIZE_MAX - 5, &buffer));
  ASSERT_TRUE(AlignedBuffer::Allocate(5 << 20, &buffer));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % AlignedBuffer::kAlignment, 0u);
  EXPECT_EQ(buffer.data()[(5 << 20) - 1], 0);
}

TEST(JsonTest, IsStrictAndBounded) {
  EXPECT_TRUE(ParseJson("{\"a\": [1, 2.5]} \n", "x").ok());
  EXPECT_EQ(ParseJson("{\"a\": 1,}", "x").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ParseJson("{} {}", "x").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ParseJson("", "x").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(ParseJson(std::string(100, '[') + std::string(100, ']'), "x").ok());
  JsonLimits limits;
  limits.max_bytes = 3;
  EXPECT_EQ(ParseJson("[1, 2]", "x", limits).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(JsonTest, FieldsNameKeyExpectedAndFound) {
  const json::value value = *ParseJson("{\"n\": 3.0, \"s\": \"t\", \"f\": 1.5, \"z\": null}", "x");
  const json::object& object = value.get_object();
  EXPECT_EQ(**GetInt(object, "n"), 3);
  EXPECT_FALSE(GetInt(object, "absent")->has_value());
  EXPECT_FALSE(GetString(object, "z")->has_value());
  EXPECT_EQ(GetInt(object, "f").status().message(), "'f': expected an integer, found a number");
  EXPECT_EQ(GetDouble(object, "s").status().message(), "'s': expected a number, found a string");
}

TEST(FileTest, WritesAtomicallyAndReadsUnderALimit) {
  char directory[] = "/tmp/cria-base-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/file";
  ASSERT_TRUE(WriteFileAtomically(path, "first").ok());
  ASSERT_TRUE(WriteFileAtomically(path, "second").ok());
  EXPECT_EQ(*ReadFile(path, 100), "second");
  EXPECT_EQ(ReadFile(path, 5).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadFile(path + "x", 5).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MappedFile::Open(directory).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ((*MappedFile::Open(path))->bytes().size(), 6u);
  unlink(path.c_str());
  rmdir(directory);
}

}  // namespace
}  // namespace cria::base
