#include "checkpoint/hugging_face_config.h"

#include "base/json.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;
using base::json::value;

constexpr char kBase[] = R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
  "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 8,
  "num_key_value_heads": 2, "vocab_size": 96, "max_position_embeddings": 128,
  "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "tie_word_embeddings": true,
  "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"})";

// kBase with the fields of `changes` put over it; null removes.
std::string With(const std::string& changes) {
  base::json::object fields = base::json::parse(kBase).as_object();
  const value changed = base::json::parse(changes);
  for (const auto& change : changed.get_object()) fields[change.key()] = change.value();
  return base::json::serialize(fields);
}

absl::StatusOr<HuggingFaceConfig> ParseWith(const std::string& changes) {
  return ParseHuggingFaceConfig(With(changes), "config.json");
}

ModelConfig Model(const std::string& changes) {
  const auto config = ParseWith(changes);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? config->model : ModelConfig();
}

TEST(HuggingFaceConfig, ReadsTheFields) {
  const ModelConfig config = Model("{}");
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.hidden, 64);
  EXPECT_EQ(config.vocab, 96);
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_EQ(config.rotary_dim, 8);
  EXPECT_EQ(config.max_context, 128);
  ASSERT_EQ(config.layers.size(), 2u);
  EXPECT_EQ(config.layers[1].num_heads, 8);
  EXPECT_EQ(config.layers[1].num_kv_heads, 2);
  EXPECT_EQ(config.layers[1].ffn, 160);
  EXPECT_EQ(config.norm_eps, 1e-5);
  EXPECT_EQ(config.rope_theta, 500000);
  EXPECT_EQ(config.rope_scaling.type, RopeScaling::Type::kNone);
  EXPECT_EQ(config.rope_pairing, RopePairing::kHalves);
  EXPECT_TRUE(config.tied_embeddings);
  EXPECT_EQ(config.bos_id, 1);
  EXPECT_EQ(config.eos_ids, std::vector<int64_t>{2});
}

TEST(HuggingFaceConfig, AbsentFieldsMeanWhatTransformersMeans) {
  const ModelConfig config = Model(
      R"({"num_key_value_heads": null, "max_position_embeddings": null, "rms_norm_eps": null,
          "rope_theta": null, "tie_word_embeddings": null, "bos_token_id": null,
          "eos_token_id": null, "hidden_act": null, "architectures": null, "head_dim": null})");
  EXPECT_EQ(config.layers[0].num_kv_heads, 8);
  EXPECT_EQ(config.max_context, 2048);
  EXPECT_EQ(config.norm_eps, 1e-6);
  EXPECT_EQ(config.rope_theta, 10000);
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_FALSE(config.bos_id.has_value());
  EXPECT_TRUE(config.eos_ids.empty());
}

TEST(HuggingFaceConfig, HeadDimNeedNotBeHiddenByHeads) {
  EXPECT_EQ(Model(R"({"head_dim": 32})").head_dim, 32);
  EXPECT_EQ(Model(R"({"head_dim": 32, "hidden_size": 60})").head_dim, 32);
  EXPECT_EQ(Model(R"({"head_dim": 32, "partial_rotary_factor": 1.0})").rotary_dim, 32);
}

TEST(HuggingFaceConfig, RopeScalingInEveryForm) {
  const char* const forms[] = {
      R"({"rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 64}})",
      R"({"rope_scaling": {"type": "llama3", "factor": 32, "low_freq_factor": 1,
          "high_freq_factor": 4, "original_max_position_embeddings": 64}})",
      R"({"original_max_position_embeddings": 64, "rope_scaling": {"rope_type": "llama3",
          "type": "yarn", "factor": 32, "low_freq_factor": 1, "high_freq_factor": 4}})",
      R"({"rope_theta": null, "rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3",
          "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}})"};
  for (const char* form : forms) {
    const ModelConfig config = Model(form);
    EXPECT_EQ(config.rope_theta, 500000);
    EXPECT_EQ(config.rope_scaling.type, RopeScaling::Type::kLlama3);
    EXPECT_EQ(config.rope_scaling.factor, 32);
    EXPECT_EQ(config.rope_scaling.low_freq_factor, 1);
    EXPECT_EQ(config.rope_scaling.high_freq_factor, 4);
    EXPECT_EQ(config.rope_scaling.original_context, 64);
  }
  const ModelConfig whole = Model(
      R"({"rope_parameters": {}, "rope_scaling": {"rope_type": "llama3", "factor": 8,
          "low_freq_factor": 1, "high_freq_factor": 4}})");
  EXPECT_EQ(whole.rope_scaling.original_context, 128) << "max_position_embeddings";
  const ModelConfig linear = Model(R"({"rope_scaling": {"type": "linear", "factor": 2.5}})");
  EXPECT_EQ(linear.rope_scaling.type, RopeScaling::Type::kLinear);
  EXPECT_EQ(linear.rope_scaling.factor, 2.5);
  const ModelConfig plain =
      Model(R"({"rope_theta": 7, "rope_parameters": {"rope_type": "default", "rope_theta": 10.0,
                "partial_rotary_factor": 1}})");
  EXPECT_EQ(plain.rope_scaling.type, RopeScaling::Type::kNone);
  EXPECT_EQ(plain.rope_theta, 10);
  EXPECT_EQ(plain.rotary_dim, 8);
}

TEST(HuggingFaceConfig, WidthsByLayer) {
  const ModelConfig config =
      Model(R"({"head_dim": 8, "num_attention_heads": [8, 4], "num_key_value_heads": [4, 1],
                "intermediate_size": [160, 96]})");
  EXPECT_EQ(config.layers[0].num_heads, 8);
  EXPECT_EQ(config.layers[1].num_heads, 4);
  EXPECT_EQ(config.layers[1].num_kv_heads, 1);
  EXPECT_EQ(config.layers[1].ffn, 96);
}

TEST(HuggingFaceConfig, EosListsAndBiases) {
  EXPECT_EQ(Model(R"({"eos_token_id": [5, 7, 5, -1]})").eos_ids, (std::vector<int64_t>{5, 7}));
  const auto config = ParseWith(R"({"attention_bias": true, "mlp_bias": true})");
  ASSERT_TRUE(config.ok());
  EXPECT_TRUE(config->attention_bias);
  EXPECT_TRUE(config->mlp_bias);
}

struct Bad {
  std::string changes;
  StatusCode code;
  std::string message;
};

TEST(HuggingFaceConfig, NamesWhatIsWrong) {
  const std::vector<Bad> cases = {
      {R"({"model_type": "mllama"})", StatusCode::kUnimplemented, "model_type 'mllama'"},
      {R"({"model_type": "mistral"})", StatusCode::kUnimplemented, "model_type 'mistral'"},
      {R"({"model_type": 3})", StatusCode::kDataLoss, "'model_type': expected a string"},
      {R"({"model_type": null, "architectures": null})", StatusCode::kDataLoss,
       "'model_type' is missing"},
      {R"({"architectures": ["LlamaForSequenceClassification"]})", StatusCode::kUnimplemented,
       "'LlamaForSequenceClassification'"},
      {R"({"hidden_act": "gelu"})", StatusCode::kUnimplemented, "hidden_act 'gelu'"},
      {R"({"quantization_config": {"quant_method": "gptq"}})", StatusCode::kUnimplemented,
       "method 'gptq'"},
      {R"({"rope_scaling": {"rope_type": "yarn", "factor": 4}})", StatusCode::kUnimplemented,
       "rope_scaling: rope type 'yarn'"},
      {R"({"rope_scaling": {"type": "dynamic", "factor": 4}})", StatusCode::kUnimplemented,
       "rope type 'dynamic'"},
      {R"({"rope_parameters": {"rope_type": "longrope"}})", StatusCode::kUnimplemented,
       "rope_parameters: rope type 'longrope'"},
      {R"({"rope_scaling": {"factor": 4}})", StatusCode::kDataLoss, "'rope_type' is missing"},
      {R"({"rope_scaling": {"type": "linear"}})", StatusCode::kDataLoss, "'factor' is missing"},
      {R"({"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 1,
           "high_freq_factor": 4, "original_max_position_embeddings": 0}})",
       StatusCode::kDataLoss, "original context is 0"},
      {R"({"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 1}})",
       StatusCode::kDataLoss, "'high_freq_factor' is missing"},
      {R"({"rope_scaling": "linear"})", StatusCode::kDataLoss,
       "'rope_scaling': expected an object, found a string"},
      {R"({"hidden_size": null})", StatusCode::kDataLoss, "'hidden_size' is missing"},
      {R"({"hidden_size": "64"})", StatusCode::kDataLoss, "'hidden_size': expected an integer"},
      {R"({"hidden_size": 64.5})", StatusCode::kDataLoss, "'hidden_size': expected an integer"},
      {R"({"hidden_size": 1e18})", StatusCode::kDataLoss, "'hidden_size': expected an integer"},
      {R"({"hidden_size": -64, "head_dim": 8})", StatusCode::kDataLoss, "hidden size is -64"},
      {R"({"hidden_size": 65})", StatusCode::kDataLoss, "'head_dim' is missing"},
      {R"({"num_attention_heads": 0})", StatusCode::kDataLoss, "num_attention_heads 0"},
      {R"({"head_dim": 0})", StatusCode::kDataLoss, "'head_dim' is 0"},
      {R"({"head_dim": 9223372036854775807})", StatusCode::kDataLoss, "'head_dim' is"},
      {R"({"num_hidden_layers": 0})", StatusCode::kDataLoss, "'num_hidden_layers' is 0"},
      {R"({"num_hidden_layers": 1152921504606846976})", StatusCode::kDataLoss,
       "'num_hidden_layers' is 1152921504606846976"},
      {R"({"num_key_value_heads": 3})", StatusCode::kDataLoss, "8 attention heads can't share 3"},
      {R"({"intermediate_size": [160]})", StatusCode::kDataLoss,
       "'intermediate_size': a list of 1 values, the model has 2 layers"},
      {R"({"intermediate_size": [160, "x"]})", StatusCode::kDataLoss,
       "'intermediate_size': expected integers"},
      {R"({"num_attention_heads": [8, 4]})", StatusCode::kDataLoss, "can't be derived"},
      {R"({"vocab_size": 99999999999})", StatusCode::kDataLoss, "vocabulary size"},
      {R"({"rope_theta": 0})", StatusCode::kDataLoss, "rope theta"},
      {R"({"partial_rotary_factor": 0.5})", StatusCode::kUnimplemented,
       "'partial_rotary_factor' is 0.5"},
      {R"({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}})",
       StatusCode::kUnimplemented, "'partial_rotary_factor' is 0.5"},
      {R"({"tie_word_embeddings": 1})", StatusCode::kDataLoss, "'tie_word_embeddings'"},
      {R"({"eos_token_id": "</s>"})", StatusCode::kDataLoss, "'eos_token_id'"},
      {R"({"eos_token_id": [[2]]})", StatusCode::kDataLoss, "'eos_token_id'"},
      {R"({"eos_token_id": 4294967296})", StatusCode::kDataLoss, "EOS id"},
  };
  for (const Bad& bad : cases) ExpectError(ParseWith(bad.changes), bad.code, bad.message);
}

TEST(HuggingFaceConfig, NotJson) {
  for (const std::string& text : {std::string(), std::string("{"), std::string(100000, '['),
                                  std::string("{}}"), std::string("{\"a\": \xff}")})
    ExpectError(ParseHuggingFaceConfig(text, "config.json"), StatusCode::kDataLoss,
                "config.json: JSON");
  ExpectError(ParseHuggingFaceConfig("[]", "config.json"), StatusCode::kDataLoss,
              "config.json: expected an object, found an array");
}

TEST(GenerationConfig, AddsToTheConfig) {
  ModelConfig config = Model("{}");
  ASSERT_TRUE(AddGenerationConfig(R"({"eos_token_id": [2, 128008, 128009], "do_sample": true,
                                      "temperature": 0.6, "top_p": 0.9, "top_k": 40})",
                                  "g", &config)
                  .ok());
  EXPECT_EQ(config.eos_ids, (std::vector<int64_t>{2, 128008, 128009}));
  EXPECT_EQ(config.temperature, 0.6);
  EXPECT_EQ(config.top_p, 0.9);
  EXPECT_EQ(config.top_k, 40);
}

TEST(GenerationConfig, NamesWhatIsWrong) {
  ModelConfig config = Model("{}");
  for (const auto& [json, message] :
       {std::pair(R"({"temperature": "hot"})", "g: 'temperature': expected a number"),
        {R"({"temperature": -1})", "g: 'temperature' is -1"},
        {R"({"top_p": 1.5})", "g: 'top_p' is 1.5"},
        {R"({"top_k": -5})", "g: 'top_k' is -5"},
        {R"({"eos_token_id": {}})", "g: 'eos_token_id'"},
        {"3", "g: expected an object"}})
    ExpectError(AddGenerationConfig(json, "g", &config), StatusCode::kDataLoss, message);
}

}  // namespace
}  // namespace cria::checkpoint
