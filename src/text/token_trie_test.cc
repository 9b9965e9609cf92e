#include "text/token_trie.h"

#include <gtest/gtest.h>

#include <set>

#include "text/grammar_testing.h"

namespace cria::text {
namespace {

bool InMask(const std::vector<uint64_t>& mask, TokenId id) {
  return (mask[static_cast<size_t>(id) / 64] >> (id % 64) & 1) != 0;
}

TokenTrie::CharSet SetOf(std::string_view ascii, bool others) {
  TokenTrie::CharSet set;
  set.others = others;
  for (const char c : ascii) set.ascii[c / 64] |= uint64_t{1} << (c % 64);
  return set;
}

TEST(TokenTrieTest, PartitionTellsTokensOfASetFromOthers) {
  const std::vector<std::string> tokens = {"ab",
                                           "abc",
                                           "a\"",
                                           "\xC3\xA9",
                                           "a\xC3",
                                           "\xA9",
                                           "",
                                           "b\xC3",
                                           "ab\xC3\xA9\x62",
                                           "\xC3"
                                           "a"};
  const auto trie = TokenTrie::FromTokens(tokens);
  const auto all = trie->PartitionBy(SetOf("ab", true));
  const std::vector<bool> inside = {true,  false, false, true, true,
                                    false, false, true,  true, false};
  for (TokenId id = 0; id < trie->vocab_size(); ++id)
    EXPECT_EQ(InMask(all->inside, id), inside[static_cast<size_t>(id)]) << id;
  const auto ascii = trie->PartitionBy(SetOf("ab", false));
  for (TokenId id = 0; id < trie->vocab_size(); ++id)
    EXPECT_EQ(InMask(ascii->inside, id), id == 0) << id;
}

TEST(TokenTrieTest, PartitionListsThePathsToTheOthers) {
  base::Rng rng(3);
  const auto trie = TokenTrie::FromTokens(RandomVocabulary(400, &rng));
  const auto partition = trie->PartitionBy(SetOf("abcname trul01", true));
  std::set<std::string> expected, listed;
  for (TokenId id = 0; id < trie->vocab_size(); ++id)
    for (size_t n = 1; !InMask(partition->inside, id) && n <= trie->Bytes(id).size(); ++n)
      expected.emplace(trie->Bytes(id).substr(0, n));
  for (const uint32_t node : partition->outside) listed.emplace(trie->PathTo(node));
  EXPECT_EQ(listed, expected);
  EXPECT_TRUE(std::is_sorted(partition->outside.begin(), partition->outside.end()));
}

TEST(TokenTrieTest, PartitionsAreKept) {
  const auto trie = TokenTrie::FromTokens(std::vector<std::string>{"a", "b"});
  const auto a = trie->PartitionBy(SetOf("a", true));
  EXPECT_EQ(trie->PartitionBy(SetOf("a", true)), a);
  EXPECT_NE(trie->PartitionBy(SetOf("a", false)), a);
}

}  // namespace
}  // namespace cria::text
