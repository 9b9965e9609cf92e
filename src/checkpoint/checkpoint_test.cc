#include "checkpoint/checkpoint.h"

#include <functional>

#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;
using tensor::DType;

constexpr char kQuery[] = "model.layers.1.self_attn.q_proj.weight";

TEST(FromParts, FindsTensorsAndCounts) {
  const auto checkpoint = Checkpoint::FromParts(TinyParts());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  // Embedding and head 80 each, norm 8; a layer: 2 norms, q 64, k 32, v 32, o 64, three FFN
  // matrices of 96.
  constexpr int64_t kParameters = 2 * 80 + 8 + 2 * (16 + 64 + 32 + 32 + 64 + 3 * 96);
  EXPECT_EQ((*checkpoint)->parameters(), kParameters);
  EXPECT_EQ((*checkpoint)->bytes(), static_cast<uint64_t>(4 * kParameters));
  ASSERT_NE((*checkpoint)->Find(kQuery), nullptr);
  EXPECT_EQ((*checkpoint)->Find(kQuery)->shape, tensor::Shape({8, 8}));
  EXPECT_EQ((*checkpoint)->Find("model.layers.1.self_attn.q_proj.bias"), nullptr);
  EXPECT_EQ((*checkpoint)->Find(""), nullptr);
}

TEST(FromParts, AcceptsEveryWeightType) {
  ModelConfig config = TinyConfig();
  config.hidden = 256;  // whole blocks of every kind
  config.head_dim = config.rotary_dim = 128;
  config.layers[0].ffn = config.layers[1].ffn = 256;
  for (const DType dtype : {DType::kF16, DType::kBf16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_1,
                            DType::kQ5_0, DType::kQ5_1, DType::kQ4K, DType::kQ5K, DType::kQ6K}) {
    Checkpoint::Parts parts;
    parts.config = config;
    for (const WeightSpec& spec : WeightTable(config))
      if (!spec.optional)
        AddTensor(spec.name, spec.role == WeightRole::kNorm ? DType::kF32 : dtype, spec.shape,
                  &parts);
    const auto checkpoint = Checkpoint::FromParts(std::move(parts));
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  }
}

TEST(FromParts, BiasesAreOptional) {
  Checkpoint::Parts parts = TinyParts();
  AddTensor("model.layers.0.self_attn.k_proj.bias", DType::kF32, {4}, &parts);
  const auto checkpoint = Checkpoint::FromParts(std::move(parts));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_NE((*checkpoint)->Find("model.layers.0.self_attn.k_proj.bias"), nullptr);
  EXPECT_EQ((*checkpoint)->parameters(),
            Checkpoint::FromParts(TinyParts()).value()->parameters() + 4);
}

TEST(FromParts, DropsTensorsThatSayNothing) {
  Checkpoint::Parts parts = TinyParts();
  AddTensor("model.layers.0.self_attn.rotary_emb.inv_freq", DType::kF32, {2}, &parts);
  AddTensor("rope.freqs", DType::kBf16, {2}, &parts);
  const size_t count = parts.tensors.size();
  const auto checkpoint = Checkpoint::FromParts(std::move(parts));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->tensors().size(), count - 2);
}

// The int4 scheme with LoRA, on the query projection of layer 1.
Checkpoint::Parts DeviceParts(tensor::Shape scales) {
  Checkpoint::Parts parts = TinyParts();
  Remove(&parts, kQuery);
  AddTensor(kQuery, DType::kI8, {8, 8}, &parts);
  AddTensor("model.layers.1.self_attn.q_proj.scales", DType::kF32, std::move(scales), &parts);
  return parts;
}

TEST(FromParts, GroupsFollowFromTheScales) {
  for (const int64_t groups : {1, 2, 4, 8}) {
    const auto checkpoint = Checkpoint::FromParts(DeviceParts({8, groups}));
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  }
  for (const tensor::Shape& shape : {tensor::Shape{8, 3}, {8, 0}, {8, 16}, {7, 1}, {8}, {8, 1, 1}})
    ExpectError(Checkpoint::FromParts(DeviceParts(shape)), StatusCode::kDataLoss,
                "'model.layers.1.self_attn.q_proj.scales': shape " + shape.ToString());
}

TEST(FromParts, LoraBranches) {
  const auto with = [](double scale, int64_t rank_a, int64_t rank_b) {
    Checkpoint::Parts parts = DeviceParts({8, 2});
    parts.config.lora_scale = scale;
    if (rank_a > 0)
      AddTensor("model.layers.1.self_attn.q_proj.adaptor.A.weight", DType::kBf16, {rank_a, 8},
                &parts);
    if (rank_b > 0)
      AddTensor("model.layers.1.self_attn.q_proj.adaptor.B.weight", DType::kBf16, {8, rank_b},
                &parts);
    return Checkpoint::FromParts(std::move(parts));
  };
  const auto checkpoint = with(2, 3, 3);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->parameters(), Checkpoint::FromParts(TinyParts()).value()->parameters());
  ExpectError(with(0, 3, 3), StatusCode::kDataLoss, "no LoRA scale");
  ExpectError(with(2, 0, 0), StatusCode::kDataLoss, "no adaptor tensors");
  ExpectError(with(2, 3, 0), StatusCode::kDataLoss, "q_proj.adaptor.B.weight' is missing");
  ExpectError(with(2, 0, 3), StatusCode::kDataLoss, "q_proj.adaptor.A.weight' is missing");
  ExpectError(with(2, 3, 2), StatusCode::kDataLoss, "q_proj.adaptor.B.weight': shape [8, 2]");
}

struct Bad {
  std::function<void(Checkpoint::Parts*)> change;
  StatusCode code;
  std::string message;
};

TEST(FromParts, NamesTheTensorThatIsWrong) {
  const auto retype = [](const std::string& name, DType dtype) {
    return [=](Checkpoint::Parts* p) {
      const tensor::Shape shape = Entry(p, name).view.shape;
      Remove(p, name);
      AddTensor(name, dtype, shape, p);
    };
  };
  const std::vector<Bad> cases = {
      {[](auto* p) { Remove(p, kQuery); }, StatusCode::kDataLoss,
       "tensor 'model.layers.1.self_attn.q_proj.weight' [8, 8] is missing"},
      {[](auto* p) { Remove(p, "lm_head.weight"); }, StatusCode::kDataLoss,
       "'lm_head.weight' [10, 8] is missing and the config doesn't tie it"},
      {[](auto* p) {
         Entry(p, kQuery).view.shape = {4, 16};
       },
       StatusCode::kDataLoss, "q_proj.weight': shape [4, 16], the config calls for [8, 8]"},
      {[](auto* p) { Entry(p, kQuery).view.bytes = {}; }, StatusCode::kDataLoss,
       "q_proj.weight': 0 bytes, [8, 8] F32 needs 256"},
      {[](auto* p) { Entry(p, kQuery).view.dtype = DType::kQ8_0; }, StatusCode::kDataLoss,
       "rows of 8 elements don't divide into Q8_0 blocks of 32"},
      {[](auto* p) {
         AddTensor(kQuery, DType::kF32, {8, 8}, p);
       },
       StatusCode::kDataLoss, "q_proj.weight' is there twice"},
      {[](auto* p) {
         AddTensor("model.layers.2.mlp.up_proj.weight", DType::kF32, {12, 8}, p);
       },
       StatusCode::kDataLoss, "'model.layers.2.mlp.up_proj.weight': the config has only 2 layers"},
      {[](auto* p) { AddTensor("model.layers.0.self_attn.q_norm.weight", DType::kF32, {4}, p); },
       StatusCode::kUnimplemented, "'model.layers.0.self_attn.q_norm.weight'"},
      {[](auto* p) { AddTensor("language_model.model.norm.weight", DType::kF32, {8}, p); },
       StatusCode::kUnimplemented, "'language_model.model.norm.weight'"},
      {[](auto* p) { AddTensor("model.norm.scales", DType::kF32, {8}, p); },
       StatusCode::kUnimplemented, "'model.norm.scales'"},
      {retype(kQuery, DType::kF64), StatusCode::kUnimplemented, "q_proj.weight': stored as F64"},
      {retype(kQuery, DType::kU8), StatusCode::kUnimplemented, "q_proj.weight': stored as U8"},
      {retype("model.norm.weight", DType::kI8), StatusCode::kUnimplemented,
       "'model.norm.weight': stored as I8"},
      {retype(kQuery, DType::kI8), StatusCode::kDataLoss,
       "'model.layers.1.self_attn.q_proj.scales' is missing"},
      {[](auto* p) {
         AddTensor("model.embed_tokens.scales", DType::kF32, {10, 1}, p);
       },
       StatusCode::kDataLoss, "scales beside a weight of type F32"},
      {[](auto* p) { p->config.layers[0].ffn = 0; }, StatusCode::kDataLoss, "layer 0: FFN width"},
  };
  for (const Bad& bad : cases) {
    Checkpoint::Parts parts = TinyParts();
    bad.change(&parts);
    ExpectError(Checkpoint::FromParts(std::move(parts)), bad.code, bad.message);
  }
}

TEST(FromParts, TiedHead) {
  ModelConfig config = TinyConfig();
  config.tied_embeddings = true;
  const int64_t tied_parameters = Checkpoint::FromParts(TinyParts(config)).value()->parameters();

  // Stored all the same, equal: dropped.
  Checkpoint::Parts equal = TinyParts(config);
  tensor::View head = Entry(&equal, "model.embed_tokens.weight").view;
  const std::vector<uint8_t> copy(head.bytes.begin(), head.bytes.end());
  head.bytes = copy;
  equal.tensors.push_back({"lm_head.weight", "lm_head.weight", head});
  auto checkpoint = Checkpoint::FromParts(std::move(equal));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_TRUE((*checkpoint)->config().tied_embeddings);
  EXPECT_EQ((*checkpoint)->Find("lm_head.weight"), nullptr);
  EXPECT_EQ((*checkpoint)->Find("model.norm.weight")->shape, tensor::Shape({8}));
  EXPECT_EQ((*checkpoint)->parameters(), tied_parameters);

  // Different: it is the head.
  Checkpoint::Parts different = TinyParts(config);
  AddTensor("lm_head.weight", DType::kF32, {10, 8}, &different, 99);
  checkpoint = Checkpoint::FromParts(std::move(different));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_FALSE((*checkpoint)->config().tied_embeddings);
  EXPECT_NE((*checkpoint)->Find("lm_head.weight"), nullptr);
  EXPECT_EQ((*checkpoint)->parameters(), tied_parameters + 80);
}

TEST(FromParts, ErrorsNameThePath) {
  Checkpoint::Parts parts = TinyParts();
  parts.path = "/models/broken";
  parts.tensors.clear();
  ExpectError(Checkpoint::FromParts(std::move(parts)), StatusCode::kDataLoss, "/models/broken: ");
}

}  // namespace
}  // namespace cria::checkpoint
