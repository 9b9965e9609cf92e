#include "text/unicode_class.h"

#include <gtest/gtest.h>

#include <map>

namespace cria::text {
namespace {

TEST(CharClassTable, KnowsOrdinaryCharacters) {
  const CharClassTable& table = CharClassTable::Get();
  for (const char32_t c : {U'a', U'Z', U'\u00E9', U'\u65E5', U'\u02B0', U'\uAC00', U'\U00020000'}) {
    EXPECT_EQ(table.Of(c), CharClass::kLetter) << uint32_t{c};
  }
  for (const char32_t c : {U'0', U'\u00B2', U'\u0669', U'\u2167', U'\u2460', U'\U0001D7CE'}) {
    EXPECT_EQ(table.Of(c), CharClass::kNumber) << uint32_t{c};
  }
  for (const char32_t c : {U' ', U'\t', U'\n', U'\v', U'\r', U'\u0085', U'\u00A0', U'\u1680',
                           U'\u2009', U'\u2028', U'\u202F', U'\u205F', U'\u3000'}) {
    EXPECT_EQ(table.Of(c), CharClass::kSpace) << uint32_t{c};
  }
  // Combining marks, format and control characters, punctuation, symbols and unassigned code
  // points.
  for (const char32_t c : {U'\u0301', U'\u180E', U'\u200B', U'\u200D', U'\uFEFF', U'\u001C', U'_',
                           U'!', U'\u20AC', U'\U0001F999', U'\uFFFD', char32_t{0xD800},
                           char32_t{0x10FFFF}, char32_t{0x110000}, char32_t{0xFFFFFFFF}}) {
    EXPECT_EQ(table.Of(c), CharClass::kOther) << uint32_t{c};
  }
}

TEST(CharClassTable, HasTheCountsOfUnicode16) {
  std::map<CharClass, int> count;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) ++count[CharClassTable::Get().Of(c)];
  EXPECT_EQ(count[CharClass::kLetter], 141028);
  EXPECT_EQ(count[CharClass::kNumber], 1911);
  EXPECT_EQ(count[CharClass::kSpace], 25);
}

}  // namespace
}  // namespace cria::text
