#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/grammar_testing.h"

namespace cria::text {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Grammar> Gbnf(std::string_view source) {
  auto grammar = GrammarFromGbnf(source);
  EXPECT_TRUE(grammar.ok()) << grammar.status();
  return grammar.ok() ? *grammar : nullptr;
}

struct Case {
  const char* grammar;
  std::vector<std::string> in, out;
};

TEST(GbnfTest, Language) {
  const Case cases[] = {
      {"root ::= \"yes\" | \"no\"", {"yes", "no"}, {"", "ye", "yesno", "nope"}},
      {"root ::= \"\"", {""}, {"a"}},
      {"root ::= \"a\"? \"b\"* \"c\"+", {"c", "acc", "abbbc", "bc"}, {"", "a", "ab", "aac"}},
      {"root ::= [a-c]{2} \"-\" [^a-c]{1,2}",
       {"ab-x", "cc-\xE2\x82\xAC!"},
       {"a-x", "ab-", "ab-xyz", "ab-a"}},
      {"root ::= \"x\"{2,} | \"y\"{,2} | \"z\"{0}",
       {"xx", "xxxxx", "", "y", "yy"},
       {"x", "yyy", "z"}},
      {"root ::= .",
       {"a", "\n", "\xC3\xA9", "\xF0\x9F\x98\x80"},
       {"", "ab", "\xC3", "\xFF", "\xED\xA0\x80"}},
      {"root ::= \"\\x41\\u00e9\\U0001F600\\n\\\"\"", {"A\xC3\xA9\xF0\x9F\x98\x80\n\""}, {"A"}},
      {"root ::= [\\]\\\\^-]+", {"]\\^-"}, {"a", "["}},
      {"# start\nroot ::= a # tail\n  | b\n\na ::= (\n \"1\" # one\n |\n \"2\" )\nb::=\n\"3\"",
       {"1", "2", "3"},
       {"4", ""}},
      {"root ::= \"(\" root \")\" root | \"\"", {"", "()", "(())()"}, {")", "(", "(()"}},
      {"root ::= e\ne ::= t (\"+\" t)*\nt ::= [0-9]+ | \"(\" e \")\"",
       {"1", "(1+2)+33", "((7))"},
       {"1+", "()", "(1"}},
      {"root ::= a \"!\"\na ::= b c\nb ::= \"x\"?\nc ::= \"y\"*",
       {"!", "x!", "yy!", "xy!"},
       {"xx!", ""}},
      {"root ::= (\"a\" | \"ab\") (\"c\" | \"bc\")", {"ac", "abc", "abbc"}, {"a", "ab", "abcc"}},
      {"root ::= [a-z]{1,100}", {"a", std::string(100, 'q')}, {"", std::string(101, 'q'), "aB"}},
      {"root ::= ([a-z]{3,90} \";\"){2,80}", {"abc;def;"}, {"abc;", "ab;abc;", "abc;abc"}},
      {"root ::= w{70,80}\nw ::= (\"a\" w \"b\")?", {"", "ab", "aabbab"}, {"a", "ba"}},
      {"root ::= \"q\" [\\x80-\\u00ff\\u20ac]",
       {"q\xC2\x80", "q\xC3\xBF", "q\xE2\x82\xAC"},
       {"q\xC4\x80", "q\x80"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.grammar);
    const auto grammar = Gbnf(c.grammar);
    if (grammar == nullptr) continue;
    for (const std::string& text : c.in) {
      EXPECT_TRUE(Matches(grammar, text)) << text;
      for (size_t n = 0; n < text.size(); ++n)
        EXPECT_TRUE(Begins(grammar, text.substr(0, n))) << text << n;
    }
    for (const std::string& text : c.out) EXPECT_FALSE(Matches(grammar, text)) << text;
  }
}

TEST(GbnfTest, ErrorsSayWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"root ::= \"a\" undefined-rule", "line 1, column 14: rule 'undefined-rule' is not defined"},
      {"start ::= \"a\"", "'root'"},
      {"", "'root'"},
      {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: rule 'root' is defined twice"},
      {"root ::= \"abc", "column 14: expected '\"', found the end"},
      {"root = \"abc\"", "expected '::='"},
      {"root ::= [a-", "found the end"},
      {"root ::= [z-a]", "column 11: the range ends before it begins"},
      {"root ::= (\"a\"", "expected ')', found the end"},
      {"root ::= \"a\")", "found ')'"},
      {"root ::= \"\\q\"", "column 11: unknown escape"},
      {"root ::= \"\\ud800\"", "not a Unicode character"},
      {"root ::= \"\\xg0\"", "hexadecimal"},
      {"root ::= \"a\"{3,2}", "must not be larger"},
      {"root ::= \"a\"{}", "expected a number"},
      {"root ::= \"a\"{99999999999}", "counts may be at most"},
      {"root ::= \"a\"\n\n  | $", "line 3, column 5"},
      {"root ::= \"\xFF\"", "not UTF-8"},
      {"root ::= a \"x\"\na ::= b \"y\" | \"z\"\nb ::= a", "left-recursive"},
      {"root ::= e\ne ::= ws e \"+\" | \"1\"\nws ::= \" \"*", "'e' is left-recursive"},
      {"root ::= \"x\" root", "no finite text matches rule 'root'"},
      {"root ::= e\ne ::= [a-z]{0,900} e | \"1\"", "'e' is left-recursive"},
  };
  for (const auto& [source, message] : cases) {
    const auto grammar = GrammarFromGbnf(source);
    ASSERT_FALSE(grammar.ok()) << source;
    EXPECT_EQ(grammar.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(grammar.status().message()), HasSubstr(message)) << source;
  }
}

TEST(GbnfTest, HostileSizesAreRefused) {
  std::string nested = "root ::= ";
  for (int i = 0; i < 100000; ++i) nested += "(";
  EXPECT_THAT(std::string(GrammarFromGbnf(nested).status().message()), HasSubstr("nested deeper"));
  std::string stars = "root ::= \"a\"";
  for (int i = 0; i < 100000; ++i) stars += "*";
  EXPECT_EQ(GrammarFromGbnf(stars).status().code(), absl::StatusCode::kResourceExhausted);
  std::string tower = "root ::= ";
  for (int i = 0; i < 20; ++i) tower += "(";
  tower += "[a-c]";
  for (int i = 0; i < 20; ++i) tower += "){60}";
  GrammarFromGbnf(tower).IgnoreError();  // whatever it says, it must say it soon
  // The subset construction of this one has 2^40 states.
  const auto blowup = GrammarFromGbnf("root ::= [ab]* \"a\" [ab]{40} \"c\"");
  ASSERT_TRUE(blowup.ok()) << blowup.status();
  EXPECT_TRUE(Matches(*blowup, "bba" + std::string(40, 'b') + "c"));
  EXPECT_FALSE(Matches(*blowup, "bbb" + std::string(40, 'b') + "c"));
}

}  // namespace
}  // namespace cria::text
