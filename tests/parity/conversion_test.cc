// What the writers make of a model of another format computes what the model computes: the order of
// rows, the rope scaling, biases, tied heads.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "checkpoint/gguf_writer.h"
#include "checkpoint/hugging_face_writer.h"
#include "checkpoint/test_support.h"
#include "golden.h"

namespace cria::parity {
namespace {

using checkpoint::Checkpoint;
using Writer = std::function<absl::Status(const Checkpoint&, const std::string& path)>;

// Writes every golden model of these formats but the device-quantised ones, and runs what was
// written.
void ExpectTheSame(const std::vector<std::string>& formats, int expected, const Writer& write) {
  const auto goldens = LoadGoldens();
  ASSERT_TRUE(goldens.ok()) << goldens.status();
  const checkpoint::TempDirectory directory;
  base::ThreadPool pool(2, /*pin=*/false);
  int converted = 0;
  for (const Golden& golden : *goldens) {
    const std::string format = golden.name.substr(0, golden.name.find('_'));
    if (std::ranges::find(formats, format) == formats.end() || !golden.int8_logits.empty())
      continue;
    SCOPED_TRACE(golden.name);
    const auto source = Checkpoint::Open(golden.path);
    ASSERT_TRUE(source.ok()) << source.status();
    const std::string path = directory.File(golden.name);
    const absl::Status written = write(**source, path);
    ASSERT_TRUE(written.ok()) << written;
    const auto model = LoadModel(path, {nullptr, /*f32_activations=*/true}, pool);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto logits = AllLogits(**model, golden.tokens, golden.tokens.size(), pool);
    ASSERT_TRUE(logits.ok()) << logits.status();
    EXPECT_LE(RelativeError(*logits, golden.logits), golden.tolerance) << golden.covers;
    ++converted;
  }
  EXPECT_EQ(converted, expected);
}

TEST(Conversion, ToGguf) {
  const checkpoint::TokenizerData no_tokenizer;
  ExpectTheSame({"hf", "meta", "llama2c"}, 23,
                [&](const Checkpoint& source, const std::string& path) {
                  return checkpoint::WriteGguf(source, path, {.tokenizer = &no_tokenizer});
                });
}

// llama2.c models have a vocabulary, which a Hugging Face directory can't hold.
TEST(Conversion, ToHuggingFace) {
  ExpectTheSame({"hf", "meta"}, 21, [](const Checkpoint& source, const std::string& path) {
    return checkpoint::WriteHuggingFace(source, path);
  });
}

}  // namespace
}  // namespace cria::parity
