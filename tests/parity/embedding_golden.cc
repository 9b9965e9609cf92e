#include "embedding_golden.h"

#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "base/file.h"

namespace cria::parity {
namespace {

using engine::TooLong;
using Ids = std::vector<text::TokenId>;
using Vector = std::vector<float>;

constexpr double kTolerance = 1e-5;  // of each number; float32 of two programs

EmbeddingGolden GoldenOf(const base::json::object& fields) {
  EmbeddingGolden golden;
  golden.text = fields.at("text").as_string();
  if (fields.contains("ids")) golden.ids = Integers(fields.at("ids").as_array());
  if (fields.contains("vector")) golden.vector = Numbers(fields.at("vector").as_array());
  return golden;
}

void ExpectVector(const Vector& ours, const std::vector<double>& golden, const std::string& text) {
  ASSERT_EQ(ours.size(), golden.size()) << text;
  for (size_t i = 0; i < ours.size(); ++i)
    ASSERT_NEAR(static_cast<double>(ours[i]), golden[i], kTolerance) << text << " [" << i << "]";
}

}  // namespace

std::vector<TinyEncoder> LoadTinyEncoders() {
  const auto index = LoadObject(absl::StrCat(kEmbeddingFolder, "/index.json"));
  EXPECT_TRUE(index.ok()) << index.status();
  std::vector<TinyEncoder> models;
  if (!index.ok()) return models;
  for (const base::json::value& value : index->at("models").as_array()) {
    const base::json::object& entry = value.as_object();
    TinyEncoder& model = models.emplace_back();
    model.path = absl::StrCat(kEmbeddingFolder, "/", std::string(entry.at("name").as_string()));
    model.dimension = entry.at("dimension").as_int64();
    model.max_tokens = entry.at("max_tokens").as_int64();
    for (const base::json::value& text : entry.at("texts").as_array())
      model.texts.push_back(GoldenOf(text.as_object()));
  }
  return models;
}

std::vector<EmbeddingGolden> LoadEmbeddingLines(const std::string& name) {
  const auto file = base::ReadFile(absl::StrCat(kEmbeddingFolder, "/", name), size_t{1} << 24);
  EXPECT_TRUE(file.ok()) << file.status();
  std::vector<EmbeddingGolden> goldens;
  for (const absl::string_view line : absl::StrSplit(*file, '\n', absl::SkipEmpty())) {
    const auto value = base::ParseJson({line.data(), line.size()}, name);
    EXPECT_TRUE(value.ok()) << value.status();
    goldens.push_back(GoldenOf(value->as_object()));
  }
  return goldens;
}

std::shared_ptr<const engine::TextEmbedder> OpenEmbedder(const std::string& path,
                                                         base::ThreadPool& pool,
                                                         const kernels::Kernels* kernels) {
  auto checkpoint = checkpoint::Checkpoint::Open(path);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  if (!checkpoint.ok()) return nullptr;
  model::ModelOptions options;
  options.kernels = kernels;
  auto embedder = engine::OpenEmbedder(*std::move(checkpoint), options, pool);
  EXPECT_TRUE(embedder.ok()) << embedder.status();
  return embedder.ok() ? *std::move(embedder) : nullptr;
}

void ExpectVectors(const engine::TextEmbedder& embedder,
                   const std::vector<EmbeddingGolden>& goldens, base::ThreadPool& pool) {
  std::vector<Ids> inputs;
  for (const EmbeddingGolden& golden : goldens) {
    auto ids = embedder.Prepare(golden.text, TooLong::kCutEnd);
    ASSERT_TRUE(ids.ok()) << ids.status();
    if (!golden.ids.empty()) {
      EXPECT_EQ(*ids, golden.ids) << golden.text;
    }
    inputs.push_back(*std::move(ids));
  }
  const auto vectors = embedder.Embed(inputs, pool);
  ASSERT_TRUE(vectors.ok()) << vectors.status();
  ASSERT_EQ(vectors->size(), goldens.size());
  for (size_t i = 0; i < goldens.size(); ++i)
    ExpectVector((*vectors)[i], goldens[i].vector, goldens[i].text);
}

}  // namespace cria::parity
