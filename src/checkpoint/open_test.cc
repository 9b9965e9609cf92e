#include <gtest/gtest.h>

#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

TEST(Open, NothingThere) {
  ExpectError(Checkpoint::Open("/nonexistent/model"), StatusCode::kNotFound, "/nonexistent/model");
  const TempDirectory directory;
  ExpectError(Checkpoint::Open(directory.path()), StatusCode::kNotFound,
              "no model in this directory");
  directory.Write("README.md", "hello");
  ExpectError(Checkpoint::Open(directory.path()), StatusCode::kNotFound,
              "no model in this directory");
}

TEST(Open, FilesWithoutTheirConfig) {
  const TempDirectory directory;
  ExpectError(Checkpoint::Open(directory.Write("x.safetensors", "12345678")), StatusCode::kNotFound,
              "there is no config.json beside it");
  ExpectError(Checkpoint::Open(directory.Write("consolidated.00.pth", "12345678")),
              StatusCode::kNotFound, "there is no params.json beside it");
}

TEST(Open, GgufGoesByContentAndInDirectoriesByName) {
  const TempDirectory directory;
  const std::string damaged = "GGUF but no more";
  ExpectError(Checkpoint::Open(directory.Write("model", damaged)), StatusCode::kDataLoss, "model");
  directory.Write("a.gguf", damaged);
  ExpectError(Checkpoint::Open(directory.path()), StatusCode::kDataLoss, "a.gguf");
  directory.Write("b.gguf", damaged);
  ExpectError(Checkpoint::Open(directory.path()), StatusCode::kInvalidArgument,
              "2 GGUF files (a.gguf, b.gguf");
}

TEST(Open, DirectoriesGoByTheirConfig) {
  const TempDirectory directory;
  directory.Write("params.json", "{");
  ExpectError(Checkpoint::Open(directory.path()), StatusCode::kDataLoss, "params.json");
  directory.Write("config.json", "{");
  ExpectError(Checkpoint::Open(directory.path()), StatusCode::kDataLoss, "config.json");
}

// Every model that the parity tests compute with: its format, and that it has a head and a whole
// vocabulary.
TEST(Open, ParityModels) {
  const std::filesystem::path root = "tests/data/parity";
  const std::map<std::string, Format> formats = {{"hf", Format::kHuggingFace},
                                                 {"gguf", Format::kGguf},
                                                 {"meta", Format::kMeta},
                                                 {"llama2c", Format::kLlama2c}};
  size_t opened = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    if (!entry.is_directory() && entry.path().extension() != ".gguf") continue;
    const std::string stem = entry.path().stem().string();
    std::string path = entry.path().string();
    if (stem.starts_with("llama2c")) path += "/model.bin";
    const auto checkpoint = Checkpoint::Open(path);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ((*checkpoint)->format(), formats.at(stem.substr(0, stem.find('_')))) << stem;
    EXPECT_GT((*checkpoint)->parameters(), 0);
    const bool has_head = (*checkpoint)->Find("lm_head.weight") != nullptr;
    EXPECT_NE(has_head, (*checkpoint)->config().tied_embeddings) << stem;
    ++opened;
  }
  EXPECT_GT(opened, 0u);
}

}  // namespace
}  // namespace cria::checkpoint
