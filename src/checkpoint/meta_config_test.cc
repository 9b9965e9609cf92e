#include "checkpoint/meta_config.h"

#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

constexpr char kMinimal[] = R"({"dim": 8, "n_layers": 2, "n_heads": 2})";

MetaParams Parse(const std::string& json) {
  const auto params = ParseMetaParams(json, "params.json");
  EXPECT_TRUE(params.ok()) << params.status();
  return params.value_or(MetaParams());
}

// kMinimal with one field more, or another value.
std::string With(const std::string& field) {
  return absl::StrCat(R"({"dim": 8, "n_layers": 2, "n_heads": 2, )", field, "}");
}

// As published with Llama 3.2 1B.
TEST(MetaConfig, PublishedParams) {
  const MetaParams params = Parse(
      R"({"dim": 2048, "ffn_dim_multiplier": 1.5, "multiple_of": 256, "n_heads": 32, "n_kv_heads": 8,
          "n_layers": 16, "norm_eps": 1e-05, "rope_theta": 500000.0, "use_scaled_rope": true,
          "vocab_size": 128256})");
  EXPECT_EQ(params.dim, 2048);
  EXPECT_EQ(params.heads, 32);
  EXPECT_EQ(params.kv_heads, 8);
  EXPECT_EQ(params.vocab, 128256);
  EXPECT_EQ(params.norm_eps, 1e-5);
  EXPECT_EQ(params.rope_theta, 500000);
  EXPECT_TRUE(params.scaled_rope);
  EXPECT_FALSE(params.quantized);
}

TEST(MetaConfig, AbsentFieldsMeanWhatTheOriginalMeans) {
  for (
      const std::string& json :
      {std::string(kMinimal), absl::StrCat("{\"model\": ", kMinimal, "}"),
       With(
           R"("n_kv_heads": null, "vocab_size": -1, "lora_args": null, "vision_chunk_size": -1)")}) {
    const MetaParams params = Parse(json);
    EXPECT_EQ(params.kv_heads, 2);
    EXPECT_EQ(params.vocab, std::nullopt);
    EXPECT_EQ(params.norm_eps, 1e-5);
    EXPECT_EQ(params.rope_theta, 10000);
    EXPECT_FALSE(params.scaled_rope);
    EXPECT_EQ(params.lora_scale, 0);
  }
}

TEST(MetaConfig, DeviceQuantisation) {
  const std::string scheme =
      R"("scheme": "int4_weight_int8_dynamic_activation", "group_size": 256)";
  const MetaParams spin =
      Parse(With("\"quantization_args\": {" + scheme + ", \"spinquant\": true}"));
  EXPECT_TRUE(spin.quantized && spin.spinquant);
  const MetaParams lora = Parse(With("\"quantization_args\": {" + scheme +
                                     "}, \"lora_args\": {\"rank\": 16, \"scale\": 2.0}"));
  EXPECT_TRUE(lora.quantized && !lora.spinquant);
  EXPECT_EQ(lora.lora_scale, 2.0);
}

TEST(MetaConfig, RopeFactorAsPublished) {
  const auto factor = [](int64_t dim, int64_t layers, bool tied, bool quantized = false) {
    MetaParams params;
    params.dim = dim;
    params.layers = layers;
    params.quantized = quantized;
    return MetaRopeFactor(params, tied);
  };
  EXPECT_EQ(factor(2048, 16, true), 32);         // 3.2 1B
  EXPECT_EQ(factor(3072, 28, true), 32);         // 3.2 3B
  EXPECT_EQ(factor(2048, 16, false, true), 32);  // 3.2 1B, int4
  EXPECT_EQ(factor(3072, 28, false, true), 32);  // 3.2 3B, int4
  EXPECT_EQ(factor(2048, 16, false), 8);         // Llama Guard 3 1B
  EXPECT_EQ(factor(2048, 12, false), 8);         // and pruned
  EXPECT_EQ(factor(4096, 32, false), 8);         // 3.1 8B
  EXPECT_EQ(factor(8192, 80, false), 8);         // 3.1 70B
  MetaParams named = Parse(With("\"rope_scaling_factor\": 16, \"rope_high_freq_factor\": 2"));
  EXPECT_EQ(MetaRopeFactor(named, true), 16);
  EXPECT_EQ(named.high_freq_factor, 2);
}

TEST(MetaConfig, Errors) {
  const auto fails = [](const std::string& json, StatusCode code, const std::string& what) {
    ExpectError(ParseMetaParams(json, "dir/params.json"), code, what);
    ExpectError(ParseMetaParams(json, "dir/params.json"), code, "dir/params.json");
  };
  fails("{", StatusCode::kDataLoss, "JSON");
  fails("[1]", StatusCode::kDataLoss, "expected an object, found an array");
  fails("{}", StatusCode::kDataLoss, "'dim' is missing");
  fails(R"({"model": 3})", StatusCode::kDataLoss, "'model': expected an object");
  fails(R"({"dim": "wide"})", StatusCode::kDataLoss, "dim");
  fails(R"({"dim": -8})", StatusCode::kDataLoss, "'dim' is -8");
  fails(R"({"dim": 8, "n_layers": 1e15, "n_heads": 2})", StatusCode::kDataLoss, "'n_layers' is");
  fails(With("\"n_kv_heads\": 0"), StatusCode::kDataLoss, "'n_kv_heads' is 0");
  fails(With("\"lora_args\": {\"rank\": 16}"), StatusCode::kDataLoss, "'lora_args': 'scale' is 0");
  fails(With("\"lora_args\": true"), StatusCode::kDataLoss, "'lora_args': expected an object");
  fails(With("\"quantization_args\": {\"scheme\": \"fp8_mixed\"}"), StatusCode::kUnimplemented,
        "scheme 'fp8_mixed'");
  fails(With("\"vision_chunk_size\": 560"), StatusCode::kUnimplemented, "'vision_chunk_size'");
  fails(With("\"vision_model\": {\"cross_attention_adapter\": {\"num_layers\": 8}}"),
        StatusCode::kUnimplemented, "'vision_model'");
  fails(With("\"moe_args\": {\"num_experts\": 16}"), StatusCode::kUnimplemented, "'moe_args'");
}

}  // namespace
}  // namespace cria::checkpoint
