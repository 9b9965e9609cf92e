#include "text/pretokenizer.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "text/pretokenizer_pattern.h"
#include "text/unicode_class.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

using Pieces = std::vector<std::string>;

Pieces Split(const PreTokenizer& pre, std::string_view text) {
  Pieces pieces;
  const absl::Status status =
      pre.Split(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  EXPECT_TRUE(status.ok()) << status;
  return pieces;
}

struct Named {
  std::string name;
  std::vector<std::string> patterns;
};
const Named kKnown[] = {{"llama3", {std::string(kLlama3Pattern)}},
                        {"gpt2", {std::string(kGpt2Pattern)}},
                        {"smollm", {std::string(kDigitPattern), std::string(kGpt2Pattern)}}};

// The same split by the scanner and by PCRE2.
Pieces BothSplit(const Named& known, std::string_view text) {
  const auto fast = MakePreTokenizer(known.patterns);
  const auto regex = MakeRegexPreTokenizer(known.patterns);
  EXPECT_TRUE(fast.ok() && regex.ok());
  Pieces pieces = Split(**fast, text);
  EXPECT_EQ(pieces, Split(**regex, text)) << known.name;
  return pieces;
}

TEST(PreTokenizer, Llama3Pattern) {
  const auto split = [](std::string_view text) { return BothSplit(kKnown[0], text); };
  EXPECT_EQ(split("Hello world"), (Pieces{"Hello", " world"}));
  EXPECT_EQ(split("I'M don't IT'S"), (Pieces{"I", "'M", " don", "'t", " IT", "'S"}));
  EXPECT_EQ(split("1234567"), (Pieces{"123", "456", "7"}));
  EXPECT_EQ(split("a\r\nb"), (Pieces{"a", "\r\n", "b"}));
  EXPECT_EQ(split("  two  spaces\n\n  x"),
            (Pieces{" ", " two", " ", " spaces", "\n\n", " ", " x"}));
  EXPECT_EQ(split("f(x);\n\n}"), (Pieces{"f", "(x", ");\n\n", "}"}));
  EXPECT_EQ(split("a  \n \n  b  "), (Pieces{"a", "  \n \n", " ", " b", "  "}));
  EXPECT_EQ(split("'\u017Fx 'sx"), (Pieces{"'\u017F", "x", " '", "sx"}));
  EXPECT_EQ(split("\u00A0x\tlog"), (Pieces{"\u00A0x", "\tlog"}));
}

TEST(PreTokenizer, Gpt2Pattern) {
  const auto split = [](std::string_view text) { return BothSplit(kKnown[1], text); };
  EXPECT_EQ(split("I'M don't"), (Pieces{"I", "'", "M", " don", "'t"}));
  EXPECT_EQ(split("x 1234  5\n y"), (Pieces{"x", " 1234", " ", " 5", "\n", " y"}));
  EXPECT_EQ(split("a!? \u00E9"), (Pieces{"a", "!?", " \u00E9"}));
}

TEST(PreTokenizer, SmolLmCutsOutEachDigitFirst) {
  const auto split = [](std::string_view text) { return BothSplit(kKnown[2], text); };
  EXPECT_EQ(split("x 12 3"), (Pieces{"x", " ", "1", "2", " ", "3"}));
  EXPECT_EQ(split("a  1\n\nb   2"), (Pieces{"a", "  ", "1", "\n", "\n", "b", "   ", "2"}));
}

TEST(PreTokenizer, GgufDefaultRunsFourStages) {
  const auto patterns = PatternsOfGgufPre("default");
  ASSERT_TRUE(patterns.has_value());
  const auto pre = MakePreTokenizer(*patterns);
  ASSERT_TRUE(pre.ok()) << pre.status();
  EXPECT_EQ(Split(**pre, "It's 12345, ok"), (Pieces{"It", "'", "s", " ", "123", "45", ",", " ok"}));
  EXPECT_EQ(PatternsOfGgufPre("no-such"), std::nullopt);
}

// What the differential tests draw from: every class, its neighbours, all that a pattern names, and
// broken UTF-8.
const std::vector<std::string>& Alphabet() {
  static const std::vector<std::string> alphabet = {
      " ",      " ",      " ",      "\n",         "\r",       "\t",
      "\v",     "\u0085", "\u00A0", "\u2003",     "\u2028",   "\u3000",
      "\u180E", "\u001C", "'",      "'",          "s",        "S",
      "t",      "T",      "r",      "e",          "E",        "v",
      "l",      "L",      "m",      "D",          "\u017F",   "\u212A",
      "a",      "\u00E9", "\u0301", "\u65E5",     "\uAC00",   "\U00020000",
      "0",      "7",      "\u00B2", "\u0669",     "\u2167",   ".",
      "_",      "-",      "\u20AC", "\U0001F999", "\u200D",   "\uFEFF",
      "\xFF",   "\x80",   "\xC3",   "\xE2\x82",   "\xF0\x9F", "\xED\xA0\x80",
      "<",      "|",      ">"};
  return alphabet;
}

TEST(PreTokenizer, ScannersFindWhatPcre2Finds) {
  base::Rng rng(7);
  for (const Named& known : kKnown) {
    const auto fast = MakePreTokenizer(known.patterns);
    const auto regex = MakeRegexPreTokenizer(known.patterns);
    ASSERT_TRUE(fast.ok() && regex.ok());
    for (int round = 0; round < 20000; ++round) {
      std::string text;
      for (uint32_t length = rng.Below(24); length > 0; --length) {
        text += Alphabet()[rng.Below(static_cast<uint32_t>(Alphabet().size()))];
      }
      const Pieces pieces = Split(**fast, text);
      ASSERT_EQ(pieces, Split(**regex, text)) << known.name << ": " << testing::PrintToString(text);
      std::string joined;
      for (const std::string& piece : pieces) joined += piece;
      ASSERT_EQ(joined, text);
    }
  }
}

// The class that this machine's PCRE2, which may know an older Unicode, gives a character.
CharClass RegexClassOf(const std::string& character) {
  static const auto* regexes = [] {
    auto* made = new std::vector<std::unique_ptr<const PreTokenizer>>;
    for (const char* pattern : {R"(a\p{L})", R"(a\p{N})", R"(a\s)"}) {
      made->push_back(MakeRegexPreTokenizer({pattern}).value());
    }
    return made;
  }();
  for (size_t i = 0; i < regexes->size(); ++i) {
    if (Split(*(*regexes)[i], "a" + character + "b").size() == 2)
      return static_cast<CharClass>(i + 1);
  }
  return CharClass::kOther;
}

TEST(PreTokenizer, ScannersAgreeWithPcre2OnAllOfUnicode) {
  base::Rng rng(11);
  int newer = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    while (text.size() < 24) {
      const char32_t c = rng.Below(rng.Below(4) == 0 ? 0x110000u : 0x20000u);
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      std::string character;
      AppendUtf8(c, &character);
      if (RegexClassOf(character) != CharClassTable::Get().Of(c)) {
        ++newer;  // assigned after this PCRE2's Unicode version
        continue;
      }
      text += character;
      if (rng.Below(4) == 0) text += ' ';
    }
    for (const Named& known : kKnown) BothSplit(known, text);
  }
  EXPECT_LT(newer, 4000);
}

// What is quadratic would take minutes for each of these.
TEST(PreTokenizer, LongRunsAreLinear) {
  const size_t n = size_t{1} << 18;
  for (const std::string unit : {" ", "\n", "\t", "\u3000", "a", "\u65E5", "1", "!", "\r\n", " \n",
                                 "  a", "'", "'l", "\xFF", "\u0301", " a", "a1 !\n"}) {
    std::string text;
    while (text.size() < n) text += unit;
    for (const Named& known : kKnown) {
      BothSplit(known, text);
      BothSplit(known, text + "x");
    }
  }
}

TEST(PreTokenizer, SpacesBeginPieces) {
  EXPECT_EQ(Split(*MakeSpacePreTokenizer(), "a  b c "), (Pieces{"a", " ", " b", " c", " "}));
  EXPECT_EQ(Split(*MakeSpacePreTokenizer(), "  a"), (Pieces{" ", " a"}));
  EXPECT_EQ(Split(*MakeSpaceRunPreTokenizer(), "a  b c "), (Pieces{"a", "  b", " c", " "}));
  EXPECT_EQ(Split(*MakeSpaceRunPreTokenizer(), "   "), (Pieces{"   "}));
  EXPECT_EQ(Split(*MakeSpaceRunPreTokenizer(), ""), (Pieces{}));
}

TEST(PreTokenizer, NoPatternIsOnePiece) {
  EXPECT_EQ(Split(**MakePreTokenizer({}), "a b"), (Pieces{"a b"}));
  EXPECT_EQ(Split(**MakePreTokenizer({}), ""), (Pieces{}));
}

TEST(PreTokenizer, GapsAndEmptyMatchesCut) {
  EXPECT_EQ(Split(**MakePreTokenizer({"b+"}), "abbcb"), (Pieces{"a", "bb", "c", "b"}));
  EXPECT_EQ(Split(**MakePreTokenizer({"(?=[A-Z])"}), "anEventHandler\u00C9"),
            (Pieces{"an", "Event", "Handler\u00C9"}));
  EXPECT_EQ(Split(**MakePreTokenizer({"^"}), "a\nb"), (Pieces{"a\n", "b"}));
}

TEST(PreTokenizer, RefusesWhatItCannotRunFaithfully) {
  for (const char* pattern :
       {R"(\bx)", R"([a&&b])", R"([a[bc]])", R"([^\S])", R"((*NO_JIT)a)", R"(\h)", R"(a\Kb)"}) {
    const auto made = MakePreTokenizer({pattern});
    EXPECT_EQ(made.status().code(), absl::StatusCode::kUnimplemented) << pattern;
  }
  EXPECT_NE(std::string(MakePreTokenizer({"a(b"}).status().message()).find("a(b"),
            std::string::npos);
  EXPECT_EQ(MakePreTokenizer({"a(b"}).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(MakePreTokenizer({"\xFF"}).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(MakePreTokenizer({std::string(100000, 'a')}).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(MakePreTokenizer(std::vector<std::string>(17, "a")).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(PreTokenizer, ExponentialPatternIsStopped) {
  const auto pre = MakePreTokenizer({"(a+)+$"});
  ASSERT_TRUE(pre.ok());
  const absl::Status status = (*pre)->Split(std::string(64, 'a') + "b", [](std::string_view) {});
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

TEST(Pcre2Pattern, RewritesClassesThatDiffer) {
  EXPECT_EQ(*ToPcre2Pattern(R"(\s[^\s\p{L}]\S)"),
            R"([\t-\r\x{85}\p{Z}][^\t-\r\x{85}\p{Z}\p{L}][^\t-\r\x{85}\p{Z}])");
  EXPECT_EQ(*ToPcre2Pattern(R"(\\s[]a\]])"), R"(\\s[]a\]])");
}

}  // namespace
}  // namespace cria::text
