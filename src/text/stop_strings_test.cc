#include "text/stop_strings.h"

#include <gtest/gtest.h>

namespace cria::text {
namespace {

// Feeds `text` in pieces of `step` bytes.
std::pair<std::string, bool> Filter(std::vector<std::string> stops, const std::string& text,
                                    size_t step) {
  StopStringFilter filter(std::move(stops));
  std::string shown;
  for (size_t i = 0; i < text.size(); i += step) shown += filter.Feed(text.substr(i, step));
  if (!filter.stopped()) shown += filter.Finish();
  return {shown, filter.stopped()};
}

TEST(StopStringFilterTest, CutsAtTheFirstStopWhateverTheChunks) {
  for (size_t step = 1; step <= 12; ++step) {
    EXPECT_EQ(Filter({"END", "NEVER"}, "one EN two END three", step),
              (std::pair<std::string, bool>("one EN two ", true)));
    EXPECT_EQ(Filter({"aab"}, "aaaab!", step), (std::pair<std::string, bool>("aa", true)));
    EXPECT_EQ(Filter({"xyz"}, "no stop, but xy", step),
              (std::pair<std::string, bool>("no stop, but xy", false)));
    EXPECT_EQ(Filter({"b", "ab"}, "cab", step), (std::pair<std::string, bool>("c", true)));
    EXPECT_EQ(Filter({}, "anything", step), (std::pair<std::string, bool>("anything", false)));
  }
}

TEST(StopStringFilterTest, HoldsBackOnlyWhatMayBecomeAStop) {
  StopStringFilter filter({"</s>"});
  EXPECT_EQ(filter.Feed("a<"), "a");
  EXPECT_EQ(filter.Feed("b"), "<b");
  EXPECT_EQ(filter.Feed("</"), "");
  EXPECT_EQ(filter.Finish(), "</");
}

}  // namespace
}  // namespace cria::text
