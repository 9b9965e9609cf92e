// Embedders of text models; those of encoders are tested in tests/parity.
#include "engine/embedding.h"

#include "engine/engine_testing.h"

namespace cria::engine {
namespace {

using Ids = std::vector<text::TokenId>;

class EmbeddingTest : public testing::Test {
 protected:
  base::ThreadPool pool_{2, /*pin=*/false};
  std::shared_ptr<const LoadedModel> model_ = LoadStories(pool_);
  std::shared_ptr<const TextEmbedder> embedder_ = EmbedderOf(model_);
};

TEST_F(EmbeddingTest, OpenedOrSharedItIsTheSame) {
  const auto opened = OpenEmbedder(OpenStories(), {}, pool_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->dimension(), model_->config().hidden);
  EXPECT_EQ((*opened)->max_tokens(), model_->config().max_context);
  const auto ids = embedder_->Prepare(std::string("a small dog"), TooLong::kRefuse);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(ids->front(), model_->tokenizer()->bos());
  const auto a = (*opened)->Embed({&*ids, 1}, pool_), b = embedder_->Embed({&*ids, 1}, pool_);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(*a, *b);
}

TEST_F(EmbeddingTest, ABatchIsItsTextsOneByOne) {
  std::vector<Ids> inputs;
  for (int length = 1; length < 60; ++length) {  // more than one step
    Ids& ids = inputs.emplace_back();
    for (int i = 0; i < length; ++i) ids.push_back(3 + (length * 31 + i * 7) % 400);
  }
  const auto together = embedder_->Embed(inputs, pool_);
  ASSERT_TRUE(together.ok()) << together.status();
  ASSERT_EQ(together->size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    EXPECT_EQ((*together)[i], *Embed(*model_, inputs[i], pool_)) << i;
}

TEST_F(EmbeddingTest, LongTexts) {
  const auto limit = static_cast<size_t>(embedder_->max_tokens());
  std::string text = "cat";
  for (size_t i = 0; i < limit; ++i) text += " dog";
  const Ids one = *embedder_->Prepare(std::string("cat"), TooLong::kRefuse);
  EXPECT_EQ(embedder_->Prepare(text, TooLong::kRefuse).status().code(),
            absl::StatusCode::kResourceExhausted);
  const Ids begin = *embedder_->Prepare(text, TooLong::kCutEnd);
  const Ids end = *embedder_->Prepare(text, TooLong::kCutStart);
  EXPECT_EQ(begin.size(), limit);
  EXPECT_EQ(end.size(), limit);
  EXPECT_EQ(begin.front(), one.front());  // BOS
  EXPECT_EQ(end.front(), one.front());
  EXPECT_EQ(begin[1], one[1]);
  EXPECT_NE(end[1], one[1]);
  EXPECT_TRUE(embedder_->Embed({&begin, 1}, pool_).ok());
}

}  // namespace
}  // namespace cria::engine
