#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "text/grammar_testing.h"
#include "text/tokenizer_testing.h"

namespace cria::text {
namespace {

constexpr std::string_view kJson = R"(root ::= value
value ::= object | array | string | number | "true" | "null"
object ::= "{" ws (pair ("," ws pair)*)? "}"
pair ::= string ":" ws value
array ::= "[" ws (value ("," ws value)*)? "]"
string ::= "\"" char* "\""
char ::= [^"\\\x00-\x1f] | "\\" (["\\/bn] | "u" [0-9a-f]{4})
number ::= "-"? ("0" | [1-9] [0-9]{0,14})
ws ::= " "? | "\n" " "{0,20}
)";

std::shared_ptr<const Grammar> Gbnf(std::string_view source) {
  auto grammar = GrammarFromGbnf(source);
  EXPECT_TRUE(grammar.ok()) << grammar.status();
  return grammar.ok() ? *grammar : nullptr;
}

// Every bit of the mask against what Accept() says after the same history.
void ExpectMaskIsExact(const std::shared_ptr<const Grammar>& grammar,
                       const std::shared_ptr<const TokenTrie>& trie, GrammarMatcher* matcher,
                       const std::vector<TokenId>& history) {
  const std::vector<TokenId> allowed = AllowedTokens(matcher, *trie);
  const std::set<TokenId> set(allowed.begin(), allowed.end());
  auto probe = MakeGrammarMatcher(grammar, trie);
  for (const TokenId id : history) ASSERT_TRUE(probe->Accept(id));
  for (TokenId id = 0; id < trie->vocab_size(); ++id) {
    const bool accepted = probe->Accept(id);
    ASSERT_EQ(accepted, set.contains(id)) << "token " << id << " '" << trie->Bytes(id) << "'";
    if (!accepted) continue;
    probe = MakeGrammarMatcher(grammar, trie);
    for (const TokenId old : history) ASSERT_TRUE(probe->Accept(old));
  }
}

void WalkAndCheckMasks(std::string_view source, uint64_t seed) {
  SCOPED_TRACE(source);
  base::Rng rng(seed);
  const auto grammar = Gbnf(source);
  ASSERT_NE(grammar, nullptr);
  const auto trie = TokenTrie::FromTokens(RandomVocabulary(300, &rng));
  for (int walk = 0; walk < 4; ++walk) {
    auto matcher = MakeGrammarMatcher(grammar, trie);
    std::vector<TokenId> history;
    for (int step = 0; step < 12; ++step) {
      ExpectMaskIsExact(grammar, trie, matcher.get(), history);
      const std::vector<TokenId> allowed = AllowedTokens(matcher.get(), *trie);
      if (allowed.empty()) break;
      history.push_back(allowed[rng.Below(static_cast<uint32_t>(allowed.size()))]);
      ASSERT_TRUE(matcher->Accept(history.back()));
    }
    ASSERT_TRUE(matcher->status().ok());
  }
}

TEST(GrammarMatcherTest, MasksAgreeWithAccept) {
  WalkAndCheckMasks(kJson, 1);
  WalkAndCheckMasks("root ::= .{3,9} | \"\\\"\"+", 2);
  WalkAndCheckMasks("root ::= \"{\" [a-c:, ]{5,90} \"}\" ([^a]{0,70} \"a\"){2,60}", 3);
  WalkAndCheckMasks("root ::= (\"[\" [^\\]]{2,300} \"]\"){1,99}", 4);
  WalkAndCheckMasks("root ::= \"a\" root \"b\" | \"a\" root \"c\" | [1-9]{1,80}", 5);
  WalkAndCheckMasks("root ::= x \"b\" | y \"c\"\nx ::= \"a\" root\ny ::= \"a\" root | \"\xC3\xA9\"",
                    6);
  WalkAndCheckMasks("root ::= item{2,100}\nitem ::= \"[\" (item | [a-c]{1,80}) \"]\" | \"0\"", 7);
}

TEST(GrammarMatcherTest, CharactersMaySpanTokens) {
  const std::vector<std::string> tokens = {
      "\xF0", "\x9F\x98", "\x80!", "\x80", "\xF0\x9F\x98\x80\"", "\"", "a\xC3", "\xA9", ""};
  const auto trie = TokenTrie::FromTokens(tokens);
  const auto matcher = MakeGrammarMatcher(Gbnf("root ::= \"\\\"\" [^\"]* \"\\\"\""), trie);
  EXPECT_EQ(AllowedTokens(matcher.get(), *trie), (std::vector<TokenId>{5}));
  ASSERT_TRUE(matcher->Accept(5));
  EXPECT_EQ(AllowedTokens(matcher.get(), *trie), (std::vector<TokenId>{0, 4, 5, 6}));
  ASSERT_TRUE(matcher->Accept(0));  // after F0 come 90 to BF
  EXPECT_EQ(AllowedTokens(matcher.get(), *trie), (std::vector<TokenId>{1, 7}));
  EXPECT_FALSE(matcher->Accept(5));
  ASSERT_TRUE(matcher->Accept(1));
  EXPECT_EQ(AllowedTokens(matcher.get(), *trie), (std::vector<TokenId>{2, 3, 7}));
  ASSERT_TRUE(matcher->Accept(2));
  ASSERT_TRUE(matcher->Accept(4));
  EXPECT_TRUE(matcher->CanEnd());
  EXPECT_TRUE(AllowedTokens(matcher.get(), *trie).empty());
}

TEST(GrammarMatcherTest, AcceptRefusesWithoutMoving) {
  const auto trie = ByteTrie();
  const auto matcher = MakeGrammarMatcher(Gbnf("root ::= \"ab\""), trie);
  EXPECT_FALSE(matcher->Accept('b'));
  EXPECT_FALSE(matcher->Accept(-1));
  EXPECT_FALSE(matcher->Accept(256));
  EXPECT_TRUE(matcher->Accept('a'));
  EXPECT_FALSE(matcher->CanEnd());
  EXPECT_FALSE(matcher->Accept('a'));
  EXPECT_TRUE(matcher->Accept('b'));
  EXPECT_TRUE(matcher->CanEnd());
  EXPECT_FALSE(matcher->Accept('b'));
}

TEST(GrammarMatcherTest, MasksMayBeLongerThanTheVocabulary) {
  const auto trie = ByteTrie();
  const auto matcher = MakeGrammarMatcher(Gbnf("root ::= \"a\""), trie);
  std::vector<uint64_t> mask(9, ~uint64_t{0});
  matcher->FillMask(mask);
  EXPECT_EQ(mask[1], uint64_t{1} << ('a' - 64));
  for (const size_t word : {0, 2, 3, 4, 8}) EXPECT_EQ(mask[word], 0u) << word;
}

// Added tokens often lie beyond the rows of the model's embedding.
TEST(GrammarMatcherTest, MasksMayBeShorterThanTheVocabulary) {
  std::vector<std::string> tokens(128, "a");
  tokens.push_back("ab");
  const auto grammar = Gbnf("root ::= \"a\" \"b\" | \"ab\"");
  const auto matcher = MakeGrammarMatcher(grammar, TokenTrie::FromTokens(tokens));
  std::vector<uint64_t> mask(2, 0x55);
  matcher->FillMask(mask);
  EXPECT_EQ(mask, std::vector<uint64_t>(2, ~uint64_t{0}));
  mask.resize(1);
  matcher->FillMask(mask);  // a remembered mask
  EXPECT_EQ(mask[0], ~uint64_t{0});
  matcher->FillMask({});
  ASSERT_TRUE(matcher->Accept(127));
  mask.assign(2, 0x55);
  matcher->FillMask(mask);
  EXPECT_EQ(mask, std::vector<uint64_t>(2, 0));
  EXPECT_TRUE(matcher->status().ok());
}

TEST(GrammarMatcherTest, TheTrieKeepsToTheTokensOfTheModel) {
  const auto made = TokenizerFromTiktoken(TiktokenFile({"ab", "cd"}));
  ASSERT_TRUE(made.ok()) << made.status();
  const Tokenizer* tokenizer = made->get();
  EXPECT_EQ(BuildTokenTrie(*tokenizer)->vocab_size(), tokenizer->vocab_size());
  const auto trie = BuildTokenTrie(*tokenizer, 257);
  EXPECT_EQ(trie->vocab_size(), 257);
  EXPECT_EQ(trie->Bytes(256), "ab");
  const auto matcher = MakeGrammarMatcher(Gbnf("root ::= \"cd\""), trie);
  EXPECT_FALSE(matcher->Accept(257));
  EXPECT_EQ(AllowedTokens(matcher.get(), *trie), std::vector<TokenId>{'c'});
  EXPECT_EQ(BuildTokenTrie(*tokenizer, -1)->vocab_size(), 0);
}

TEST(GrammarMatcherTest, DepthIsBounded) {
  const auto trie = ByteTrie();
  const auto matcher = MakeGrammarMatcher(Gbnf("root ::= \"(\" root \")\" | \"x\""), trie);
  int depth = 0;
  while (matcher->Accept('(')) ASSERT_LT(++depth, 100000);
  EXPECT_GT(depth, 900);
  EXPECT_EQ(AllowedTokens(matcher.get(), *trie), (std::vector<TokenId>{'x'}));
  ASSERT_TRUE(matcher->Accept('x'));
  for (; depth > 0; --depth) ASSERT_TRUE(matcher->Accept(')'));
  EXPECT_TRUE(matcher->CanEnd());
}

TEST(GrammarMatcherTest, AmbiguityIsBoundedAndReported) {
  const auto matcher = MakeGrammarMatcher(
      Gbnf("root ::= x \"b\" | y \"c\" | \"d\"\nx ::= \"a\" root\ny ::= \"a\" root"), ByteTrie());
  for (int i = 0; i < 40; ++i) (void)matcher->Accept('a');
  EXPECT_EQ(matcher->status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(matcher->Accept(0xFF));
  EXPECT_FALSE(matcher->status().ok());  // for good
}

// Long texts make many configurations, so that the tables are made anew on the way.
TEST(GrammarMatcherTest, LongTextsStayBounded) {
  const auto trie = ByteTrie();
  const auto matcher = MakeGrammarMatcher(Gbnf("root ::= \"<\" [a-z]{10,60000} \">\" [0-9]"), trie);
  ASSERT_TRUE(matcher->Accept('<'));
  for (int i = 0; i < 60000; ++i) {
    ASSERT_TRUE(matcher->Accept('a' + i % 26)) << i;
    if (i % 1000 == 0) {
      EXPECT_EQ(AllowedTokens(matcher.get(), *trie).size(), i < 9 ? 26u : 27u) << i;
    }
  }
  EXPECT_EQ(AllowedTokens(matcher.get(), *trie), (std::vector<TokenId>{'>'}));
  EXPECT_TRUE(matcher->Accept('>'));
  EXPECT_TRUE(matcher->Accept('7'));
  EXPECT_TRUE(matcher->CanEnd());
  EXPECT_TRUE(matcher->status().ok());
}

// A random grammar twice: as GBNF, and as a tree that a naive matcher walks with sets of positions.
class Oracle {
 public:
  explicit Oracle(base::Rng* rng) : rng_(*rng) {
    for (int rule = 0; rule < kRules; ++rule) rules_.push_back(Make(3));
  }

  std::string Source() const {
    std::string source = "root ::= r0\n";
    for (int rule = 0; rule < kRules; ++rule)
      absl::StrAppend(&source, "r", rule, " ::= ", Spell(rules_[static_cast<size_t>(rule)]), "\n");
    return source;
  }

  bool Matches(const std::string& text) {
    text_ = text;
    memo_.clear();
    return Ends(rules_[0], 0).contains(text.size());
  }

 private:
  static constexpr int kRules = 3;
  struct Node {
    int kind = 0;  // 0 byte, 1 sequence, 2 choice, 3 repetition, 4 "x" and a rule
    char byte = 0;
    uint32_t min = 0, max = 0;
    int rule = 0;
    std::vector<int> children;
  };

  int Make(int depth) {
    Node node;
    node.kind = depth == 0 ? 0 : static_cast<int>(rng_.Below(5));
    node.byte = static_cast<char>('a' + rng_.Below(3));
    node.rule = static_cast<int>(rng_.Below(kRules));
    node.min = rng_.Below(3);
    node.max = rng_.Below(3) == 0 ? 9999 : node.min + rng_.Below(3);
    if (node.kind >= 1 && node.kind <= 3)
      for (uint32_t n = node.kind == 3 ? 1 : 1 + rng_.Below(3); n > 0; --n)
        node.children.push_back(Make(depth - 1));
    nodes_.push_back(node);
    return static_cast<int>(nodes_.size()) - 1;
  }

  std::string Spell(int id) const {
    const Node& node = nodes_[static_cast<size_t>(id)];
    if (node.kind == 0) return std::string("\"") + node.byte + "\"";
    if (node.kind == 4) return "(\"x\" r" + std::to_string(node.rule) + ")?";
    std::string text = "(";
    for (const int child : node.children)
      text += (text.size() > 1 ? (node.kind == 2 ? " | " : " ") : "") + Spell(child);
    text += ")";
    if (node.kind != 3) return text;
    return text + "{" + std::to_string(node.min) + "," +
           (node.max == 9999 ? "" : std::to_string(node.max)) + "}";
  }

  const std::set<size_t>& Ends(int id, size_t begin) {
    const auto [it, added] = memo_.try_emplace({id, begin});
    if (!added) return it->second;
    const Node& node = nodes_[static_cast<size_t>(id)];
    std::set<size_t> ends;
    if (node.kind == 0 && begin < text_.size() && text_[begin] == node.byte) ends.insert(begin + 1);
    if (node.kind == 1) ends = {begin};
    for (const int child : node.children) {
      if (node.kind == 1) ends = After(child, ends);
      if (node.kind == 2) ends.merge(std::set<size_t>(Ends(child, begin)));
    }
    if (node.kind == 3) {
      std::set<size_t> now = {begin};
      for (uint32_t times = 0; times <= node.max && !now.empty(); ++times) {
        const size_t known = ends.size();
        if (times >= node.min) ends.insert(now.begin(), now.end());
        if (times > node.min + 1 && ends.size() == known) break;
        now = After(node.children[0], now);
      }
    }
    if (node.kind == 4) {
      ends = {begin};
      if (begin < text_.size() && text_[begin] == 'x')
        ends.merge(std::set<size_t>(Ends(rules_[static_cast<size_t>(node.rule)], begin + 1)));
    }
    return memo_[{id, begin}] = ends;
  }

  std::set<size_t> After(int child, const std::set<size_t>& begins) {
    std::set<size_t> ends;
    for (const size_t begin : begins) ends.merge(std::set<size_t>(Ends(child, begin)));
    return ends;
  }

  base::Rng& rng_;
  std::vector<Node> nodes_;
  std::vector<int> rules_;
  std::string text_;
  std::map<std::pair<int, size_t>, std::set<size_t>> memo_;
};

TEST(GrammarMatcherTest, RandomGrammarsAgreeWithANaiveMatcher) {
  base::Rng rng(11);
  const auto trie = ByteTrie();
  int matched = 0;
  for (int round = 0; round < 300; ++round) {
    Oracle oracle(&rng);
    const auto grammar = Gbnf(oracle.Source());
    ASSERT_NE(grammar, nullptr) << oracle.Source();
    for (int i = 0; i < 20; ++i) {
      // Half random bytes, half walks along the grammar.
      auto matcher = MakeGrammarMatcher(grammar, trie);
      std::string text;
      bool inside = true;
      for (uint32_t n = rng.Below(9); n > 0; --n) {
        const std::vector<TokenId> allowed = AllowedTokens(matcher.get(), *trie);
        const bool follow = i % 2 == 0 && !allowed.empty();
        const char byte =
            follow ? static_cast<char>(allowed[rng.Below(static_cast<uint32_t>(allowed.size()))])
                   : "abcx"[rng.Below(4)];
        text += byte;
        inside = inside && matcher->Accept(static_cast<uint8_t>(byte));
      }
      const bool expected = oracle.Matches(text);
      matched += expected;
      ASSERT_EQ(inside && matcher->CanEnd(), expected) << oracle.Source() << "text: " << text;
    }
  }
  EXPECT_GT(matched, 500);
}

// A mask has a token's bit exactly if Accept takes the token. Checked by accepting every token on a
// matcher that has come the same way.
TEST(GrammarMatcherTest, MasksAreWhatAcceptTakes) {
  constexpr std::string_view kGrammars[] = {
      R"gbnf(root ::= "[" (item ("," item)*)? "]"
item ::= root | [0-9]{1,3} | "\"" [^"]{0,4} "\"")gbnf",
      "root ::= \"{\" pair{2,5} \"}\"\npair ::= [a-c]+ \": \" (\"true\" | \"null\" | root) \", \"?",
      "root ::= (\"a\" root \"b\" | \"ab\")",
      "root ::= [^a]{3} ([\\u0080-\\uFFFF] | \"name\" | \" \")*",
      R"gbnf(root ::= "\"" char+ "\": " "\"" char{2,5} "\"" ([^ ]{1,3} "true")?
char ::= [^"\\\x00-\x1F] | "\\" ["u])gbnf",
      "root ::= [a-z0-9]{1,4} ([a-z]* \"\\n\" | [a-zA-Z]+ [^a-y]*)",
  };
  base::Rng rng(5);
  for (const std::string_view source : kGrammars) {
    const auto grammar = Gbnf(std::string(source));
    ASSERT_NE(grammar, nullptr) << source;
    for (int round = 0; round < 12; ++round) {
      const auto trie = TokenTrie::FromTokens(RandomVocabulary(120, &rng));
      const auto matcher = MakeGrammarMatcher(grammar, trie);
      std::vector<TokenId> accepted;
      for (int step = 0; step < 8; ++step) {
        const std::vector<TokenId> allowed = AllowedTokens(matcher.get(), *trie);
        std::vector<TokenId> taken;
        for (TokenId id = 0; id < trie->vocab_size(); ++id) {
          const auto again = MakeGrammarMatcher(grammar, trie);
          for (const TokenId before : accepted) ASSERT_TRUE(again->Accept(before));
          if (again->Accept(id)) taken.push_back(id);
        }
        ASSERT_EQ(allowed, taken) << source;
        if (allowed.empty()) break;
        accepted.push_back(allowed[rng.Below(static_cast<uint32_t>(allowed.size()))]);
        ASSERT_TRUE(matcher->Accept(accepted.back()));
      }
    }
  }
}

}  // namespace
}  // namespace cria::text
