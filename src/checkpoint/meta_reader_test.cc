#include "checkpoint/meta_reader.h"

#include <functional>

#include "checkpoint/meta_names.h"
#include "checkpoint/test_support.h"
#include "checkpoint/torch_test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

constexpr char kParams[] =
    R"({"dim": 8, "n_layers": 2, "n_heads": 2, "n_kv_heads": 1, "vocab_size": 10})";

std::string MetaNameOf(const std::string& canonical) {
  std::string name = canonical;
  const std::pair<const char*, const char*> words[] = {{"model.embed_tokens", "tok_embeddings"},
                                                       {"model.norm", "norm"},
                                                       {"lm_head", "output"},
                                                       {"model.layers", "layers"},
                                                       {"self_attn.q_proj", "attention.wq"},
                                                       {"self_attn.k_proj", "attention.wk"},
                                                       {"self_attn.v_proj", "attention.wv"},
                                                       {"self_attn.o_proj", "attention.wo"},
                                                       {"mlp.gate_proj", "feed_forward.w1"},
                                                       {"mlp.up_proj", "feed_forward.w3"},
                                                       {"mlp.down_proj", "feed_forward.w2"},
                                                       {"input_layernorm", "attention_norm"},
                                                       {"post_attention_layernorm", "ffn_norm"}};
  for (const auto& [from, to] : words)
    if (const size_t at = name.find(from); at != std::string::npos)
      name.replace(at, std::string_view(from).size(), to);
  return name;
}

// The tensors of a Meta file of the tiny model, random, float32.
std::vector<TorchTestTensor> TinyTensors() {
  const Checkpoint::Parts parts = TinyParts();
  std::vector<TorchTestTensor> tensors;
  for (const TensorEntry& entry : parts.tensors)
    tensors.push_back({.name = MetaNameOf(entry.name),
                       .shape = entry.view.shape.dims(),
                       .data = std::string(entry.view.bytes.begin(), entry.view.bytes.end())});
  return tensors;
}

TorchTestTensor& Find(std::vector<TorchTestTensor>* tensors, const std::string& name) {
  for (TorchTestTensor& tensor : *tensors)
    if (tensor.name == name) return tensor;
  ADD_FAILURE() << "no tensor " << name;
  return tensors->front();
}

void Erase(std::vector<TorchTestTensor>* tensors, const std::string& name) {
  std::erase_if(*tensors, [&](const TorchTestTensor& tensor) { return tensor.name == name; });
}

// Slice `rank` of two, cut as Meta cuts.
std::vector<TorchTestTensor> Shard(const std::vector<TorchTestTensor>& whole, size_t rank) {
  std::vector<TorchTestTensor> slices = whole;
  for (TorchTestTensor& tensor : slices) {
    const ShardCut cut = CanonicalFromMeta(tensor.name)->cut;
    if (cut == ShardCut::kReplicated) continue;
    const size_t axis = cut == ShardCut::kColumns ? 1 : 0;
    const auto rows = static_cast<size_t>(tensor.shape[0]);
    const size_t row_bytes = tensor.data.size() / rows;
    std::string slice;
    if (axis == 0)
      slice = tensor.data.substr(rank * tensor.data.size() / 2, tensor.data.size() / 2);
    for (size_t row = 0; axis == 1 && row < rows; ++row)
      slice += tensor.data.substr(row * row_bytes + rank * row_bytes / 2, row_bytes / 2);
    tensor.data = slice;
    tensor.shape[axis] /= 2;
  }
  return slices;
}

class MetaReader : public testing::Test {
 protected:
  void Write(const std::string& params, const std::vector<std::vector<TorchTestTensor>>& shards) {
    directory_.Write("params.json", params);
    for (size_t rank = 0; rank < shards.size(); ++rank)
      directory_.Write(absl::StrCat("consolidated.0", rank, ".pth"), MakeTorchFile(shards[rank]));
  }
  absl::StatusOr<std::shared_ptr<const Checkpoint>> Open() {
    return Checkpoint::Open(directory_.path());
  }
  void ExpectFails(StatusCode code, const std::string& what) { ExpectError(Open(), code, what); }
  // Opens the tiny model after a change of its tensors.
  void ExpectChangeFails(const std::function<void(std::vector<TorchTestTensor>*)>& change,
                         StatusCode code, const std::string& what) {
    std::vector<TorchTestTensor> tensors = TinyTensors();
    change(&tensors);
    Write(kParams, {tensors});
    ExpectFails(code, what);
  }

  TempDirectory directory_;
};

// rope.freqs [2] with theta 100: 1, 0.1.
TEST_F(MetaReader, StoredFrequenciesAgreeWithTheta) {
  constexpr char kTheta100[] =
      R"({"dim": 8, "n_layers": 2, "n_heads": 2, "n_kv_heads": 1, "vocab_size": 10,
          "rope_theta": 100})";
  std::vector<TorchTestTensor> tensors = TinyTensors();
  const float freqs[] = {1, 0.1f};
  tensors.push_back({.name = "rope.freqs",
                     .shape = {2},
                     .data = std::string(reinterpret_cast<const char*>(freqs), sizeof freqs)});
  Write(kTheta100, {tensors});
  EXPECT_TRUE(Open().ok()) << Open().status();
  Write(kParams, {tensors});  // 10000
  ExpectFails(StatusCode::kDataLoss, "tensor 'rope.freqs': element 1 is 0.1, rope_theta 10000");
  tensors.back().shape = {1, 2};
  Write(kTheta100, {tensors});
  ExpectFails(StatusCode::kDataLoss, "tensor 'rope.freqs' is F32 [1, 2], expected floats [2]");
}

TEST_F(MetaReader, OneShardStaysMapped) {
  const std::vector<TorchTestTensor> tensors = TinyTensors();
  Write(kParams, {tensors});
  directory_.Write("tokenizer.model", "IQ== 0");
  const auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const ModelConfig& config = (*checkpoint)->config();
  EXPECT_EQ((*checkpoint)->format(), Format::kMeta);
  EXPECT_EQ(config.head_dim, 4);
  EXPECT_EQ(config.layers.size(), 2u);
  EXPECT_EQ(config.layers[0].ffn, 12);
  EXPECT_EQ(config.max_context, 8192);
  EXPECT_EQ(config.rope_pairing, RopePairing::kAdjacent);
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_EQ((*checkpoint)->tokenizer().kind, TokenizerData::Kind::kTiktoken);
  EXPECT_EQ((*checkpoint)->tokenizer().file, "IQ== 0");
  for (const TensorEntry& entry : (*checkpoint)->tensors())
    EXPECT_EQ(entry.source, MetaNameOf(entry.name));
}

TEST_F(MetaReader, TwoShardsAreWhatOneIs) {
  const std::vector<TorchTestTensor> whole = TinyTensors();
  Write(kParams, {Shard(whole, 0), Shard(whole, 1)});
  const auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  for (const TorchTestTensor& tensor : whole) {
    const tensor::View* view = (*checkpoint)->Find(CanonicalFromMeta(tensor.name)->canonical);
    ASSERT_NE(view, nullptr) << tensor.name;
    EXPECT_EQ(std::string(view->bytes.begin(), view->bytes.end()), tensor.data) << tensor.name;
  }
}

// Llama 2 cut the embedding table by columns.
TEST_F(MetaReader, EmbeddingShardsByColumns) {
  const std::vector<TorchTestTensor> whole = TinyTensors();
  std::vector<std::vector<TorchTestTensor>> shards = {Shard(whole, 0), Shard(whole, 1)};
  for (size_t rank = 0; rank < 2; ++rank) {
    TorchTestTensor& slice = Find(&shards[rank], "tok_embeddings.weight");
    slice.shape = {10, 4};
    slice.data.clear();
    for (size_t row = 0; row < 10; ++row)
      slice.data += whole[0].data.substr(row * 32 + rank * 16, 16);
  }
  ASSERT_EQ(whole[0].name, "tok_embeddings.weight");
  Write(kParams, shards);
  const auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const tensor::View* view = (*checkpoint)->Find("model.embed_tokens.weight");
  EXPECT_EQ(std::string(view->bytes.begin(), view->bytes.end()), whole[0].data);
}

TEST_F(MetaReader, TiedWhenTheHeadIsAbsentOrTheEmbedding) {
  std::vector<TorchTestTensor> tensors = TinyTensors();
  Find(&tensors, "output.weight").data = Find(&tensors, "tok_embeddings.weight").data;
  Write(kParams, {tensors});
  auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_TRUE((*checkpoint)->config().tied_embeddings);
  EXPECT_EQ((*checkpoint)->Find("lm_head.weight"), nullptr);
  Erase(&tensors, "output.weight");
  Write(kParams, {tensors});
  checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_TRUE((*checkpoint)->config().tied_embeddings);
}

TEST_F(MetaReader, ScaledRope) {
  Write(R"({"dim": 8, "n_layers": 2, "n_heads": 2, "n_kv_heads": 1, "use_scaled_rope": true})",
        {TinyTensors()});
  const auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const RopeScaling& scaling = (*checkpoint)->config().rope_scaling;
  EXPECT_EQ(scaling.type, RopeScaling::Type::kLlama3);
  EXPECT_EQ(scaling.factor, 8);
  EXPECT_EQ(scaling.low_freq_factor, 1);
  EXPECT_EQ(scaling.high_freq_factor, 4);
  EXPECT_EQ(scaling.original_context, 8192);
  EXPECT_EQ((*checkpoint)->config().max_context, 131072);
}

TEST_F(MetaReader, FilesThatAreMissing) {
  ExpectError(ReadMeta(directory_.path()), StatusCode::kNotFound, "params.json");
  Write(kParams, {});
  ExpectFails(StatusCode::kNotFound, "there is no consolidated.00.pth");
  const std::string file = MakeTorchFile(TinyTensors());
  directory_.Write("consolidated.01.pth", file);
  ExpectFails(StatusCode::kNotFound, "there is consolidated.01.pth, but not consolidated.00.pth");
  directory_.Write("consolidated.00.pth", file);
  directory_.Write("consolidated.pth", file);
  ExpectFails(StatusCode::kInvalidArgument, "both consolidated.pth and consolidated.00.pth");
}

TEST_F(MetaReader, DamagedFiles) {
  Write(kParams, {TinyTensors()});
  const std::string path = directory_.File("consolidated.00.pth");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  ExpectFails(StatusCode::kDataLoss, "consolidated.00.pth: zip archive: there is no end record");
  directory_.Write("consolidated.00.pth",
                   MakeZip({{"x/data.pkl", kProto + PickleGlobal("os", "system") + ")R."}}));
  ExpectFails(StatusCode::kDataLoss, "consolidated.00.pth: pickle: asks for 'os.system'");
}

TEST_F(MetaReader, ShardsThatDisagree) {
  const std::vector<TorchTestTensor> whole = TinyTensors();
  const std::vector<TorchTestTensor> first = Shard(whole, 0);
  const std::string wq = "layers.0.attention.wq.weight";
  std::vector<TorchTestTensor> second = Shard(whole, 1);
  Erase(&second, wq);
  Write(kParams, {first, second});
  ExpectFails(StatusCode::kDataLoss, "'" + wq + "': is missing in");
  Write(kParams, {second, first});
  ExpectFails(StatusCode::kDataLoss, "consolidated.01.pth: tensor '" + wq + "' is not in");
  second = Shard(whole, 1);
  Find(&second, wq).shape = {2, 16};
  Write(kParams, {first, second});
  ExpectFails(StatusCode::kDataLoss, "is [4, 8] F32, but [2, 16] F32 in");
  second = Shard(whole, 1);
  TorchTestTensor& other_type = Find(&second, wq);
  other_type.storage_class = "IntStorage";
  Write(kParams, {first, second});
  ExpectFails(StatusCode::kDataLoss, "is [4, 8] F32, but [4, 8] I32 in");
  Write(kParams, {first, first, first});
  ExpectFails(StatusCode::kDataLoss, "");
}

TEST_F(MetaReader, TensorsThatDontFitTheParams) {
  const auto change = [](const std::string& name, const std::vector<int64_t>& shape) {
    return [=](std::vector<TorchTestTensor>* tensors) { Find(tensors, name).shape = shape; };
  };
  ExpectChangeFails(change("layers.1.attention.wk.weight", {8, 4}), StatusCode::kDataLoss,
                    "'layers.1.attention.wk.weight': shape [8, 4]");
  ExpectChangeFails(change("layers.0.feed_forward.w1.weight", {96}), StatusCode::kDataLoss,
                    "'layers.0.feed_forward.w1.weight': shape [96], expected a matrix");
  ExpectChangeFails(change("layers.0.attention.wq.weight", {1, 64}), StatusCode::kDataLoss,
                    "has 1 rows, params.json says n_heads 2");
  ExpectChangeFails([](auto* tensors) { Erase(tensors, "norm.weight"); }, StatusCode::kDataLoss,
                    "'norm.weight' [8] is missing");
  ExpectChangeFails([](auto* tensors) { Erase(tensors, "layers.1.feed_forward.w1.weight"); },
                    StatusCode::kDataLoss, "'layers.1.feed_forward.w1.weight' is missing");
  ExpectChangeFails(
      [](auto* tensors) { Find(tensors, "norm.weight").storage_class = "IntStorage"; },
      StatusCode::kUnimplemented, "'norm.weight': stored as I32");
}

TEST_F(MetaReader, UnknownTensorsAreRefusedByName) {
  for (const std::string name : {"layers.0.attention.wq.bias", "layers.0.attention.q_norm.weight",
                                 "vision_model.class_embedding", "layers.00.ffn_norm.weight"})
    ExpectChangeFails(
        [&](auto* tensors) {
          tensors->push_back({.name = name, .shape = {1}, .data = std::string(4, '\0')});
        },
        StatusCode::kUnimplemented, name);
}

TEST_F(MetaReader, ZeroPoints) {
  const std::string name = "layers.0.attention.wq.zeros";
  std::vector<TorchTestTensor> tensors = TinyTensors();
  tensors.push_back({.name = name, .shape = {2}, .data = std::string(8, '\0')});
  Write(kParams, {tensors});
  EXPECT_TRUE(Open().ok()) << Open().status();
  ExpectChangeFails(
      [&](auto* all) {
        all->push_back({.name = name, .shape = {2}, .data = std::string(8, '\1')});
      },
      StatusCode::kUnimplemented, "'" + name + "': zero points");
}

TEST_F(MetaReader, QuantisedShardsAreRefused) {
  std::vector<TorchTestTensor> tensors = TinyTensors();
  tensors.push_back({.name = "output.scales", .shape = {10, 1}, .data = std::string(40, '\0')});
  Write(kParams, {tensors, tensors});
  ExpectFails(StatusCode::kUnimplemented, "shards of a quantised model can't be merged");
}

// Many transposed views of one storage would fill the memory.
TEST_F(MetaReader, CopiesAreBounded) {
  const int64_t side = 512;
  std::vector<TorchTestTensor> tensors = {
      {.name = "storage", .shape = {side, side}, .data = std::string(side * side * 4, '\0')}};
  for (int i = 0; i < 10; ++i)
    tensors.push_back({.name = absl::StrCat("view", i),
                       .shape = {side, side},
                       .key = "storage",
                       .strides = {1, side},
                       .elements = side * side});
  Write(kParams, {tensors});
  ExpectFails(StatusCode::kDataLoss, "larger than its files");
}

}  // namespace
}  // namespace cria::checkpoint
