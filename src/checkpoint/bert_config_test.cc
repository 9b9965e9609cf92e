#include "checkpoint/bert_config.h"

#include "base/json.h"
#include "checkpoint/hugging_face_writer.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

constexpr char kConfig[] =
    R"({"architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
        "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 3, "intermediate_size": 12,
        "vocab_size": 10, "max_position_embeddings": 20, "type_vocab_size": 2,
        "layer_norm_eps": 1e-11, "position_embedding_type": "absolute"})";

base::json::object Fields() { return base::ParseJson(kConfig, "test")->as_object(); }

absl::StatusOr<ModelConfig> Parse(const base::json::object& fields) {
  return ParseBertConfig(base::json::serialize(fields), "config.json");
}

ModelConfig Tiny() { return *ParseBertConfig(kConfig, "config.json"); }

TEST(BertConfig, ReadsEveryField) {
  EXPECT_TRUE(IsBertConfig(kConfig));
  EXPECT_FALSE(IsBertConfig(R"({"model_type": "llama"})"));
  EXPECT_FALSE(IsBertConfig("{"));
  const auto config = ParseBertConfig(kConfig, "config.json");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->architecture, "bert");
  EXPECT_EQ(config->hidden, 8);
  EXPECT_EQ(config->head_dim, 4);
  EXPECT_EQ(config->vocab, 10);
  EXPECT_EQ(config->max_context, 20);
  ASSERT_EQ(config->layers.size(), 3u);
  EXPECT_EQ(config->layers[2].num_heads, 2);
  EXPECT_EQ(config->layers[2].num_kv_heads, 2);
  EXPECT_EQ(config->layers[2].ffn, 12);
  EXPECT_EQ(config->norm_eps, 1e-11);
  EXPECT_EQ(config->encoder->max_tokens, 20);
  EXPECT_EQ(config->encoder->token_types, 2);
  EXPECT_EQ(config->encoder->pooling, EncoderConfig::Pooling::kMean);
}

TEST(BertConfig, WhatIsNotRunIsNamed) {
  const auto expect = [](std::string_view key, base::json::value value, StatusCode code,
                         const std::string& what) {
    base::json::object fields = Fields();
    fields[key] = std::move(value);
    ExpectError(Parse(fields), code, what);
  };
  expect("architectures", base::json::array{"BertForMaskedLM"}, StatusCode::kUnimplemented,
         "'BertForMaskedLM'");
  expect("hidden_act", "gelu_new", StatusCode::kUnimplemented, "hidden_act 'gelu_new'");
  expect("position_embedding_type", "relative_key", StatusCode::kUnimplemented, "'relative_key'");
  expect("is_decoder", true, StatusCode::kUnimplemented, "is_decoder");
  expect("quantization_config", base::json::object{{"quant_method", "awq"}},
         StatusCode::kUnimplemented, "'awq'");
  expect("hidden_size", nullptr, StatusCode::kDataLoss, "'hidden_size' is missing");
  expect("hidden_size", 9, StatusCode::kDataLoss, "'hidden_size' is 9");
  expect("num_attention_heads", 0, StatusCode::kDataLoss, "'num_attention_heads', 0");
  expect("num_hidden_layers", 1 << 20, StatusCode::kDataLoss, "'num_hidden_layers' is 1048576");
  expect("layer_norm_eps", 0, StatusCode::kDataLoss, "LayerNorm epsilon");
  expect("type_vocab_size", 0, StatusCode::kDataLoss, "token types");
}

TEST(BertConfig, SentenceConfig) {
  ModelConfig config = Tiny();
  EXPECT_TRUE(AddSentenceConfig(R"({"max_seq_length": 12})", "s.json", &config).ok());
  EXPECT_EQ(config.encoder->max_tokens, 12);
  EXPECT_TRUE(AddSentenceConfig(R"({"max_seq_length": 99})", "s.json", &config).ok());
  EXPECT_EQ(config.encoder->max_tokens, 20);
  ExpectError(AddSentenceConfig(R"({"max_seq_length": 0})", "s.json", &config),
              StatusCode::kDataLoss, "s.json: config: tokens of a text is 0");
  ExpectError(AddSentenceConfig(R"({"do_lower_case": true})", "s.json", &config),
              StatusCode::kUnimplemented, "do_lower_case");
}

TEST(BertConfig, Modules) {
  const auto modules = [](std::initializer_list<std::pair<const char*, const char*>> list) {
    base::json::array array;
    for (const auto& [type, path] : list)
      array.push_back(base::json::object{{"type", type}, {"path", path}});
    return PoolingFolder(base::json::serialize(array), "modules.json");
  };
  EXPECT_EQ(*modules({{"a.b.Transformer", ""}, {"a.b.Pooling", "1_P"}}), "1_P");
  EXPECT_EQ(*modules({{"Transformer", ""}, {"Pooling", "1_P"}, {"Normalize", "2_N"}}), "1_P");
  ExpectError(modules({{"Transformer", ""}, {"Pooling", "1_P"}, {"a.Dense", "2_D"}}),
              StatusCode::kUnimplemented, "module 'Dense'");
  ExpectError(modules({{"Transformer", "0_T"}, {"Pooling", "1_P"}}), StatusCode::kUnimplemented,
              "'0_T'");
  ExpectError(modules({{"Pooling", "1_P"}}), StatusCode::kUnimplemented, "in this order");
  for (const char* folder : {"", "..", "../x", "a/b", "/etc"})
    ExpectError(modules({{"Transformer", ""}, {"Pooling", folder}}), StatusCode::kDataLoss,
                "no plain name");
  ExpectError(PoolingFolder("{}", "modules.json"), StatusCode::kDataLoss, "modules.json: ");
}

TEST(BertConfig, Pooling) {
  ModelConfig config = Tiny();
  const auto add = [&](std::string_view json) { return AddPoolingConfig(json, "p.json", &config); };
  EXPECT_TRUE(add(R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})").ok());
  EXPECT_EQ(config.encoder->pooling, EncoderConfig::Pooling::kFirstToken);
  EXPECT_TRUE(add(R"({"pooling_mode": "mean"})").ok());
  EXPECT_EQ(config.encoder->pooling, EncoderConfig::Pooling::kMean);
  ExpectError(add(R"({"pooling_mode_max_tokens": true})"), StatusCode::kUnimplemented,
              "'max_tokens'");
  ExpectError(add(R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})"),
              StatusCode::kUnimplemented, "2 pooling modes");
  ExpectError(add("{}"), StatusCode::kUnimplemented, "0 pooling modes");
  ExpectError(add(R"({"pooling_mode_mean_tokens": 1})"), StatusCode::kDataLoss,
              "'pooling_mode_mean_tokens'");
}

TEST(BertCheckpoint, TensorsAreThoseOfTheConfig) {
  const auto checkpoint = Checkpoint::FromParts(TinyParts(Tiny()));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_NE((*checkpoint)->Find("encoder.layer.2.output.LayerNorm.bias"), nullptr);
  // 33 vectors' worth of tables and their norm; a layer: 4 (8*8+8), 12*8+12, 8*12+8 and two norms.
  EXPECT_EQ((*checkpoint)->parameters(), (10 + 20 + 2) * 8 + 16 + 3 * (4 * 72 + 108 + 104 + 32));
  Checkpoint::Parts missing = TinyParts(Tiny());
  Remove(&missing, "encoder.layer.1.attention.self.key.bias");
  ExpectError(Checkpoint::FromParts(std::move(missing)), StatusCode::kDataLoss,
              "encoder.layer.1.attention.self.key.bias");
  Checkpoint::Parts unknown = TinyParts(Tiny());
  AddTensor("cls.predictions.bias", tensor::DType::kF32, {10}, &unknown);
  ExpectError(Checkpoint::FromParts(std::move(unknown)), StatusCode::kUnimplemented,
              "not a tensor of the bert architecture");
  Checkpoint::Parts layers = TinyParts(Tiny());
  AddTensor("encoder.layer.3.output.dense.bias", tensor::DType::kF32, {8}, &layers);
  ExpectError(Checkpoint::FromParts(std::move(layers)), StatusCode::kDataLoss, "only 3 layers");
  ExpectError(Checkpoint::FromParts(TinyParts(Tiny(), tensor::DType::kI32)),
              StatusCode::kUnimplemented, "I32");
  Checkpoint::Parts more = TinyParts(Tiny());
  AddTensor("embeddings.position_ids", tensor::DType::kI64, {1, 20}, &more);
  AddTensor("pooler.dense.weight", tensor::DType::kF32, {8, 8}, &more);
  AddTensor("pooler.dense.bias", tensor::DType::kF32, {8}, &more);
  EXPECT_TRUE(Checkpoint::FromParts(std::move(more)).ok());
}

TEST(BertCheckpoint, IsNotWrittenAsALlama) {
  const auto checkpoint = Checkpoint::FromParts(TinyParts(Tiny()));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const TempDirectory directory;
  ExpectError(WriteHuggingFace(**checkpoint, directory.File("x")), StatusCode::kUnimplemented,
              "'bert'");
}

}  // namespace
}  // namespace cria::checkpoint
