#include "provider/sse_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cria::provider {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Events = std::vector<std::pair<std::string, std::string>>;

// The events of `text`, given in two pieces cut at `cut`.
Events ReadCut(std::string_view text, size_t cut) {
  SseReader reader(1000);
  Events events;
  for (const std::string_view piece : {text.substr(0, cut), text.substr(cut)}) {
    EXPECT_TRUE(reader
                    .Feed(piece,
                          [&](const SseEvent& event) {
                            events.emplace_back(event.type, event.data);
                            return true;
                          })
                    .ok());
  }
  return events;
}

Events ReadAll(std::string_view text) { return ReadCut(text, text.size()); }

TEST(SseReader, ReadsWhatTheStandardShows) {
  EXPECT_THAT(ReadAll(": a comment\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n"),
              ElementsAre(Pair("", "first"), Pair("", "second"), Pair("", " third")));
  EXPECT_THAT(ReadAll("data\n\ndata\ndata\n\ndata:"), ElementsAre(Pair("", ""), Pair("", "\n")));
  EXPECT_THAT(ReadAll("event: add\ndata: 7\n\nevent: nothing\n\ndata: a\ndata: b\n\n"),
              ElementsAre(Pair("add", "7"), Pair("", "a\nb")));
}

TEST(SseReader, AnEventWithoutAnEmptyLineIsNone) {
  EXPECT_THAT(ReadAll("data: lost\n"), IsEmpty());
  EXPECT_THAT(ReadAll("data: lost"), IsEmpty());
}

TEST(SseReader, LinesEndInAllThreeWaysAndAreCutAnywhere) {
  const std::string lines[] = {"data: {\"a\": 1}", "", "event: e", "data: x", "data: y", "", ":c",
                               "data: z",          ""};
  for (const char* end : {"\n", "\r", "\r\n"}) {
    for (const char* mark : {"", "\xEF\xBB\xBF"}) {
      std::string text = mark;
      for (const std::string& line : lines) text += line + end;
      for (size_t cut = 0; cut <= text.size(); ++cut)
        EXPECT_THAT(ReadCut(text, cut),
                    ElementsAre(Pair("", "{\"a\": 1}"), Pair("e", "x\ny"), Pair("", "z")))
            << "cut at " << cut;
    }
  }
}

TEST(SseReader, OnlyAMarkAtTheStartIsSkipped) {
  const std::string text =
      "\xEF\xBB"
      "data: a\n\ndata: \xEF\xBB\xBF"
      "b\n\n";
  for (size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_THAT(ReadCut(text, cut), ElementsAre(Pair("",
                                                     "\xEF\xBB\xBF"
                                                     "b")));
}

TEST(SseReader, LinesAndEventsAreBounded) {
  const auto nothing = [](const SseEvent&) { return true; };
  SseReader line(100);
  EXPECT_EQ(line.Feed("data: " + std::string(100, 'x'), nothing).code(),
            absl::StatusCode::kResourceExhausted);
  SseReader slow(100);
  absl::Status status;
  for (int i = 0; i < 101 && status.ok(); ++i) status = slow.Feed("x", nothing);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  SseReader event(100);
  status = absl::OkStatus();
  for (int i = 0; i < 11 && status.ok(); ++i) status = event.Feed("data: 123456789\n", nothing);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(SseReader, StopsWhereItsReaderSaysSo) {
  SseReader reader(100);
  int events = 0;
  ASSERT_TRUE(reader
                  .Feed("data: a\n\ndata: b\n\n",
                        [&](const SseEvent&) {
                          ++events;
                          return false;
                        })
                  .ok());
  EXPECT_EQ(events, 1);
}

}  // namespace
}  // namespace cria::provider
