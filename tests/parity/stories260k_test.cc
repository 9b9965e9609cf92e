// A real trained model end to end: the greedy story that llama2.c's own test expects of
// stories260K.
#include <gtest/gtest.h>

#include "base/cpu_features.h"
#include "golden.h"

namespace cria::parity {
namespace {

TEST(Stories260kTest, TellsThePublishedStory) {
  const auto golden = LoadObject(absl::StrCat(kGoldenFolder, "/stories260k.json"));
  ASSERT_TRUE(golden.ok()) << golden.status();
  const std::vector<int32_t> prompt = Integers(golden->at("prompt").as_array());
  const std::vector<int32_t> expected = Integers(golden->at("tokens").as_array());
  base::ThreadPool pool(2, /*pin=*/false);
  for (const kernels::Kernels* kernels : kernels::AllKernels()) {
    if (!kernels::Runs(*kernels, base::DetectCpu())) continue;
    const auto model = LoadModel("tests/data/stories260k", {kernels, true}, pool);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto story = Greedy(**model, {prompt}, expected.size(), {}, pool);
    ASSERT_TRUE(story.ok()) << story.status();
    EXPECT_EQ(story->front(), expected) << kernels->isa;
  }
}

}  // namespace
}  // namespace cria::parity
