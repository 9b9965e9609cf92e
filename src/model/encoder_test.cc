// The operations of an encoder against their definitions, and what Encoder refuses. Its results are
// compared with the reference implementation in tests/parity.
#include "model/encoder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "model/encoder_ops.h"

namespace cria::model {
namespace {

constexpr char kTiny[] = "tests/data/embedding/tiny_f32";

TEST(EncoderOps, GeluIsTheDefinition) {
  std::vector<float> x;
  for (int i = -2000; i <= 2000; ++i) x.push_back(static_cast<float>(i) / 200);
  for (const float far : {-1e30f, -100.0f, 100.0f, 1e30f, 0.0f, 1e-30f}) x.push_back(far);
  std::vector<float> y = x;
  Gelu(static_cast<int64_t>(y.size()), y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const auto value = static_cast<double>(x[i]);
    const double expected = 0.5 * value * (1 + std::erf(value / std::sqrt(2.0)));
    EXPECT_NEAR(static_cast<double>(y[i]), expected, 2e-6 * std::max(1.0, std::fabs(expected)))
        << value;
  }
}

TEST(EncoderOps, LayerNormIsTheDefinition) {
  base::Rng rng(7);
  for (const int64_t n : {1, 2, 7, 8, 9, 64, 383}) {
    const auto random = [&] { return static_cast<float>(rng.Below(2000)) / 100 - 7; };
    std::vector<float> x, weight, bias;
    for (int64_t i = 0; i < n; ++i) {
      x.push_back(random());
      weight.push_back(random());
      bias.push_back(random());
    }
    double mean = 0, variance = 0;
    for (const float value : x) mean += static_cast<double>(value) / static_cast<double>(n);
    for (const float value : x)
      variance += std::pow(static_cast<double>(value) - mean, 2) / static_cast<double>(n);
    std::vector<float> y = x;
    LayerNorm(weight.data(), bias.data(), 1e-3, n, y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = (static_cast<double>(x[i]) - mean) / std::sqrt(variance + 1e-3) *
                                  static_cast<double>(weight[i]) +
                              static_cast<double>(bias[i]);
      EXPECT_NEAR(static_cast<double>(y[i]), expected, 1e-4) << n << " " << i;
    }
  }
}

class EncoderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto checkpoint = checkpoint::Checkpoint::Open(kTiny);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    auto encoder = Encoder::Load(*std::move(checkpoint), {}, pool_);
    ASSERT_TRUE(encoder.ok()) << encoder.status();
    encoder_ = *std::move(encoder);
  }

  absl::StatusOr<std::vector<float>> Hidden(const std::vector<std::vector<int32_t>>& texts) {
    const std::vector<std::span<const int32_t>> spans(texts.begin(), texts.end());
    return encoder_->Hidden(spans, pool_);
  }

  base::ThreadPool pool_{2, /*pin=*/false};
  std::shared_ptr<const Encoder> encoder_;
};

TEST_F(EncoderTest, TokensSeeTheWholeTextAndNoOther) {
  const auto h = static_cast<size_t>(encoder_->config().hidden);
  const auto a = Hidden({{2, 7, 8, 3}}), b = Hidden({{2, 7, 9, 3}});
  const auto both = Hidden({{2, 7, 8, 3}, {}, {2, 7, 9, 3}});
  ASSERT_TRUE(a.ok() && b.ok() && both.ok());
  ASSERT_EQ(a->size(), 4 * h);
  ASSERT_EQ(both->size(), 8 * h);
  EXPECT_NE(std::vector<float>(a->begin(), a->begin() + h),  // what comes later is seen
            std::vector<float>(b->begin(), b->begin() + h));
  EXPECT_EQ(*a, std::vector<float>(both->begin(), both->begin() + 4 * h));
  EXPECT_EQ(*b, std::vector<float>(both->begin() + 4 * h, both->end()));
  EXPECT_TRUE(Hidden({})->empty());
}

TEST_F(EncoderTest, WhatDoesNotFitIsRefused) {
  using Code = absl::StatusCode;
  EXPECT_EQ(Hidden({{2, 1000}}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Hidden({{-1}}).status().code(), Code::kInvalidArgument);
  const auto positions = static_cast<size_t>(encoder_->config().max_context);
  EXPECT_TRUE(Hidden({std::vector<int32_t>(positions, 2)}).ok());
  EXPECT_EQ(Hidden({std::vector<int32_t>(positions + 1, 2)}).status().code(),
            Code::kResourceExhausted);
  auto llama = checkpoint::Checkpoint::Open("tests/data/stories260k");
  ASSERT_TRUE(llama.ok()) << llama.status();
  EXPECT_EQ(Encoder::Load(*std::move(llama), {}, pool_).status().code(), Code::kUnimplemented);
}

}  // namespace
}  // namespace cria::model
