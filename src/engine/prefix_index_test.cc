#include "engine/prefix_index.h"

#include <gtest/gtest.h>

#include <numeric>

namespace cria::engine {
namespace {

using text::TokenId;
using Key = PrefixIndex::Key;

constexpr int64_t kPage = model::KvLayout::kPageTokens;

checkpoint::ModelConfig SmallConfig() {
  checkpoint::ModelConfig config;
  config.head_dim = 8;
  config.layers = {{.num_heads = 1, .num_kv_heads = 1}};
  return config;
}

class PrefixIndexTest : public testing::Test {
 protected:
  // `pages` whole pages of tokens: first, first + 1, ...
  static std::vector<TokenId> Tokens(int64_t pages, TokenId first = 0) {
    std::vector<TokenId> tokens(static_cast<size_t>(pages * kPage));
    std::iota(tokens.begin(), tokens.end(), first);
    return tokens;
  }
  static std::vector<Key> Keys(std::span<const TokenId> tokens) {
    std::vector<Key> keys;
    PrefixIndex::ExtendKeys(tokens, &keys);
    return keys;
  }
  void Insert(const std::vector<TokenId>& tokens, int64_t page) {
    index_.Insert(tokens, Keys(tokens), page, model::KvPage::Allocate(layout_));
  }
  size_t Found(const std::vector<TokenId>& tokens) {
    const std::vector<Key> keys = Keys(tokens);
    return index_.Find(tokens, keys, 0, static_cast<int64_t>(keys.size())).size();
  }

  model::KvLayout layout_{SmallConfig(), kernels::KvType::kBf16};
  PrefixIndex index_;
};

TEST_F(PrefixIndexTest, KeysAreOfWholePagesAndOfAllThatCameBefore) {
  const std::vector<TokenId> tokens = Tokens(3);
  const std::vector<Key> keys = Keys(tokens);
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(Keys(std::span(tokens).first(tokens.size() - 1)).size(), 2u);
  std::vector<Key> extended(keys.begin(), keys.begin() + 1);
  PrefixIndex::ExtendKeys(tokens, &extended);
  EXPECT_EQ(extended, keys);

  std::vector<TokenId> other = tokens;
  other[0] = 99;
  EXPECT_NE(Keys(other)[2], keys[2]);  // though the third page holds the same tokens
}

TEST_F(PrefixIndexTest, FindsTheCommonBeginning) {
  const std::vector<TokenId> tokens = Tokens(3);
  for (const int64_t page : {0, 1, 2}) Insert(tokens, page);
  std::vector<TokenId> other = tokens;
  other[static_cast<size_t>(2 * kPage)] = 99;
  EXPECT_EQ(Found(tokens), 3u);
  EXPECT_EQ(Found(other), 2u);
  EXPECT_EQ(Found(Tokens(2, 7)), 0u);
  EXPECT_EQ(index_.Find(tokens, Keys(tokens), 1, 2).size(), 1u);
}

TEST_F(PrefixIndexTest, APageNeedsTheOneBeforeIt) {
  const std::vector<TokenId> tokens = Tokens(2);
  Insert(tokens, 1);
  EXPECT_EQ(index_.pages(), 0u);
  Insert(tokens, 0);
  Insert(tokens, 0);
  EXPECT_EQ(index_.pages(), 1u);
}

// A key is a hash: tokens that share one without being the same are told apart.
TEST_F(PrefixIndexTest, EqualKeysOfOtherTokensAreNotBelieved) {
  const std::vector<TokenId> tokens = Tokens(1), other = Tokens(1, 50);
  Insert(tokens, 0);
  EXPECT_TRUE(index_.Find(other, Keys(tokens), 0, 1).empty());
}

TEST_F(PrefixIndexTest, EvictsLeavesTheLongestUnusedFirst) {
  const std::vector<TokenId> tokens = Tokens(2), other = Tokens(1, 500);
  Insert(tokens, 0);
  Insert(tokens, 1);
  Insert(other, 0);
  ASSERT_EQ(Found(tokens), 2u);  // used later than `other`
  ASSERT_TRUE(index_.Evict());
  EXPECT_EQ(Found(other), 0u);
  ASSERT_TRUE(index_.Evict());
  EXPECT_EQ(Found(tokens), 1u);  // its end went first
  ASSERT_TRUE(index_.Evict());
  EXPECT_FALSE(index_.Evict());
  EXPECT_EQ(layout_.live_bytes(), 0u);
}

TEST_F(PrefixIndexTest, PagesThatASequenceHoldsStay) {
  const std::vector<TokenId> tokens = Tokens(1);
  Insert(tokens, 0);
  auto held = index_.Find(tokens, Keys(tokens), 0, 1);
  EXPECT_FALSE(index_.Evict());
  held.clear();
  EXPECT_TRUE(index_.Evict());
}

}  // namespace
}  // namespace cria::engine
