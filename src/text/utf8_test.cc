#include "text/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace cria::text {
namespace {

using Kind = Utf8Char::Kind;

TEST(Utf8, EveryScalarValueSurvivesARoundTrip) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string bytes;
    AppendUtf8(c, &bytes);
    const Utf8Char decoded = DecodeUtf8(bytes);
    ASSERT_EQ(decoded.kind, Kind::kValid) << uint32_t{c};
    ASSERT_EQ(decoded.code_point, c);
    ASSERT_EQ(decoded.length, bytes.size());
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      ASSERT_EQ(DecodeUtf8(bytes.substr(0, cut)).kind, Kind::kIncomplete) << uint32_t{c};
    }
  }
}

// The examples of The Unicode Standard 15.0, section 3.9, tables 3-8 to 3-11.
TEST(Utf8, IllFormedSequencesAreCutIntoMaximalSubparts) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(ToValidUtf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(ToValidUtf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(ToValidUtf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(ToValidUtf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

TEST(Utf8, ValidityAgreesWithReplacement) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("h\xC3\xA9\xE6\x97\xA5\xF0\x9F\xA6\x99"));
  EXPECT_FALSE(IsValidUtf8("\xC3"));
  EXPECT_FALSE(IsValidUtf8("a\x80"));
  EXPECT_FALSE(IsValidUtf8("\xF5\x80\x80\x80"));
}

TEST(Utf8Stream, GivesTheSameTextHoweverItIsCut) {
  const std::string text = "a\xC3\xA9\xF0\x9F\xA6\x99\xE1\x80\xFFz\xF0\x9F";
  const std::string whole = ToValidUtf8(text);
  for (size_t step = 1; step <= text.size(); ++step) {
    Utf8Stream stream;
    std::string out;
    for (size_t i = 0; i < text.size(); i += step) {
      stream.Feed(std::string_view(text).substr(i, step), &out);
      EXPECT_TRUE(IsValidUtf8(out));
    }
    stream.Finish(&out);
    EXPECT_EQ(out, whole) << "step " << step;
  }
}

TEST(Utf8Stream, HoldsBackOnlyWhatIsUndecided) {
  Utf8Stream stream;
  std::string out;
  stream.Feed("ab\xF0\x9F", &out);
  EXPECT_EQ(out, "ab");
  stream.Feed("\xA6", &out);
  EXPECT_EQ(out, "ab");
  stream.Feed("A", &out);  // the three bytes can no longer become a character
  EXPECT_EQ(out,
            "ab\xEF\xBF\xBD"
            "A");
}

}  // namespace
}  // namespace cria::text
