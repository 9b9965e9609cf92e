// What the GGUF writer makes of a model of another format computes what the model computes: the
// order of rows, the rope scaling, biases, tied heads.
#include <gtest/gtest.h>

#include "checkpoint/gguf_writer.h"
#include "checkpoint/test_support.h"
#include "golden.h"

namespace cria::parity {
namespace {

TEST(Conversion, GgufOfEveryFormatComputesTheSame) {
  const auto goldens = LoadGoldens();
  ASSERT_TRUE(goldens.ok()) << goldens.status();
  const checkpoint::TempDirectory directory;
  const checkpoint::TokenizerData no_tokenizer;
  base::ThreadPool pool(2, /*pin=*/false);
  int converted = 0;
  for (const Golden& golden : *goldens) {
    if (golden.name.starts_with("gguf") || !golden.int8_logits.empty()) continue;
    SCOPED_TRACE(golden.name);
    const auto source = checkpoint::Checkpoint::Open(golden.path);
    ASSERT_TRUE(source.ok()) << source.status();
    const std::string path = directory.File("model.gguf");
    const absl::Status written =
        checkpoint::WriteGguf(**source, path, {.tokenizer = &no_tokenizer});
    ASSERT_TRUE(written.ok()) << written;
    const auto model = LoadModel(path, {nullptr, /*f32_activations=*/true}, pool);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto logits = AllLogits(**model, golden.tokens, golden.tokens.size(), pool);
    ASSERT_TRUE(logits.ok()) << logits.status();
    EXPECT_LE(RelativeError(*logits, golden.logits), golden.tolerance) << golden.covers;
    ++converted;
  }
  EXPECT_EQ(converted, 23);
}

}  // namespace
}  // namespace cria::parity
