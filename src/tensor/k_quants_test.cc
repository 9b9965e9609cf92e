#include "tensor/k_quants.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"
#include "tensor/block_codec.h"

namespace cria::tensor {
namespace {

// Roughly normal, as weights are: sub-blocks of different spread.
std::vector<float> SomeWeights(size_t count) {
  base::Rng rng(3);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int k = 0; k < 12; ++k) sum += rng.Uniform() - 0.5;
    values[i] = static_cast<float>(sum * 0.02 * (1 + static_cast<double>(i / 32 % 5)));
  }
  return values;
}

std::vector<float> ThereAndBack(DType dtype, const std::vector<float>& values) {
  const auto count = static_cast<int64_t>(values.size());
  std::vector<uint8_t> bytes(values.size() * static_cast<size_t>(Info(dtype).block_bytes) /
                             static_cast<size_t>(Info(dtype).block_elements));
  Encode(dtype, values.data(), count, bytes.data());
  std::vector<float> back(values.size());
  Decode(dtype, bytes.data(), count, back.data());
  return back;
}

// Root of the mean square error, relative to the values' own.
double Error(DType dtype, const std::vector<float>& values) {
  const std::vector<float> back = ThereAndBack(dtype, values);
  double error = 0, power = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    error += std::pow(static_cast<double>(back[i] - values[i]), 2);
    power += std::pow(static_cast<double>(values[i]), 2);
  }
  return std::sqrt(error / power);
}

// What a normal distribution allows with that many bits and fitted scales, with some air.
TEST(KQuantsTest, ErrorsAreAsSmallAsTheBitsAllow) {
  const std::vector<float> weights = SomeWeights(256 * 64);
  EXPECT_LT(Error(DType::kQ4K, weights), 0.080);
  EXPECT_LT(Error(DType::kQ5K, weights), 0.042);
  EXPECT_LT(Error(DType::kQ6K, weights), 0.021);
}

TEST(KQuantsTest, AreBetterThanThePlainFormatsOfTheirBits) {
  const std::vector<float> weights = SomeWeights(256 * 64);
  EXPECT_LT(Error(DType::kQ4K, weights), Error(DType::kQ4_0, weights));
  EXPECT_LT(Error(DType::kQ5K, weights), Error(DType::kQ5_0, weights));
  EXPECT_LT(Error(DType::kQ6K, weights), Error(DType::kQ5_1, weights));
}

TEST(KQuantsTest, WhatABlockCanHoldComesBack) {
  // Levels times powers of two: every scale and minimum is exact.
  for (const DType dtype : {DType::kQ4K, DType::kQ5K, DType::kQ6K}) {
    const int top = dtype == DType::kQ4K ? 15 : dtype == DType::kQ5K ? 31 : 63;
    std::vector<float> values(256);
    for (int i = 0; i < 256; ++i)
      values[static_cast<size_t>(i)] =
          static_cast<float>(dtype == DType::kQ6K ? (i % 16) * 4 - 32 : i % 32 * top / 31);
    const std::vector<float> back = ThereAndBack(dtype, values);
    for (size_t i = 0; i < 256; ++i)
      EXPECT_NEAR(back[i], values[i], 0.02) << Name(dtype) << " " << i;
  }
}

TEST(KQuantsTest, ConstantBlocks) {
  for (const DType dtype : {DType::kQ4K, DType::kQ5K, DType::kQ6K})
    for (const float value : {0.0f, 1.0f, -1.0f}) {
      const std::vector<float> back = ThereAndBack(dtype, std::vector<float>(256, value));
      for (const float x : back) EXPECT_NEAR(x, value, 0.02) << Name(dtype);
    }
}

TEST(KQuantsTest, OneOutlierSpoilsOnlyItsSubBlock) {
  std::vector<float> values = SomeWeights(256);
  values[40] = 3;  // sub-block 1
  const std::vector<float> back = ThereAndBack(DType::kQ4K, values);
  EXPECT_NEAR(back[40], 3, 0.05);
  for (size_t i = 64; i < 96; ++i) EXPECT_NEAR(back[i], values[i], 0.06) << i;
}

}  // namespace
}  // namespace cria::tensor
