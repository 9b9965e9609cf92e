#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "tensor/block_codec.h"
#include "tensor/blocks.h"
#include "tensor/tensor.h"

namespace cria::tensor {
namespace {

TEST(ShapeTest, RefusesNegativeAndOverflowingProducts) {
  EXPECT_EQ(Shape({3, 4}).Elements(), 12);
  EXPECT_EQ(Shape().Elements(), 1);
  EXPECT_FALSE(Shape({-1, 2}).Elements().has_value());
  EXPECT_FALSE(Shape({int64_t{1} << 40, int64_t{1} << 40}).Elements().has_value());
  EXPECT_EQ(ByteSize(DType::kQ4K, {2, 512}), 2u * 2 * 144);
  EXPECT_FALSE(ByteSize(DType::kQ4_0, {2, 33}).has_value());
}

TEST(HalfTest, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const base::f16 half{static_cast<uint16_t>(bits)};
    const float value = base::ToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(base::ToFloat(base::ToF16(value))));
    } else {
      EXPECT_EQ(base::ToF16(value).bits, bits);
    }
  }
}

TEST(HalfTest, RoundsToNearestEven) {
  EXPECT_EQ(base::ToF16(65519.0f).bits, 0x7bff);
  EXPECT_EQ(base::ToF16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(base::ToF16(1.0f + 0x1p-11f).bits, 0x3c00);  // a tie goes to even
  EXPECT_EQ(base::ToF16(1.0f + 3 * 0x1p-11f).bits, 0x3c02);
  EXPECT_EQ(base::ToF16(0x1p-25f).bits, 0);
  EXPECT_EQ(base::ToF16(1.5f * 0x1p-25f).bits, 1);
  EXPECT_EQ(base::ToBf16(1.0f + 0x1p-8f).bits, 0x3f80);
  EXPECT_EQ(base::ToBf16(1.0f + 3 * 0x1p-8f).bits, 0x3f82);
  EXPECT_TRUE(std::isnan(base::ToFloat(base::ToBf16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(BlockCodecTest, DecodesBlocksByHand) {
  BlockQ4_0 q4{};
  q4.d = base::ToF16(0.5f);
  q4.q[0] = 0x1f;  // element 0: 15, element 16: 1
  float out[32];
  Decode(DType::kQ4_0, reinterpret_cast<const uint8_t*>(&q4), 32, out);
  EXPECT_EQ(out[0], 0.5f * 7);
  EXPECT_EQ(out[16], 0.5f * -7);
  EXPECT_EQ(out[1], 0.5f * -8);

  BlockQ4K k{};
  k.d = base::ToF16(2.0f);
  k.dmin = base::ToF16(1.0f);
  k.scales[0] = 3;        // scale of sub-block 0
  k.scales[4] = 5;        // minimum of sub-block 0
  k.scales[8] = 0x21;     // sub-block 4: low bits of scale 1, of minimum 2
  k.scales[0] |= 1 << 6;  // its upper scale bits: 16 + 1
  k.q[0] = 0x07;
  k.q[64] = 0x09;
  float big[256];
  Decode(DType::kQ4K, reinterpret_cast<const uint8_t*>(&k), 256, big);
  EXPECT_EQ(big[0], 2.0f * 3 * 7 - 5);
  EXPECT_EQ(big[128], 2.0f * 17 * 9 - 2);

  BlockQ6K six{};
  six.d = base::ToF16(1.0f);
  six.scales[0] = 1;
  six.scales[6] = -2;  // values 96..111
  six.low[0] = 0x05;
  six.low[32] = 0x30;  // upper nibble: value 96
  six.high[0] = 0x82;  // value 0: 2, value 96: 2
  Decode(DType::kQ6K, reinterpret_cast<const uint8_t*>(&six), 256, big);
  EXPECT_EQ(big[0], 5 + 32 - 32);
  EXPECT_EQ(big[96], -2.0f * (3 + 32 - 32));
}

// Worst error of a uniform quantiser with `levels` steps over values in [-1, 1].
class EncodeTest : public testing::TestWithParam<std::pair<DType, double>> {};

TEST_P(EncodeTest, StaysWithinHalfAStep) {
  const auto [dtype, tolerance] = GetParam();
  base::Rng rng(7);
  std::vector<float> values(32 * 50), back(values.size());
  for (float& value : values) value = static_cast<float>(2 * rng.Uniform() - 1);
  std::vector<uint8_t> bytes(*ByteSize(dtype, {static_cast<int64_t>(values.size())}));
  Encode(dtype, values.data(), static_cast<int64_t>(values.size()), bytes.data());
  Decode(dtype, bytes.data(), static_cast<int64_t>(values.size()), back.data());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], back[i], tolerance) << i;
}

INSTANTIATE_TEST_SUITE_P(
    Formats, EncodeTest,
    testing::Values(std::pair{DType::kF32, 0.0}, std::pair{DType::kF16, 0x1p-11},
                    std::pair{DType::kBf16, 0x1p-8}, std::pair{DType::kQ8_0, 0.0045},
                    std::pair{DType::kQ4_0, 0.13}, std::pair{DType::kQ4_1, 0.07},
                    std::pair{DType::kQ5_0, 0.07}, std::pair{DType::kQ5_1, 0.035}));

}  // namespace
}  // namespace cria::tensor
