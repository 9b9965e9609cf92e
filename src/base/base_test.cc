#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <numeric>
#include <thread>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/quote.h"
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

TEST(JsonTest, MayBeginWithAByteOrderMark) {
  EXPECT_TRUE(ParseJson("\xEF\xBB\xBF{\"a\": 1}", "x").ok());
  EXPECT_EQ(ParseJson("\xEF\xBB\xBF", "x").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(ParseJson("\xEF\xBB{}", "x").ok());
  EXPECT_FALSE(ParseJson("{}\xEF\xBB\xBF", "x").ok());
  EXPECT_NE(ParseJson("\xEF\xBB\xBF[}", "x").status().message().find("byte 4"),
            absl::string_view::npos);
}

TEST(QuoteTest, IsOneLineOfValidUtf8) {
  EXPECT_EQ(Quote("plain"), "'plain'");
  EXPECT_EQ(Quote("\x1B[2J\n\t'\x7F"), "'\\x1b[2J\\n\\t\\'\\x7f'");
  EXPECT_EQ(Quote("\u00E9\u20AC\U0001F999"), "'\u00E9\u20AC\U0001F999'");
  EXPECT_EQ(Quote("\xFFz\xC3"), "'\\xffz\\xc3'");
  EXPECT_EQ(Quote("\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80"),
            "'\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80'");
  EXPECT_EQ(Quote("\u009B2J"), "'\\xc2\\x9b2J'");  // C1: as ESC [ to some terminals
  EXPECT_EQ(Quote(std::string(200, 'a')), absl::StrCat("'", std::string(120, 'a'), "...'"));
  EXPECT_EQ(Quote(absl::StrCat(std::string(119, 'a'), "\u20AC")),
            absl::StrCat("'", std::string(119, 'a'), "...'"));
}

TEST(StatusTest, AnnotateSaysEachNameOnce) {
  const absl::Status status = absl::DataLossError("file: bad");
  EXPECT_EQ(Annotate(status, "file").message(), "file: bad");
  EXPECT_EQ(Annotate(status, "a/b/file").message(), "a/b/file: bad");
  EXPECT_EQ(Annotate(status, "other").message(), "other: file: bad");
  EXPECT_EQ(Annotate(status, "a/").message(), "a/: file: bad");
  EXPECT_EQ(Annotate(absl::DataLossError("filename: bad"), "file").message(),
            "file: filename: bad");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "x").ok());
}

// What is no regular file is refused by its kind, at once: opening a pipe would wait for a writer.
TEST(FileTest, OnlyRegularFilesAreMapped) {
  char directory[] = "/tmp/cria-base-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string pipe = std::string(directory) + "/pipe",
                    loop = std::string(directory) + "/loop";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ASSERT_EQ(symlink(loop.c_str(), loop.c_str()), 0);
  const std::pair<std::string, std::string> cases[] = {{directory, "is a directory"},
                                                       {pipe, "is a named pipe"},
                                                       {"/dev/null", "is a device"},
                                                       {loop, "symbolic links"}};
  for (const auto& [path, what] : cases) {
    for (const absl::Status& status :
         {MappedFile::Open(path).status(), ReadRegularFile(path, 5).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
      EXPECT_NE(std::string(status.message()).find(path + ": "), std::string::npos) << status;
      EXPECT_NE(std::string(status.message()).find(what), std::string::npos) << status;
    }
    EXPECT_TRUE(PathExists(path));
    EXPECT_FALSE(FileExists(path));
  }
  EXPECT_EQ(ReadFile(directory, 5).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadFile(loop, 5).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(*ReadFile("/dev/null", 5), "");
  EXPECT_FALSE(PathExists(pipe + "x"));
  unlink(pipe.c_str());
  unlink(loop.c_str());
  rmdir(directory);
}

TEST(FileTest, NoErrorOfADiskIsTheNetworks) {
  errno = ELOOP;
  EXPECT_EQ(FileError("cannot create", "a").code(), absl::StatusCode::kInternal);
  const absl::Status missing = WriteFileAtomically("/nonexistent/file", "x");
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.message(), "/nonexistent/file: cannot create: No such file or directory");
}

// Root may read every file, so a child that is nobody looks. Its exit code tells what it saw.
int LookAsNobody(const char* path) {
  constexpr uid_t kNobody = 65534;
  if (geteuid() == 0 && setuid(kNobody) != 0) return 2;
  const bool mapped = MappedFile::Open(path).status().code() == absl::StatusCode::kDataLoss;
  const bool read = ReadFile(path, 5).status().code() == absl::StatusCode::kDataLoss;
  return mapped && read ? 0 : 1;
}

TEST(FileTest, UnreadableFilesAreBadInput) {
  char path[] = "/tmp/cria-base-test-XXXXXX";
  close(mkstemp(path));
  ASSERT_EQ(chmod(path, 0), 0);
  EXPECT_EXIT(_exit(LookAsNobody(path)), testing::ExitedWithCode(0), "");
  unlink(path);
}

TEST(FileTest, WritesAtomicallyAndReadsUnderALimit) {
  char directory[] = "/tmp/cria-base-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/file";
  ASSERT_TRUE(WriteFileAtomically(path, "first").ok());
  ASSERT_TRUE(WriteFileAtomically(path, "second").ok());
  EXPECT_EQ(*ReadFile(path, 100), "second");
  EXPECT_EQ(ReadFile(path, 5).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*ReadRegularFile(path, 6), "second");
  EXPECT_EQ(ReadRegularFile(path, 5).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadFile(path + "x", 5).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ((*MappedFile::Open(path))->bytes().size(), 6u);
  unlink(path.c_str());
  rmdir(directory);
}

}  // namespace
}  // namespace cria::base
