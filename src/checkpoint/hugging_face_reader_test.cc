#include "checkpoint/hugging_face_reader.h"

#include "checkpoint/hugging_face_writer.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

// A tiny model's directory, made by the writer and then bent by the tests.
class HuggingFaceReader : public testing::Test {
 protected:
  void SetUp() override { Save(TinyParts()); }

  void Save(Checkpoint::Parts parts) {
    const auto checkpoint = Checkpoint::FromParts(std::move(parts));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    std::filesystem::remove_all(directory_.path());
    const absl::Status status = WriteHuggingFace(**checkpoint, directory_.path());
    ASSERT_TRUE(status.ok()) << status;
  }

  absl::StatusOr<std::shared_ptr<const Checkpoint>> Open() const {
    return Checkpoint::Open(directory_.path());
  }

  const TempDirectory directory_;
};

TEST_F(HuggingFaceReader, OpensTheDirectoryAndTheFile) {
  const auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->format(), Format::kHuggingFace);
  EXPECT_EQ((*checkpoint)->path(), directory_.path());
  EXPECT_EQ((*checkpoint)->tokenizer().kind, TokenizerData::Kind::kNone);
  const auto by_file = Checkpoint::Open(directory_.File("model.safetensors"));
  ASSERT_TRUE(by_file.ok()) << by_file.status();
  EXPECT_EQ((*by_file)->bytes(), (*checkpoint)->bytes());
}

TEST_F(HuggingFaceReader, TheOnlySafetensorsMayHaveAnotherName) {
  std::filesystem::rename(directory_.File("model.safetensors"), directory_.File("w.safetensors"));
  EXPECT_TRUE(Open().ok()) << Open().status();
  std::filesystem::copy(directory_.File("w.safetensors"), directory_.File("v.safetensors"));
  ExpectError(Open(), StatusCode::kNotFound, "2 *.safetensors files");
}

TEST_F(HuggingFaceReader, MissingFiles) {
  std::filesystem::remove(directory_.File("model.safetensors"));
  ExpectError(Open(), StatusCode::kNotFound, "no model.safetensors");
  directory_.Write("pytorch_model.bin", "x");
  ExpectError(Open(), StatusCode::kUnimplemented, "pytorch_model.bin");
}

TEST_F(HuggingFaceReader, DamagedFilesAreNamed) {
  directory_.Write("generation_config.json", "{");
  ExpectError(Open(), StatusCode::kDataLoss, "generation_config.json: ");
  directory_.Write("config.json", "{}");
  ExpectError(Open(), StatusCode::kDataLoss, "config.json: 'model_type' is missing");
}

TEST_F(HuggingFaceReader, TrunkWithoutPrefix) {
  Checkpoint::Parts parts = TinyParts();
  std::string header = "{";
  size_t position = 0;
  for (const TensorEntry& entry : parts.tensors) {
    std::string name = entry.name;
    if (name.starts_with("model.")) name = name.substr(6);
    absl::StrAppend(&header, position > 0 ? "," : "", "\"", name,
                    "\":{\"dtype\":\"F32\",\"shape\":", entry.view.shape.ToString(),
                    ",\"data_offsets\":[", position, ",", position + entry.view.bytes.size(), "]}");
    position += entry.view.bytes.size();
  }
  directory_.Write("model.safetensors", RawSafetensors(header + "}", position));
  const auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->tensors()[0].name, "model.embed_tokens.weight");
  EXPECT_EQ((*checkpoint)->tensors()[0].source, "embed_tokens.weight");
}

TEST_F(HuggingFaceReader, TokenizerFilesInTheOrderOfTransformers) {
  directory_.Write("tokenizer.model", "tiktoken");
  auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->tokenizer().kind, TokenizerData::Kind::kTiktoken);
  EXPECT_EQ((*checkpoint)->tokenizer().file, "tiktoken");

  directory_.Write("tokenizer.json", "json");
  directory_.Write("tokenizer_config.json", R"({"chat_template": "from config"})");
  checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->tokenizer().kind, TokenizerData::Kind::kHuggingFace);
  EXPECT_EQ((*checkpoint)->tokenizer().file, "json");
  EXPECT_EQ((*checkpoint)->tokenizer().chat_template, "from config");

  directory_.Write("chat_template.jinja", "from file");
  EXPECT_EQ(Open().value()->tokenizer().chat_template, "from file");
}

TEST_F(HuggingFaceReader, ListsOfChatTemplates) {
  directory_.Write("tokenizer_config.json",
                   R"({"chat_template": [{"name": "tool_use", "template": "no"},
                                         {"name": "default", "template": "yes"}]})");
  const auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->tokenizer().chat_template, "yes");
  for (const char* const bad : {R"({"chat_template": [{"name": "rag", "template": "no"}]})",
                                R"({"chat_template": 3})", R"({"chat_template": ["x"]})"}) {
    directory_.Write("tokenizer_config.json", bad);
    ExpectError(Open(), StatusCode::kDataLoss, "tokenizer_config.json: 'chat_template'");
  }
}

TEST_F(HuggingFaceReader, BiasesMustBeDeclared) {
  ModelConfig config = TinyConfig();
  Checkpoint::Parts parts = TinyParts(config);
  for (const WeightSpec& spec : WeightTable(config))
    if (spec.role == WeightRole::kBias)
      AddTensor(spec.name, tensor::DType::kF32, spec.shape, &parts);
  Save(std::move(parts));
  auto checkpoint = Open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_NE((*checkpoint)->Find("model.layers.1.mlp.down_proj.bias"), nullptr);

  const std::string path = directory_.File("config.json");
  std::ifstream file(path);
  std::string json((std::istreambuf_iterator<char>(file)), {});
  const auto replace = [&](const std::string& from, const std::string& to) {
    const size_t at = json.find(from);
    ASSERT_NE(at, std::string::npos);
    directory_.Write("config.json", std::string(json).replace(at, from.size(), to));
  };
  replace(R"("attention_bias":true)", R"("attention_bias":false)");
  ExpectError(Open(), StatusCode::kDataLoss, "_proj.bias': the config says attention_bias false");
  replace(R"("mlp_bias":true)", R"("mlp_bias":false)");
  ExpectError(Open(), StatusCode::kDataLoss, "_proj.bias': the config says mlp_bias false");

  directory_.Write("config.json", json);
  std::filesystem::remove(directory_.File("model.safetensors"));
  const TempDirectory plain;
  ASSERT_TRUE(WriteHuggingFace(*Checkpoint::FromParts(TinyParts()).value(), plain.path()).ok());
  std::filesystem::copy(plain.File("model.safetensors"), directory_.File("model.safetensors"));
  ExpectError(Open(), StatusCode::kDataLoss,
              "attention_bias true: expected 8 tensors 'self_attn.*_proj.bias', found 0");
}

TEST_F(HuggingFaceReader, ShapesMustFitTheConfig) {
  Checkpoint::Parts parts = TinyParts();
  parts.config.layers[1].ffn = 16;
  Remove(&parts, "model.layers.1.mlp.gate_proj.weight");
  ExpectError(Checkpoint::FromParts(std::move(parts)), StatusCode::kDataLoss,
              "'model.layers.1.mlp.gate_proj.weight' [16, 8] is missing");
}

// Shards: the same model in two files and an index.
class Shards : public HuggingFaceReader {
 protected:
  void SetUp() override {
    HuggingFaceReader::SetUp();
    std::filesystem::remove(directory_.File("model.safetensors"));
    const Checkpoint::Parts parts = TinyParts();
    const size_t half = parts.tensors.size() / 2;
    WriteShard("a.safetensors", {parts.tensors.begin(), parts.tensors.begin() + half});
    WriteShard("b.safetensors", {parts.tensors.begin() + half, parts.tensors.end()});
    for (size_t i = 0; i < parts.tensors.size(); ++i)
      map_[parts.tensors[i].name] = i < half ? "a.safetensors" : "b.safetensors";
  }

  void WriteShard(const std::string& name, const std::vector<TensorEntry>& tensors) {
    std::vector<SafetensorsSpec> specs;
    for (const TensorEntry& entry : tensors)
      specs.push_back({entry.name, entry.view.dtype, entry.view.shape});
    auto writer = CreateSafetensors(directory_.File(name), specs);
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (const TensorEntry& entry : tensors)
      ASSERT_TRUE((*writer)->Append(entry.name, entry.view.bytes).ok());
    ASSERT_TRUE((*writer)->Finish().ok());
  }

  absl::StatusOr<std::shared_ptr<const Checkpoint>> OpenWithIndex() {
    std::string json = "{\"metadata\":{},\"weight_map\":{";
    for (const auto& [tensor, shard] : map_)
      absl::StrAppend(&json, json.back() == '{' ? "" : ",", "\"", tensor, "\":\"", shard, "\"");
    directory_.Write("model.safetensors.index.json", json + "}}");
    return Open();
  }

  std::map<std::string, std::string> map_;
};

TEST_F(Shards, AreOneModel) {
  const auto checkpoint = OpenWithIndex();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->parameters(), Checkpoint::FromParts(TinyParts()).value()->parameters());
}

TEST_F(Shards, IndexMustTellTheTruth) {
  map_["lm_head.weight"] = "a.safetensors";
  ExpectError(OpenWithIndex(), StatusCode::kDataLoss, "'lm_head.weight' is in 'b.safetensors'");
  map_.erase("lm_head.weight");
  ExpectError(OpenWithIndex(), StatusCode::kDataLoss,
              "'lm_head.weight' is in 'b.safetensors', but the index doesn't name it");
  map_["lm_head.weight"] = "b.safetensors";
  map_["z"] = "b.safetensors";
  ExpectError(OpenWithIndex(), StatusCode::kDataLoss, "tensor 'z' is not in 'b.safetensors'");
  map_["z"] = "c.safetensors";
  ExpectError(OpenWithIndex(), StatusCode::kNotFound, "c.safetensors");
}

TEST_F(Shards, NoTensorInTwoShards) {
  Checkpoint::Parts twice;
  AddTensor("lm_head.weight", tensor::DType::kF32, {10, 8}, &twice);
  AddTensor("z", tensor::DType::kF32, {1}, &twice);
  WriteShard("c.safetensors", twice.tensors);
  map_["z"] = "c.safetensors";
  ExpectError(OpenWithIndex(), StatusCode::kDataLoss, "'lm_head.weight' is in 'c.safetensors'");
}

TEST_F(Shards, StayInTheDirectory) {
  for (const char* const name : {"../a.safetensors", "/etc/passwd", "sub/a.safetensors", "..", "",
                                 "sub\\\\a.safetensors", "a\\u0000b"}) {
    map_["lm_head.weight"] = name;
    ExpectError(OpenWithIndex(), StatusCode::kDataLoss, "expected the name of a file");
  }
}

TEST_F(Shards, DamagedIndex) {
  for (const auto& [json, message] :
       {std::pair("[]", "no 'weight_map'"),
        {"{\"weight_map\": []}", "no 'weight_map'"},
        {"{\"weight_map\": {\"a\": 1}}", "tensor 'a'"},
        {"{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}", "'a' is there twice"},
        {"{", "not valid JSON"}}) {
    directory_.Write("model.safetensors.index.json", json);
    ExpectError(Open(), StatusCode::kDataLoss, message);
    ExpectError(Open(), StatusCode::kDataLoss, "model.safetensors.index.json: ");
  }
}

}  // namespace
}  // namespace cria::checkpoint
