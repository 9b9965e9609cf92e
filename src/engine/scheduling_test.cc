// Who waits for whom: places, room of keys and values, common beginnings, priorities.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <limits>
#include <thread>

#include "engine/engine_testing.h"

namespace cria::engine {
namespace {

using text::TokenId;
using Code = absl::StatusCode;

// `common` tokens that all share, then `own` that nobody else has.
Request Ask(int common, int own, int who, std::optional<int64_t> max_tokens) {
  Request request;
  request.model = "stories";
  request.prompt = {1};
  for (int t = 1; t < common; ++t) request.prompt.push_back(3 + t * 37 % 500);
  for (int t = 0; t < own; ++t) request.prompt.push_back(3 + (t * 41 + who * 13 + 5) % 500);
  request.options = Greedy(0);
  request.options.max_tokens = max_tokens;
  request.options.ignore_eos = true;
  return request;
}

std::vector<TokenId> Collect(Generation& generation) {
  std::vector<TokenId> ids;
  while (const auto event = generation.Next())
    if (event->token) ids.push_back(event->token->id);
  return ids;
}

uint64_t PageBytes() {
  static const uint64_t kBytes = StoriesEngine()->Find("stories")->model().kv_layout().page_bytes();
  return kBytes;
}

// Answers without a limit grow to the whole context, far more together than there is room for:
// some give up their keys and values, and nobody's answer shows it.
TEST(SchedulingTest, AnswersThatOutgrowTheRoomTakeTurns) {
  EngineOptions options;
  options.kv_bytes = 40 * PageBytes();
  const auto engine = StoriesEngine(options);
  const auto request = [](int i) {
    Request unlimited = Ask(1, 30, i, std::nullopt);
    unlimited.context = 400;
    return unlimited;
  };
  std::vector<std::shared_ptr<Generation>> all;
  for (int i = 0; i < 6; ++i) all.push_back(*engine->Submit(request(i)));
  while (all[0]->Next())  // the oldest never waits
    EXPECT_LE(engine->stats().kv_bytes, options.kv_bytes);
  const auto plain = StoriesEngine();
  for (int i = 1; i < 6; ++i) {
    const std::vector<TokenId> ids = Collect(*all[static_cast<size_t>(i)]);
    EXPECT_EQ(ids.size(), 400U - 31) << i;
    EXPECT_EQ(ids, Collect(**plain->Submit(request(i)))) << i;
    EXPECT_TRUE(all[static_cast<size_t>(i)]->result().status.ok());
  }
  EXPECT_GT(engine->stats().prompt_tokens, 6U * 31);  // something was computed again
}

TEST(SchedulingTest, AnyLengthMayBeAskedFor) {
  const auto engine = StoriesEngine();
  const auto generation = engine->Submit(Ask(1, 5, 0, std::numeric_limits<int64_t>::max()));
  ASSERT_TRUE(generation.ok()) << generation.status();
  const auto beside = engine->Submit(Ask(1, 5, 1, 3));
  ASSERT_TRUE(beside.ok());
  EXPECT_EQ(Collect(**beside).size(), 3U);
  (*generation)->Cancel();
  (*generation)->Wait();
}

// Beside a running answer only a few prompt tokens go in a step: less than a page at a time.
TEST(SchedulingTest, ACommonBeginningIsComputedOnceBesideAnswersToo) {
  EngineOptions options;
  options.most_stretch = 1;  // the least there is
  const auto engine = StoriesEngine(options);
  const auto answer = *engine->Submit(Ask(1, 0, 0, 480));
  ASSERT_TRUE(answer->Next().has_value());
  std::vector<std::shared_ptr<Generation>> all;
  for (int i = 0; i < 8; ++i) all.push_back(*engine->Submit(Ask(160, 10, i, 2)));
  for (const auto& generation : all) EXPECT_EQ(Collect(*generation).size(), 2U);
  answer->Cancel();
  answer->Wait();
  EXPECT_EQ(engine->stats().reused_tokens, 7U * 160);
  EXPECT_EQ(engine->stats().prompt_tokens, 170U + 7 * 10);
}

TEST(SchedulingTest, CancelledRequestsLeaveTheQueue) {
  EngineOptions options;
  options.max_active = 1;
  options.max_queued = 3;
  const auto engine = StoriesEngine(options);
  const auto running = *engine->Submit(Ask(1, 0, 0, 500));
  ASSERT_TRUE(running->Next().has_value());
  std::vector<std::shared_ptr<Generation>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(*engine->Submit(Ask(1, 5, i, 5)));
  EXPECT_EQ(engine->Submit(Ask(1, 5, 9, 5)).status().code(), Code::kResourceExhausted);
  for (const auto& generation : waiting) generation->Cancel();
  for (const auto& generation : waiting)
    EXPECT_EQ(generation->Wait().status.code(), Code::kCancelled);
  EXPECT_EQ(engine->stats().requests, 3U);  // `running` has not ended
  EXPECT_TRUE(engine->Submit(Ask(1, 5, 9, 5)).ok());
  running->Cancel();
}

TEST(SchedulingTest, HigherPrioritiesGoFirst) {
  EngineOptions options;
  options.max_active = 1;
  const auto engine = StoriesEngine(options);
  const auto running = *engine->Submit(Ask(1, 0, 0, 500));
  ASSERT_TRUE(running->Next().has_value());
  std::vector<std::shared_ptr<Generation>> waiting;
  for (const int priority : {0, 1, 2, 1}) {
    Request request = Ask(1, 5, priority, 3);
    request.priority = priority;
    waiting.push_back(*engine->Submit(std::move(request)));
  }
  running->Cancel();
  std::vector<double> waited;
  for (const auto& generation : waiting) waited.push_back(generation->Wait().queue_s);
  EXPECT_LT(waited[2], waited[1]);
  EXPECT_LT(waited[1], waited[3]);
  EXPECT_LT(waited[3], waited[0]);
}

// Short prompts that keep coming and would take all that a step reads.
TEST(SchedulingTest, ALongPromptAdvancesBesideShortOnes) {
  EngineOptions options;
  options.most_stretch = 1;
  options.max_active = 8;
  const auto engine = StoriesEngine(options);
  const auto answer = *engine->Submit(Ask(1, 0, 0, 500));
  ASSERT_TRUE(answer->Next().has_value());
  const auto long_one = *engine->Submit(Ask(1, 300, 50, 1));
  std::atomic<bool> read{false};
  std::thread waiter([&] {
    long_one->Wait();
    read = true;
  });
  std::deque<std::shared_ptr<Generation>> short_ones;
  int64_t shorts = 0;
  while (!read && shorts < 200) {
    while (short_ones.size() < 4)
      short_ones.push_back(*engine->Submit(Ask(1, 60, static_cast<int>(++shorts), 1)));
    short_ones.front()->Wait();
    short_ones.pop_front();
  }
  waiter.join();
  for (const auto& generation : short_ones) generation->Wait();
  answer->Cancel();
  // It had a fifth of what was read or more: 300 tokens beside at most 20 prompts of 60.
  EXPECT_LE(shorts, 40);
}

}  // namespace
}  // namespace cria::engine
