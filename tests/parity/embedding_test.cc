// Tiny seeded encoders that are committed, against Hugging Face, and what embedders promise.
#include <gtest/gtest.h>

#include "embedding_golden.h"

namespace cria::parity {
namespace {

using engine::TooLong;
using Ids = std::vector<text::TokenId>;

TEST(TinyEncoders, VectorsAreTheReferencesOnEveryInstructionSet) {
  base::ThreadPool pool(2, /*pin=*/false);
  const std::vector<TinyEncoder> models = LoadTinyEncoders();
  ASSERT_EQ(models.size(), 3u);
  for (const TinyEncoder& model : models) {
    for (const kernels::Kernels* kernels : kernels::AllKernels()) {
      if (!kernels::Runs(*kernels, base::DetectCpu())) continue;
      SCOPED_TRACE(absl::StrCat(model.path, " ", std::string(kernels->isa)));
      const auto embedder = OpenEmbedder(model.path, pool, kernels);
      ASSERT_NE(embedder, nullptr);
      EXPECT_EQ(embedder->dimension(), model.dimension);
      EXPECT_EQ(embedder->max_tokens(), model.max_tokens);
      ExpectVectors(*embedder, model.texts, pool);
    }
  }
}

TEST(TinyEncoders, CompanyAndThreadsChangeNothing) {
  base::ThreadPool one(1), three(3, /*pin=*/false);
  for (const TinyEncoder& model : LoadTinyEncoders()) {
    const auto embedder = OpenEmbedder(model.path, one);
    ASSERT_NE(embedder, nullptr);
    std::vector<Ids> inputs;
    for (int round = 0; round < 20; ++round)  // more than one step
      for (const EmbeddingGolden& golden : model.texts) inputs.push_back(golden.ids);
    const auto together = embedder->Embed(inputs, three);
    ASSERT_TRUE(together.ok()) << together.status();
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto alone = embedder->Embed({&inputs[i], 1}, one);
      ASSERT_TRUE(alone.ok()) << alone.status();
      EXPECT_EQ((*together)[i], alone->front()) << i;
    }
  }
}

TEST(TinyEncoders, WhatDoesNotFitIsRefusedOrCut) {
  base::ThreadPool pool(1);
  const auto embedder = OpenEmbedder(absl::StrCat(kEmbeddingFolder, "/tiny_f32"), pool);
  ASSERT_NE(embedder, nullptr);
  const std::string text =
      "cat the the the the the the the the the the the the the the the the the dog sea";
  const auto whole = embedder->Prepare(text, TooLong::kRefuse);
  EXPECT_EQ(whole.status().code(), absl::StatusCode::kResourceExhausted) << whole.status();
  EXPECT_NE(whole.status().message().find("22 tokens"), std::string::npos) << whole.status();
  const Ids first = *embedder->Prepare(std::string("cat"), TooLong::kRefuse);
  const Ids last = *embedder->Prepare(std::string("sea"), TooLong::kRefuse);
  const auto begin = embedder->Prepare(text, TooLong::kCutEnd);
  const auto end = embedder->Prepare(text, TooLong::kCutStart);
  ASSERT_TRUE(begin.ok() && end.ok());
  EXPECT_EQ(begin->size(), 20u);
  EXPECT_EQ(end->size(), 20u);
  EXPECT_EQ((*begin)[1], first[1]);
  EXPECT_EQ((*end)[18], last[1]);
  for (const Ids& ids : {*begin, *end}) {
    EXPECT_EQ(ids.front(), first.front());
    EXPECT_EQ(ids.back(), first.back());
  }
  const Ids outside = {2, 1000, 3}, none, many(21, 2);
  for (const Ids& bad : {outside, none})
    EXPECT_EQ(embedder->Embed({&bad, 1}, pool).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(embedder->Embed({&many, 1}, pool).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(embedder->Prepare(many, TooLong::kCutEnd)->size(), 20u);
}

TEST(TinyEncoders, MakeNoText) {
  base::ThreadPool pool(1);
  auto checkpoint = checkpoint::Checkpoint::Open(absl::StrCat(kEmbeddingFolder, "/tiny_f32"));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(engine::LoadedModel::Load(*checkpoint, {}, pool).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(model::Model::Load(*checkpoint, {}, pool).status().code(),
            absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace cria::parity
