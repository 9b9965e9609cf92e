#include "checkpoint/config.h"

#include <functional>
#include <limits>

#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

TEST(Validate, AcceptsWhatModelsHave) {
  EXPECT_TRUE(Validate(TinyConfig()).ok());
  ModelConfig config = TinyConfig();
  config.rope_scaling = {RopeScaling::Type::kLlama3, 32, 1, 4, 8192};
  config.rope_divisors = {1, 32};
  config.layers[1] = {4, 2, 5};
  config.bos_id = 128000;  // beyond the vocabulary: it can be declared, just never used
  EXPECT_TRUE(Validate(config).ok()) << Validate(config);
}

struct Bad {
  std::function<void(ModelConfig*)> change;
  std::string message;
  absl::StatusCode code = absl::StatusCode::kDataLoss;
};

TEST(Validate, NamesWhatIsWrong) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<Bad> cases = {
      {[](ModelConfig* c) { c->architecture = "gpt2"; }, "'gpt2'",
       absl::StatusCode::kUnimplemented},
      {[](ModelConfig* c) { c->hidden = 0; }, "hidden size is 0"},
      {[](ModelConfig* c) { c->hidden = INT64_MAX; }, "hidden size"},
      {[](ModelConfig* c) { c->vocab = -1; }, "vocabulary size is -1"},
      {[](ModelConfig* c) { c->head_dim = 0; }, "head dimension"},
      {[](ModelConfig* c) { c->max_context = 0; }, "context length"},
      {[](ModelConfig* c) { c->layers.clear(); }, "number of layers is 0"},
      {[](ModelConfig* c) { c->layers.resize(kMaxLayers + 1); }, "number of layers"},
      {[](ModelConfig* c) { c->layers[1].num_heads = 0; }, "layer 1: attention heads"},
      {[](ModelConfig* c) { c->layers[1].num_kv_heads = 0; }, "layer 1: key/value heads"},
      {[](ModelConfig* c) { c->layers[0].num_heads = 3, c->layers[0].num_kv_heads = 2; },
       "layer 0: 3 attention heads can't share 2"},
      {[](ModelConfig* c) { c->layers[0].ffn = kMaxWidth + 1; }, "layer 0: FFN width"},
      {[](ModelConfig* c) { c->norm_eps = 0; }, "RMSNorm epsilon"},
      {[nan](ModelConfig* c) { c->norm_eps = nan; }, "RMSNorm epsilon"},
      {[inf](ModelConfig* c) { c->rope_theta = inf; }, "rope theta"},
      {[](ModelConfig* c) { c->rotary_dim = 3; }, "rotary dimension is 3"},
      {[](ModelConfig* c) { c->rotary_dim = 6; }, "rotary dimension is 6"},
      {[](ModelConfig* c) {
         c->rope_scaling = {RopeScaling::Type::kLinear, 0, 1, 4, 1};
       },
       "rope scaling factor"},
      {[](ModelConfig* c) {
         c->rope_scaling = {RopeScaling::Type::kLlama3, 8, 4, 4, 8192};
       },
       "low_freq_factor is 4"},
      {[](ModelConfig* c) {
         c->rope_scaling = {RopeScaling::Type::kLlama3, 8, 1, 4, 0};
       },
       "original context"},
      {[](ModelConfig* c) {
         c->rope_divisors = {1, 1, 1};
       },
       "3 rope divisors"},
      {[](ModelConfig* c) {
         c->rope_divisors = {1, 0};
       },
       "rope divisor is 0"},
      {[nan](ModelConfig* c) { c->lora_scale = nan; }, "LoRA scale"},
      {[](ModelConfig* c) { c->bos_id = -1; }, "BOS id"},
      {[](ModelConfig* c) {
         c->eos_ids = {2, -1};
       },
       "EOS id"},
  };
  for (const Bad& bad : cases) {
    ModelConfig config = TinyConfig();
    bad.change(&config);
    ExpectError(Validate(config), bad.code, bad.message);
  }
}

}  // namespace
}  // namespace cria::checkpoint
