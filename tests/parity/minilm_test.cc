// A real encoder, all-MiniLM-L6-v2, against Hugging Face. Needs the model (91 MB): $CRIA_MINILM, or
// what tools/fetch_test_data.sh brings, or the model of the store.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "base/file.h"
#include "embedding_golden.h"
#include "hub/model_store.h"

namespace cria::parity {
namespace {

using engine::TooLong;
using Ids = std::vector<text::TokenId>;

// The model's path, or "" where there is none.
std::string FindMiniLm() {
  if (const char* path = std::getenv("CRIA_MINILM"); path != nullptr) return path;
  constexpr char kFetched[] = "build/test-data/all-minilm-l6-v2";
  if (base::DirectoryExists(kFetched)) return kFetched;
  const auto store = hub::ModelStore::FromEnvironment();
  if (!store.ok()) return "";
  const auto model = store->Resolve("all-minilm:l6-v2");
  return model.ok() ? model->path : "";
}

class MiniLmTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = FindMiniLm();
    if (path.empty()) {
      std::puts(
          "SKIPPED: all-MiniLM-L6-v2 (tools/fetch_test_data.sh brings it, CRIA_MINILM names it)");
      GTEST_SKIP() << "no all-MiniLM-L6-v2 here";
    }
    embedder_ = OpenEmbedder(path, pool_);
    ASSERT_NE(embedder_, nullptr);
  }

  base::ThreadPool pool_{base::UsableCores(), /*pin=*/false};
  std::shared_ptr<const engine::TextEmbedder> embedder_;
};

TEST_F(MiniLmTest, IdsAreTheReferences) {
  const std::vector<EmbeddingGolden> goldens = LoadEmbeddingLines("minilm_ids.jsonl");
  EXPECT_GT(goldens.size(), 15u);
  for (const EmbeddingGolden& golden : goldens) {
    const auto ids = embedder_->Prepare(golden.text, TooLong::kCutEnd);
    ASSERT_TRUE(ids.ok()) << ids.status();
    ASSERT_GE(ids->size(), 2u);
    Ids inner(ids->begin() + 1, ids->end() - 1);
    Ids expected = golden.ids;
    expected.resize(std::min<size_t>(expected.size(), 254));
    EXPECT_EQ(inner, expected) << golden.text;
  }
}

TEST_F(MiniLmTest, VectorsAreTheReferences) {
  EXPECT_EQ(embedder_->dimension(), 384);
  EXPECT_EQ(embedder_->max_tokens(), 256);
  ExpectVectors(*embedder_, LoadEmbeddingLines("minilm_vectors.jsonl"), pool_);
}

}  // namespace
}  // namespace cria::parity
