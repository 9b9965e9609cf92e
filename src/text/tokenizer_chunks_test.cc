#include "text/tokenizer_chunks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cria::text {
namespace {

std::vector<size_t> Sizes(const std::string& text) {
  std::vector<size_t> sizes;
  std::string joined;
  ForEachChunk(text, [&](std::string_view chunk) {
    sizes.push_back(chunk.size());
    joined += chunk;
  });
  EXPECT_EQ(joined, text);
  return sizes;
}

std::string Repeated(std::string_view unit, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += unit;
  return text;
}

TEST(ChunksTest, RunsAreCutAfterTwentyFiveThousand) {
  EXPECT_EQ(Sizes(""), std::vector<size_t>{});
  EXPECT_EQ(Sizes(Repeated("a", 25'000)), std::vector<size_t>{25'000});
  EXPECT_EQ(Sizes(Repeated("a", 25'001)), (std::vector<size_t>{25'000, 1}));
  EXPECT_EQ(Sizes(Repeated(" ", 50'001)), (std::vector<size_t>{25'000, 25'000, 1}));
  EXPECT_EQ(Sizes(Repeated("\u3000", 25'001)), (std::vector<size_t>{75'000, 3}));
  EXPECT_EQ(Sizes(Repeated("\u65E5", 25'001)), (std::vector<size_t>{75'000, 3}));
  EXPECT_EQ(Sizes(Repeated("\xFF", 25'001)), (std::vector<size_t>{25'000, 1}));
}

TEST(ChunksTest, AChangeBetweenSpaceAndOthersStartsTheCountAnew) {
  const std::string a = Repeated("a", 25'000), spaces = Repeated(" ", 25'000);
  EXPECT_EQ(Sizes(a + spaces + a), std::vector<size_t>{75'000});
  EXPECT_EQ(Sizes(a + "a" + spaces), (std::vector<size_t>{25'000, 25'001}));
  EXPECT_EQ(Sizes(a + "1" + a), (std::vector<size_t>{25'000, 25'000, 1}));
  // Python's white space has four control characters more than Unicode's.
  EXPECT_EQ(Sizes(spaces + "\x1C"), (std::vector<size_t>{25'000, 1}));
  EXPECT_EQ(Sizes(a + "\x1C" + a), std::vector<size_t>{50'001});
  EXPECT_EQ(Sizes(a + "\u200B" + a), (std::vector<size_t>{25'000, 25'002, 1}));
}

TEST(ChunksTest, TextsAreCutEveryFourHundredThousandCharacters) {
  const std::string words = Repeated("\u00E9bc ", 100'000);  // 400,000 characters, 500,000 bytes
  EXPECT_EQ(Sizes(words), std::vector<size_t>{500'000});
  EXPECT_EQ(Sizes(words + "x"), (std::vector<size_t>{500'000, 1}));
  // The count of a run starts anew with the chunk.
  const std::string almost = Repeated("abc ", 99'999) + "abcd";
  EXPECT_EQ(Sizes(almost + Repeated("e", 25'000)), (std::vector<size_t>{400'000, 25'000}));
  EXPECT_EQ(Sizes(almost + Repeated("e", 25'001)), (std::vector<size_t>{400'000, 25'000, 1}));
}

}  // namespace
}  // namespace cria::text
