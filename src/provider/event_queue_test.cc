#include "provider/event_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace cria::provider {
namespace {

std::vector<chat::Event> Text(const std::string& text) { return {{text, {}, {}}}; }

struct Ends {
  std::shared_ptr<EventQueue> queue = std::make_shared<EventQueue>(10);
  int resumed = 0, cancelled = 0;
  std::unique_ptr<QueuedStream> stream = std::make_unique<QueuedStream>(
      queue, [this] { ++resumed; }, [this] { ++cancelled; });
};

TEST(EventQueue, GivesEventsInOrderAndThenTheOutcome) {
  Ends ends;
  std::vector<chat::Event> events;
  EXPECT_TRUE(ends.stream->Take(&events));
  EXPECT_TRUE(events.empty());
  ends.queue->Push(Text("a"), 1);
  ends.queue->Push(Text("b"), 1);
  EXPECT_TRUE(ends.stream->Take(&events));
  ends.queue->Push(Text("c"), 1);
  chat::Outcome outcome;
  outcome.usage.completion_tokens = 3;
  ends.queue->Finish(outcome);
  EXPECT_FALSE(ends.stream->Take(&events));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].text + events[1].text + events[2].text, "abc");
  EXPECT_EQ(ends.stream->outcome().usage.completion_tokens, 3);
}

TEST(EventQueue, WakesOnceForNewsOldAndNew) {
  Ends ends;
  int first = 0, second = 0;
  ends.stream->Notify([&] { ++first; });
  ends.stream->Notify([&] { ++second; });  // replaces the first
  ends.queue->Push({}, 1);
  EXPECT_EQ(second, 0) << "nothing came";
  ends.queue->Push(Text("a"), 1);
  ends.queue->Push(Text("b"), 1);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  ends.stream->Notify([&] { ++second; });  // there is news already
  EXPECT_EQ(second, 2);
  std::vector<chat::Event> events;
  ends.stream->Take(&events);
  ends.stream->Notify([&] { ++second; });
  EXPECT_EQ(second, 2);
  ends.queue->Finish({});
  EXPECT_EQ(second, 3);
}

TEST(EventQueue, AsksTheProducerToWaitAndToGoOn) {
  Ends ends;
  ends.queue->Push(Text("x"), 10);
  EXPECT_TRUE(ends.queue->HasRoom());
  ends.queue->Push(Text("y"), 1);
  EXPECT_FALSE(ends.queue->HasRoom());
  EXPECT_EQ(ends.resumed, 0);
  std::vector<chat::Event> events;
  ends.stream->Take(&events);
  EXPECT_EQ(ends.resumed, 1);
  ends.stream->Take(&events);
  EXPECT_EQ(ends.resumed, 1) << "only after the producer had to wait";
  EXPECT_TRUE(ends.queue->HasRoom());
}

TEST(EventQueue, NobodyTakesFromADestroyedStream) {
  Ends ends;
  bool woken = false;
  ends.stream->Notify([&] { woken = true; });
  ends.stream.reset();
  EXPECT_EQ(ends.cancelled, 1);
  EXPECT_FALSE(ends.queue->Push(Text("a"), 100));
  EXPECT_TRUE(ends.queue->HasRoom()) << "a producer must not wait for ever";
  ends.queue->Finish({});
  EXPECT_FALSE(woken);
}

TEST(EventQueue, ThreadsMeet) {
  constexpr int kEvents = 20000;
  Ends ends;
  std::thread producer([&] {
    for (int i = 0; i < kEvents; ++i) ends.queue->Push(Text("x"), 1);
    ends.queue->Finish({});
  });
  const chat::WholeAnswer answer = chat::WaitForAnswer(*ends.stream);
  producer.join();
  EXPECT_EQ(answer.text.size(), static_cast<size_t>(kEvents));
}

}  // namespace
}  // namespace cria::provider
