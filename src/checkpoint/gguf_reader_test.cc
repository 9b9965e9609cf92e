#include "checkpoint/gguf_reader.h"

#include <functional>

#include "checkpoint/gguf_header.h"
#include "checkpoint/gguf_names.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;
using tensor::DType;

// A tiny model of one layer, to be changed before it is read.
struct TinyGguf {
  GgufMetadata metadata;
  std::vector<TensorSpec> specs;

  TinyGguf() {
    ModelConfig config = TinyConfig();
    config.layers.resize(1);
    metadata.SetString("general.architecture", "llama");
    metadata.SetU32("llama.block_count", 1);
    metadata.SetU32("llama.context_length", 32);
    metadata.SetU32("llama.embedding_length", 8);
    metadata.SetU32("llama.feed_forward_length", 12);
    metadata.SetU32("llama.attention.head_count", 2);
    metadata.SetU32("llama.attention.head_count_kv", 1);
    metadata.SetF32("llama.attention.layer_norm_rms_epsilon", 1e-5F);
    for (const WeightSpec& spec : WeightTable(config))
      if (!spec.optional) specs.push_back({*GgufFromCanonical(spec.name), DType::kF32, spec.shape});
  }

  TensorSpec& Spec(const std::string& name) {
    for (TensorSpec& spec : specs)
      if (spec.name == name) return spec;
    ADD_FAILURE() << "no tensor " << name;
    return specs.front();
  }

  std::string File() const {
    const auto header = GgufHeader(metadata, specs);
    EXPECT_TRUE(header.ok()) << header.status();
    uint64_t bytes = 0;
    for (const TensorSpec& spec : specs) bytes += *tensor::ByteSize(spec.dtype, spec.shape) + 32;
    return *header + std::string(bytes, '\x01');
  }
};

class GgufReader : public testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const Checkpoint>> Open(
      const std::function<void(TinyGguf*)>& change) {
    TinyGguf tiny;
    change(&tiny);
    return Checkpoint::Open(directory_.Write("tiny.gguf", tiny.File()));
  }
  void ExpectFails(const std::function<void(TinyGguf*)>& change, StatusCode code,
                   const std::string& what) {
    ExpectError(Open(change), code, what);
    ExpectError(Open(change), code, "tiny.gguf");
  }
  void ExpectRefused(const std::function<void(GgufMetadata*)>& change, const std::string& what) {
    ExpectFails([&](TinyGguf* tiny) { change(&tiny->metadata); }, StatusCode::kUnimplemented, what);
  }
  void ExpectDamaged(const std::function<void(GgufMetadata*)>& change, const std::string& what) {
    ExpectFails([&](TinyGguf* tiny) { change(&tiny->metadata); }, StatusCode::kDataLoss, what);
  }

  TempDirectory directory_;
};

TEST_F(GgufReader, WhereTheFileIsSilent) {
  const auto checkpoint = Open([](TinyGguf*) {});
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const ModelConfig& config = (*checkpoint)->config();
  EXPECT_EQ((*checkpoint)->format(), Format::kGguf);
  EXPECT_EQ(config.head_dim, 4);
  EXPECT_EQ(config.rotary_dim, 4);
  EXPECT_EQ(config.rope_theta, 10000);
  EXPECT_EQ(config.rope_pairing, RopePairing::kAdjacent);
  EXPECT_EQ(config.vocab, 10);
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_EQ((*checkpoint)->tokenizer().kind, TokenizerData::Kind::kNone);
}

TEST_F(GgufReader, OtherModelsAreRefusedByName) {
  ExpectRefused([](auto* m) { m->SetString("general.architecture", "mllama"); }, "'mllama'");
  ExpectRefused([](auto* m) { m->SetString("general.type", "adapter"); }, "'adapter'");
  ExpectRefused([](auto* m) { m->SetU32("split.count", 2); }, "one of 2 parts");
  ExpectRefused([](auto* m) { m->SetU32("llama.expert_count", 8); }, "'llama.expert_count' is 8");
  ExpectRefused([](auto* m) { m->SetF32("llama.logit_scale", 0.5F); }, "'llama.logit_scale'");
  ExpectRefused([](auto* m) { m->SetString("llama.rope.scaling.type", "yarn"); }, "'yarn'");
  ExpectRefused([](auto* m) { m->SetU32("llama.attention.value_length", 2); }, "value_length is 2");
  ExpectRefused([](auto* m) { m->SetString("tokenizer.ggml.model", "bert"); }, "'bert'");
}

TEST_F(GgufReader, NumbersThatAreWrong) {
  ExpectDamaged([](auto* m) { m->SetU32("llama.block_count", 0); }, "'llama.block_count' is 0");
  ExpectDamaged([](auto* m) { m->SetU32("llama.block_count", 1U << 30); }, "expected 1 to 4096");
  ExpectDamaged([](auto* m) { m->SetU32("llama.block_count", 2); }, "'blk.1.");
  ExpectDamaged([](auto* m) { m->SetString("llama.block_count", "1"); }, "is of type string");
  ExpectDamaged([](auto* m) { m->SetI32s("llama.attention.head_count", {2, 2}); }, "2 elements");
  ExpectDamaged([](auto* m) { m->SetI32s("llama.attention.head_count", {-2}); }, "is -2");
  ExpectDamaged([](auto* m) { m->SetU32("llama.attention.head_count", 3); }, "not a multiple of");
  ExpectDamaged([](auto* m) { m->SetU32("llama.vocab_size", 11); }, "'llama.vocab_size' is 11");
  ExpectDamaged([](auto* m) { m->SetU32("llama.rope.dimension_count", 6); },
                "dimension_count' is 6");
  ExpectDamaged([](auto* m) { m->SetF32("llama.rope.scaling.factor", -2); }, "factor is -2");
  ExpectDamaged([](auto* m) { m->SetF32("llama.attention.layer_norm_rms_epsilon", NAN); },
                "epsilon");
  ExpectDamaged([](auto* m) { m->SetU32("tokenizer.ggml.eos_token_id", 10); }, "is 10, expected");
}

TEST_F(GgufReader, KeysThatAreMissing) {
  const std::map<std::string, uint32_t> numbers = {{"llama.block_count", 1},
                                                   {"llama.context_length", 32},
                                                   {"llama.embedding_length", 8},
                                                   {"llama.feed_forward_length", 12},
                                                   {"llama.attention.head_count", 2}};
  for (const auto& [missing, ignored] : numbers)
    ExpectFails(
        [&](TinyGguf* tiny) {
          tiny->metadata = GgufMetadata();
          tiny->metadata.SetString("general.architecture", "llama");
          for (const auto& [key, value] : numbers)
            if (key != missing) tiny->metadata.SetU32(key, value);
        },
        StatusCode::kDataLoss, "'" + missing + "' is missing");
  ExpectFails([](TinyGguf* tiny) { tiny->metadata = GgufMetadata(); }, StatusCode::kDataLoss,
              "'general.architecture' is missing");
}

TEST_F(GgufReader, TensorsThatDontFit) {
  const auto change = [](const std::string& name, const std::function<void(TensorSpec*)>& edit) {
    return [=](TinyGguf* tiny) { edit(&tiny->Spec(name)); };
  };
  ExpectFails(change("token_embd.weight", [](auto* spec) { spec->shape = {80}; }),
              StatusCode::kDataLoss, "'token_embd.weight' has shape [80]");
  ExpectFails(change("token_embd.weight", [](auto* spec) { spec->name = "x"; }),
              StatusCode::kDataLoss, "'token_embd.weight' is missing");
  ExpectFails(change("blk.0.attn_q.weight",
                     [](auto* spec) {
                       spec->shape = {4, 16};
                     }),
              StatusCode::kDataLoss, "'blk.0.attn_q.weight': shape [4, 16]");
  ExpectFails(
      change("output_norm.weight", [](auto* spec) { spec->name = "blk.0.attn_q_norm.weight"; }),
      StatusCode::kUnimplemented, "'blk.0.attn_q_norm.weight'");
  ExpectFails(
      change("output_norm.weight", [](auto* spec) { spec->name = "blk.1.ffn_norm.weight"; }),
      StatusCode::kDataLoss, "the config has only 1 layers");
  ExpectFails(change("output.weight", [](auto* spec) { spec->dtype = DType::kI32; }),
              StatusCode::kUnimplemented, "'output.weight': stored as I32");
  ExpectFails(
      [](auto* tiny) {
        tiny->specs.push_back({"rope_freqs.weight", DType::kF32, {3}});
      },
      StatusCode::kDataLoss, "'rope_freqs.weight' is F32 [3], expected F32 [2]");
}

TEST_F(GgufReader, Biases) {
  const auto checkpoint = Open([](TinyGguf* tiny) {
    tiny->specs.push_back({"blk.0.attn_q.bias", DType::kF32, {8}});
  });
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_NE((*checkpoint)->Find("model.layers.0.self_attn.q_proj.bias"), nullptr);
  ExpectFails(
      [](auto* tiny) {
        tiny->specs.push_back({"output.bias", DType::kF32, {10}});
      },
      StatusCode::kUnimplemented, "'output.bias'");
}

TEST_F(GgufReader, TokenizersThatAreWrong) {
  const auto with = [](const std::function<void(GgufMetadata*)>& change) {
    return [=](GgufMetadata* metadata) {
      metadata->SetString("tokenizer.ggml.model", "gpt2");
      metadata->SetStrings("tokenizer.ggml.tokens", {"a", "b"});
      metadata->SetStrings("tokenizer.ggml.merges", {});
      change(metadata);
    };
  };
  EXPECT_TRUE(Open([&](auto* tiny) { with([](auto*) {})(&tiny->metadata); }).ok());
  const auto damaged = [&](const std::function<void(GgufMetadata*)>& change,
                           const std::string& what) { ExpectDamaged(with(change), what); };
  damaged([](auto* m) { m->SetStrings("tokenizer.ggml.tokens", {}); }, "missing or empty");
  damaged([](auto* m) { m->SetU32("tokenizer.ggml.tokens", 2); }, "expected array of string");
  damaged([](auto* m) { m->SetStrings("tokenizer.ggml.tokens", std::vector<std::string>(11)); },
          "11 tokens, the embedding table has only 10 rows");
  damaged([](auto* m) { m->SetI32s("tokenizer.ggml.token_type", {1}); }, "has 1 elements");
  damaged([](auto* m) { m->SetI32s("tokenizer.ggml.token_type", {1, 7}); }, "element 1 is 7");
  damaged([](auto* m) { m->SetF32s("tokenizer.ggml.scores", {1, 2, 3}); }, "has 3 elements");
  damaged([](auto* m) { m->SetString("tokenizer.ggml.model", "llama"); }, "scores' is missing");
}

}  // namespace
}  // namespace cria::checkpoint
