#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST(Open, PicklesAreNamedWithTheRemedy) {
  const TempDirectory directory;
  const std::string path = directory.Write("pytorch_model.bin", "x");
  for (const std::string& model :
       {directory.path(), path, directory.Write("zip", std::string("PK\x03\x04 and more")),
        directory.Write("old", std::string("\x80\x02\x8a\x0a"))})
    ExpectError(Checkpoint::Open(model), StatusCode::kUnimplemented, "convert it");
  ExpectError(Checkpoint::Open(directory.path()), StatusCode::kUnimplemented, path);
  directory.Write("config.json", R"({"model_type": "llama", "hidden_size": 8, "vocab_size": 10,
      "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12})");
  ExpectError(Checkpoint::Open(directory.path()), StatusCode::kUnimplemented, path);
}

// In the place of a model's file: named by its kind, and never waited for.
TEST(Open, WhatIsNoFile) {
  const TempDirectory directory;
  const std::string pipe = directory.File("pipe"), loop = directory.File("loop");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ASSERT_EQ(symlink(loop.c_str(), loop.c_str()), 0);
  ExpectError(Checkpoint::Open(pipe), StatusCode::kDataLoss, "pipe: is a named pipe");
  ExpectError(Checkpoint::Open(loop), StatusCode::kDataLoss, "symbolic links");
  ExpectError(Checkpoint::Open("/dev/zero"), StatusCode::kDataLoss, "is a device");
  const std::string config = R"({"model_type": "llama", "hidden_size": 8, "vocab_size": 10,
      "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12})";
  for (const std::string name : {"config.json", "generation_config.json", "model.safetensors",
                                 "params.json", "consolidated.00.pth"}) {
    const TempDirectory model;
    if (name != "params.json" && name != "consolidated.00.pth" && name != "config.json")
      model.Write("config.json", config);
    if (name == "consolidated.00.pth")
      model.Write("params.json", R"({"dim": 8, "n_layers": 1, "n_heads": 2})");
    ASSERT_EQ(mkfifo(model.File(name).c_str(), 0600), 0);
    ExpectError(Checkpoint::Open(model.path()), StatusCode::kDataLoss, name + ": is a named pipe");
    std::filesystem::remove(model.File(name));
    std::filesystem::create_directory(model.File(name));
    ExpectError(Checkpoint::Open(model.path()), StatusCode::kDataLoss, name + ": is a directory");
  }
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
