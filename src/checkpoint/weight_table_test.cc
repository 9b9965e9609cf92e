#include "checkpoint/weight_table.h"

#include <cmath>

#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

ModelConfig Llama(int64_t layers, int64_t hidden, int64_t heads, int64_t ffn, bool tied) {
  ModelConfig config;
  config.architecture = "llama";
  config.hidden = hidden;
  config.vocab = 128256;
  config.head_dim = hidden / heads;
  config.rotary_dim = config.head_dim;
  config.max_context = 131072;
  config.layers.assign(static_cast<size_t>(layers), {heads, 8, ffn});
  config.tied_embeddings = tied;
  return config;
}

ModelConfig Llama1B(bool tied) { return Llama(16, 2048, 32, 8192, tied); }
ModelConfig Llama3B() { return Llama(28, 3072, 24, 8192, true); }

int64_t Count(const ModelConfig& config) {
  int64_t sum = 0;
  for (const WeightSpec& spec : WeightTable(config))
    if (!spec.optional) sum += *spec.shape.Elements();
  return sum;
}

TEST(WeightTable, ParameterCountsOfThePublishedModels) {
  EXPECT_EQ(Count(Llama1B(true)), 1'235'814'400);
  EXPECT_EQ(Count(Llama1B(false)), 1'498'482'688);
  EXPECT_EQ(Count(Llama3B()), 3'212'749'824);
  EXPECT_EQ(Count(Llama(32, 4096, 32, 14336, false)), 8'030'261'248);
  EXPECT_EQ(Count(Llama(80, 8192, 64, 28672, false)), 70'553'706'496);
  EXPECT_EQ(Count(Llama(12, 2048, 32, 6400, false)), 1'123'076'096);  // Guard 1B, pruned
}

// As stored in GGUF files, but for the table of rope divisors.
TEST(WeightTable, TensorCountsOfThePublishedModels) {
  const auto tensors = [](const ModelConfig& config) {
    int64_t count = 0;
    for (const WeightSpec& spec : WeightTable(config)) count += spec.optional ? 0 : 1;
    return count;
  };
  EXPECT_EQ(tensors(Llama1B(true)), 146);
  EXPECT_EQ(tensors(Llama1B(false)), 147);
  EXPECT_EQ(tensors(Llama3B()), 254);
  EXPECT_EQ(tensors(Llama(32, 4096, 32, 14336, false)), 291);
}

TEST(WeightTable, Bf16BytesOfThePublishedModels) {
  const auto bytes = [](const ModelConfig& config) {
    uint64_t sum = 0;
    for (const WeightSpec& spec : WeightTable(config))
      if (!spec.optional) sum += *tensor::ByteSize(tensor::DType::kBf16, spec.shape);
    return sum;
  };
  EXPECT_EQ(bytes(Llama1B(true)), 2'471'628'800U);
  EXPECT_EQ(bytes(Llama1B(false)), 2'996'965'376U);
  EXPECT_EQ(bytes(Llama3B()), 6'425'499'648U);
  EXPECT_EQ(bytes(Llama(32, 4096, 32, 14336, false)), 16'060'522'496U);
  EXPECT_EQ(bytes(Llama(80, 8192, 64, 28672, false)), 141'107'412'992U);
}

int64_t CountLayer(const ModelConfig& config) {
  int64_t sum = 0;
  for (const WeightSpec& spec : WeightTable(config))
    if (!spec.optional && spec.layer == 0) sum += *spec.shape.Elements();
  return sum;
}

TEST(WeightTable, ParameterCountsOfALayer) {
  EXPECT_EQ(CountLayer(Llama1B(true)), 60'821'504);
  EXPECT_EQ(CountLayer(Llama3B()), 100'669'440);
  EXPECT_EQ(CountLayer(Llama(1, 4096, 32, 14336, false)), 218'112'000);
  EXPECT_EQ(CountLayer(Llama(1, 8192, 64, 28672, false)), 855'654'400);
}

// Bytes of the device scheme: int4 with float32 scales for groups of 32 in the blocks, int8 with a
// float32 scale a row for embedding and head, which aren't shared, float32 norms.
struct DeviceBytes {
  double int4 = 0, group_scales = 0, int8 = 0, row_scales = 0, norms = 0, lora = 0;
  double sum() const { return int4 + group_scales + int8 + row_scales + norms; }
};

DeviceBytes CountDeviceBytes(ModelConfig config) {
  config.tied_embeddings = false;
  constexpr int64_t kGroup = 32, kRank = 16;
  constexpr double kMiB = 1 << 20;
  DeviceBytes bytes;
  for (const WeightSpec& spec : WeightTable(config)) {
    if (spec.optional) continue;
    const auto weights = static_cast<double>(*spec.shape.Elements()) / kMiB;
    if (IsBlockLinear(spec.role)) {
      bytes.int4 += weights / 2;
      bytes.group_scales += weights / kGroup * 4;
      bytes.lora += static_cast<double>(kRank * (spec.shape[0] + spec.shape[1])) * 4 / kMiB;
    } else if (spec.role == WeightRole::kNorm) {
      bytes.norms += weights * 4;
    } else {
      bytes.int8 += weights;
      bytes.row_scales += static_cast<double>(spec.shape[0]) * 4 / kMiB;
    }
  }
  return bytes;
}

TEST(WeightTable, ByteAccountingOfTheDeviceScheme) {
  const DeviceBytes small = CountDeviceBytes(Llama1B(true));
  EXPECT_DOUBLE_EQ(small.int4, 464.0);
  EXPECT_DOUBLE_EQ(small.group_scales, 116.0);
  EXPECT_DOUBLE_EQ(small.int8, 501.0);
  EXPECT_NEAR(small.row_scales, 1.0, 0.05);
  EXPECT_NEAR(small.norms, 0.3, 0.05);
  EXPECT_NEAR(small.sum(), 1082.2, 0.05);
  EXPECT_DOUBLE_EQ(small.lora, 11'272'192 * 4.0 / (1 << 20));
  EXPECT_NEAR(small.sum() + small.lora, 1125.2, 0.1);
  const DeviceBytes large = CountDeviceBytes(Llama3B());
  EXPECT_DOUBLE_EQ(large.int4, 1344.0);
  EXPECT_DOUBLE_EQ(large.group_scales, 336.0);
  EXPECT_DOUBLE_EQ(large.int8, 751.5);
  EXPECT_NEAR(large.sum(), 2433.1, 0.1);
  EXPECT_DOUBLE_EQ(large.lora, 24'313'856 * 4.0 / (1 << 20));
  EXPECT_NEAR(large.sum() + large.lora, 2525.9, 0.1);
}

TEST(WeightTable, FollowsTheWidthsOfEachLayer) {
  ModelConfig config = TinyConfig();
  config.layers[1] = {4, 2, 20};
  std::map<std::string, WeightSpec> table;
  for (const WeightSpec& spec : WeightTable(config)) table[spec.name] = spec;
  EXPECT_EQ(table["model.layers.0.self_attn.q_proj.weight"].shape, tensor::Shape({8, 8}));
  EXPECT_EQ(table["model.layers.1.self_attn.q_proj.weight"].shape, tensor::Shape({16, 8}));
  EXPECT_EQ(table["model.layers.1.self_attn.v_proj.weight"].shape, tensor::Shape({8, 8}));
  EXPECT_EQ(table["model.layers.1.self_attn.o_proj.weight"].shape, tensor::Shape({8, 16}));
  EXPECT_EQ(table["model.layers.1.mlp.down_proj.weight"].shape, tensor::Shape({8, 20}));
  EXPECT_EQ(table["model.layers.1.mlp.up_proj.bias"].shape, tensor::Shape({20}));
  EXPECT_EQ(table["lm_head.weight"].shape, tensor::Shape({10, 8}));
  EXPECT_EQ(table.size(), WeightTable(config).size());
}

}  // namespace
}  // namespace cria::checkpoint
