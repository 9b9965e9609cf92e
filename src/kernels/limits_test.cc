#include "kernels/limits.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "kernels/registry.h"

namespace cria::kernels {
namespace {

class LimitsTest : public testing::TestWithParam<const Kernels*> {
 protected:
  void SetUp() override {
    if (!Runs(*GetParam(), base::DetectCpu()))
      GTEST_SKIP() << "SKIPPED: this processor has no " << GetParam()->isa;
    if (GetParam()->limits == nullptr) GTEST_SKIP() << "SKIPPED: no limits are known for it";
  }
  const LimitProbes& limits() const { return *GetParam()->limits; }
};

// Each round of a probe does the same number of operations: a whole number of vectors of them.
TEST_P(LimitsTest, OperationsAreCounted) {
  for (const auto probe : {limits().f32, limits().bf16, limits().int8}) {
    const int64_t one = probe(1);
    EXPECT_GE(one, 8);
    EXPECT_EQ(one % 8, 0);
    EXPECT_EQ(probe(0), 0);
    EXPECT_EQ(probe(1000), 1000 * one);
  }
  EXPECT_GE(limits().bf16(1), limits().f32(1));
  EXPECT_GE(limits().int8(1), limits().f32(1));
}

// The first eight bytes decide the result, so every vector's first word has to be read.
TEST_P(LimitsTest, ReadSeesEveryVector) {
  std::vector<uint8_t> data(16 * kReadGrain);
  EXPECT_EQ(limits().read(data.data(), data.size()), 0U);
  for (size_t at = 0; at < data.size(); at += 64) {
    data[at] = 1;
    EXPECT_EQ(limits().read(data.data(), data.size()), 1U) << "byte " << at;
    data[at] = 0;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, LimitsTest,
                         testing::ValuesIn(AllKernels().begin(), AllKernels().end()),
                         [](const auto& tested) { return std::string(tested.param->isa); });

}  // namespace
}  // namespace cria::kernels
