#include "engine/generation.h"

#include <gtest/gtest.h>

#include <thread>

namespace cria::engine {
namespace {

using std::chrono::milliseconds;

TokenEvent Event(std::string text) { return {std::nullopt, std::move(text)}; }

GenerationResult Result(absl::Status status, int64_t completion_tokens) {
  GenerationResult result;
  result.status = std::move(status);
  result.completion_tokens = completion_tokens;
  return result;
}

TEST(GenerationTest, EventsComeInOrderAndThenTheResult) {
  Generation generation;
  generation.Push(Event("a"));
  generation.Push(Event("b"));
  generation.Close(Result(absl::OkStatus(), 2));
  EXPECT_EQ(generation.Next()->text, "a");
  EXPECT_EQ(generation.Next()->text, "b");
  EXPECT_FALSE(generation.Next().has_value());
  EXPECT_FALSE(generation.Next().has_value());
  EXPECT_EQ(generation.result().completion_tokens, 2);
}

TEST(GenerationTest, WaitDropsWhatNobodyTook) {
  Generation generation;
  generation.Push(Event("a"));
  generation.Close(Result(absl::CancelledError("no more"), 0));
  EXPECT_EQ(generation.Wait().status, absl::CancelledError("no more"));
}

TEST(GenerationTest, WaitForTellsWhetherThereIsSomething) {
  Generation generation;
  EXPECT_FALSE(generation.WaitFor(milliseconds(0)));
  generation.Push(Event("a"));
  EXPECT_TRUE(generation.WaitFor(milliseconds(0)));
  EXPECT_EQ(generation.Next()->text, "a");
  EXPECT_FALSE(generation.WaitFor(milliseconds(0)));
  generation.Close({});
  EXPECT_TRUE(generation.WaitFor(milliseconds(0)));
}

TEST(GenerationTest, AConsumerInAnotherThreadGetsEverything) {
  constexpr int kEvents = 1000;
  Generation generation;
  std::string heard;
  std::thread consumer([&] {
    while (const auto event = generation.Next()) heard += event->text;
  });
  for (int i = 0; i < kEvents; ++i) generation.Push(Event("x"));
  generation.Close({});
  consumer.join();
  EXPECT_EQ(heard, std::string(kEvents, 'x'));
}

TEST(GenerationTest, CancelIsSeen) {
  Generation generation;
  EXPECT_FALSE(generation.cancelled());
  generation.Cancel();
  EXPECT_TRUE(generation.cancelled());
}

}  // namespace
}  // namespace cria::engine
