#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>

namespace cria::model {
namespace {

constexpr int64_t kPage = KvLayout::kPageTokens;

checkpoint::ModelConfig TwoLayers() {
  checkpoint::ModelConfig config;
  config.head_dim = 16;
  config.layers = {{.num_heads = 4, .num_kv_heads = 2}, {.num_heads = 4, .num_kv_heads = 1}};
  return config;
}

class KvCacheTest : public testing::Test {
 protected:
  void Fill(KvCache& cache, int64_t tokens) {
    ASSERT_TRUE(cache.Reserve(tokens).ok());
    cache.Commit(tokens);
  }

  KvLayout layout_{TwoLayers(), kernels::KvType::kBf16};
};

TEST_F(KvCacheTest, BlocksOfAPageFollowEachOther) {
  const size_t block = layout_.block_bytes();
  EXPECT_EQ(block, 2u * 16 * static_cast<size_t>(kPage));
  EXPECT_EQ(layout_.KOffset(0, 0), 0u);
  EXPECT_EQ(layout_.VOffset(0, 0), block);
  EXPECT_EQ(layout_.KOffset(0, 1), 2 * block);
  EXPECT_EQ(layout_.KOffset(1, 0), 4 * block);
  EXPECT_EQ(layout_.page_bytes(), 6 * block);
  EXPECT_EQ(layout_.BytesFor(0), 0u);
  EXPECT_EQ(layout_.BytesFor(kPage), layout_.page_bytes());
  EXPECT_EQ(layout_.BytesFor(kPage + 1), 2 * layout_.page_bytes());
}

TEST_F(KvCacheTest, TakesPagesAsItGrowsAndGivesThemBack) {
  {
    KvCache cache(layout_, 100);
    Fill(cache, 1);
    EXPECT_EQ(cache.bytes(), layout_.page_bytes());
    Fill(cache, kPage);
    EXPECT_EQ(cache.length(), kPage + 1);
    EXPECT_EQ(layout_.live_bytes(), 2 * layout_.page_bytes());
    EXPECT_EQ(cache.pages()[1], cache.page_of(kPage));
    cache.Truncate(kPage);
    EXPECT_EQ(layout_.live_bytes(), layout_.page_bytes());
  }
  EXPECT_EQ(layout_.live_bytes(), 0u);
}

TEST_F(KvCacheTest, AFullContextIsAnErrorAndChangesNothing) {
  KvCache cache(layout_, 40);
  Fill(cache, 40);
  const absl::Status status = cache.Reserve(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(),
            "context is full: 41 tokens are needed, 40 fit; shorten the prompt or raise --context");
  EXPECT_EQ(cache.length(), 40);
  EXPECT_EQ(cache.bytes(), 2 * layout_.page_bytes());
}

TEST_F(KvCacheTest, PagesOfAnotherSequenceAreReadNotWritten) {
  KvCache first(layout_, 100), second(layout_, 100);
  Fill(first, kPage);
  std::memset(first.page_of(0), 7, layout_.page_bytes());
  const std::shared_ptr<KvPage> page = first.full_page(0);
  second.Adopt({&page, 1});
  EXPECT_EQ(second.length(), kPage);
  EXPECT_EQ(second.pages()[0], first.pages()[0]);
  EXPECT_EQ(layout_.live_bytes(), layout_.page_bytes());

  second.Truncate(kPage - 1);
  Fill(second, 1);
  ASSERT_NE(second.pages()[0], first.pages()[0]);
  EXPECT_EQ(std::memcmp(second.pages()[0], first.pages()[0], layout_.page_bytes()), 0);
  std::memset(second.page_of(kPage - 1), 9, layout_.page_bytes());
  EXPECT_EQ(first.pages()[0][0], 7);
}

TEST_F(KvCacheTest, AdoptedPagesReplaceWhatWasOnlyReserved) {
  KvCache first(layout_, 100), second(layout_, 100);
  Fill(first, 2 * kPage);
  ASSERT_TRUE(second.Reserve(5).ok());
  const std::vector<std::shared_ptr<KvPage>> pages = {first.full_page(0), first.full_page(1)};
  second.Adopt(pages);
  EXPECT_EQ(second.length(), 2 * kPage);
  EXPECT_EQ(second.bytes(), 2 * layout_.page_bytes());
  EXPECT_EQ(second.full_page(1), first.full_page(1));
}

TEST_F(KvCacheTest, PagesOutliveTheirCache) {
  std::shared_ptr<KvPage> page;
  {
    KvCache cache(layout_, 100);
    Fill(cache, kPage);
    page = cache.full_page(0);
  }
  EXPECT_EQ(layout_.live_bytes(), layout_.page_bytes());
  page.reset();
  EXPECT_EQ(layout_.live_bytes(), 0u);
}

}  // namespace
}  // namespace cria::model
