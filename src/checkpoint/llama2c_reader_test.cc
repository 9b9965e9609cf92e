#include "checkpoint/llama2c_reader.h"

#include "checkpoint/rope_rows.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;

std::string Ints(const std::vector<int32_t>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int32_t)};
}

// dim 8, hidden 12, 2 layers, 2 heads, 1 key/value head, context 16: 0, 1, 2, ... as the floats.
std::string Model(int32_t vocab) {
  std::string file = Ints({8, 12, 2, 2, 1, vocab, 16});
  const int embedding = 8 * std::abs(vocab);
  const int floats = embedding + 2 * (8 + 64 + 32 + 32 + 64 + 8 + 3 * 96) + 8 + 16 * 4 +
                     (vocab < 0 ? embedding : 0);
  for (int i = 0; i < floats; ++i) {
    const auto value = static_cast<float>(i);
    file.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return file;
}

float First(const Checkpoint& checkpoint, const std::string& name) {
  const tensor::View* view = checkpoint.Find(name);
  if (view == nullptr) return -1;
  float value = 0;
  std::memcpy(&value, view->bytes.data(), sizeof value);
  return value;
}

TEST(Llama2c, TensorsLieInTheOrderOfTheExporter) {
  const TempDirectory directory;
  for (const int32_t vocab : {10, -10}) {
    const auto checkpoint = Checkpoint::Open(directory.Write("model.bin", Model(vocab)));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    const ModelConfig& config = (*checkpoint)->config();
    EXPECT_EQ((*checkpoint)->format(), Format::kLlama2c);
    EXPECT_EQ(config.vocab, 10);
    EXPECT_EQ(config.head_dim, 4);
    EXPECT_EQ(config.layers[1].num_kv_heads, 1);
    EXPECT_EQ(config.layers[1].ffn, 12);
    EXPECT_EQ(config.max_context, 16);
    EXPECT_EQ(config.rope_pairing, RopePairing::kAdjacent);
    EXPECT_EQ(config.tied_embeddings, vocab > 0);
    EXPECT_EQ(First(**checkpoint, "model.embed_tokens.weight"), 0);
    EXPECT_EQ(First(**checkpoint, "model.layers.1.input_layernorm.weight"), 88);
    EXPECT_EQ(First(**checkpoint, "model.layers.0.self_attn.q_proj.weight"), 96);
    EXPECT_EQ(First(**checkpoint, "model.layers.1.self_attn.k_proj.weight"), 256);
    EXPECT_EQ(First(**checkpoint, "model.layers.0.mlp.gate_proj.weight"), 496);
    EXPECT_EQ(First(**checkpoint, "model.layers.0.mlp.down_proj.weight"), 688);
    EXPECT_EQ(First(**checkpoint, "model.layers.0.mlp.up_proj.weight"), 880);
    EXPECT_EQ(First(**checkpoint, "model.norm.weight"), 1072);
    EXPECT_EQ(First(**checkpoint, "lm_head.weight"), vocab < 0 ? 1144 : -1);
  }
}

TEST(Llama2c, OtherFilesAreRefused) {
  const TempDirectory directory;
  const std::string good = Model(10);
  const auto open = [&](const std::string& content) {
    return Checkpoint::Open(directory.Write("model.bin", content));
  };
  ExpectError(open(""), StatusCode::kDataLoss, "model.bin: not a model of a known format");
  ExpectError(open("hello world, this is no model at all"), StatusCode::kDataLoss,
              "its header is not plausible");
  ExpectError(open(good.substr(0, good.size() - 4)), StatusCode::kDataLoss, "calls for");
  ExpectError(open(good + "1234"), StatusCode::kDataLoss, "calls for");
  ExpectError(open(Ints({0x616b3432, 1, 8, 12, 2, 2, 1, 10, 16})), StatusCode::kUnimplemented,
              "llama2.c version 1");
  const std::vector<int32_t> header = {8, 12, 2, 2, 1, 10, 16};
  for (size_t i = 0; i < header.size(); ++i)
    for (const int32_t value : {0, -1, 3, INT32_MAX, INT32_MIN}) {
      std::vector<int32_t> bad = header;
      bad[i] = value;
      ExpectError(open(Ints(bad) + good.substr(28)), StatusCode::kDataLoss, "not a model");
    }
}

std::string Token(float score, const std::string& text) {
  const auto length = static_cast<int32_t>(text.size());
  return std::string(reinterpret_cast<const char*>(&score), 4) +
         std::string(reinterpret_cast<const char*>(&length), 4) + text;
}

std::string Tokenizer(int count) {
  std::string file = Ints({6}) + Token(0, "<unk>") + Token(0, "\n<s>\n") + Token(0, "\n</s>\n");
  for (int id = 3; id < count; ++id)
    file += id < 259 ? Token(0, "<0x00>") : Token(static_cast<float>(-id), " a b");
  return file;
}

TEST(Llama2cTokenizer, ComesOutInSentencePieceSpelling) {
  const std::string file = Tokenizer(260);
  const auto vocabulary = ParseLlama2cTokenizer(Bytes(file), 260, "t");
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.status();
  EXPECT_EQ(vocabulary->model, "llama");
  EXPECT_EQ(vocabulary->tokens[1], "<s>");
  EXPECT_EQ(vocabulary->tokens[2], "</s>");
  EXPECT_EQ(vocabulary->tokens[259], "\u2581a\u2581b");
  EXPECT_EQ(vocabulary->scores[259], -259);
  EXPECT_EQ(vocabulary->types[0], 2);
  EXPECT_EQ(vocabulary->types[2], 3);
  EXPECT_EQ(vocabulary->types[3], 6);
  EXPECT_EQ(vocabulary->types[258], 6);
  EXPECT_EQ(vocabulary->types[259], 1);
}

TEST(Llama2cTokenizer, Damaged) {
  const std::string file = Tokenizer(260);
  for (size_t size = 0; size < file.size(); size += 7)
    ExpectError(ParseLlama2cTokenizer(Bytes(file.substr(0, size)), 260, "t"), StatusCode::kDataLoss,
                "t: llama2.c tokenizer");
  ExpectError(ParseLlama2cTokenizer(Bytes(file), 259, "t"), StatusCode::kDataLoss,
              "not this model's tokenizer");
  ExpectError(ParseLlama2cTokenizer(Bytes(file), 261, "t"), StatusCode::kDataLoss,
              "ends at token 260 of 261");
  ExpectError(ParseLlama2cTokenizer(Bytes(file), kMaxVocab, "t"), StatusCode::kDataLoss, "ends at");
  for (const int32_t length : {-1, INT32_MIN, INT32_MAX}) {
    std::string bad = file;
    std::memcpy(bad.data() + 8, &length, 4);
    ExpectError(ParseLlama2cTokenizer(Bytes(bad), 260, "t"), StatusCode::kDataLoss,
                absl::StrCat("token 0 has ", length, " bytes"));
  }
}

TEST(Llama2cTokenizer, LiesBesideTheModel) {
  const TempDirectory directory;
  const std::string path = directory.Write("model.bin", Model(260));
  EXPECT_EQ(ReadLlama2c(path).value().tokenizer.kind, TokenizerData::Kind::kNone);
  const std::string elsewhere = directory.Write("elsewhere", Tokenizer(260));
  EXPECT_EQ(ReadLlama2c(path, elsewhere).value().tokenizer.vocabulary.tokens.size(), 260u);
  directory.Write("tokenizer.bin", "damaged");
  ExpectError(ReadLlama2c(path), StatusCode::kDataLoss, "tokenizer.bin: ");
  directory.Write("tok260.bin", Tokenizer(260));
  EXPECT_EQ(ReadLlama2c(path).value().tokenizer.vocabulary.tokens.size(), 260u);
}

// The published model and its converted form hold the same weights, up to the order of the rows of
// q and k.
TEST(Llama2c, Stories260KInBothForms) {
  const auto converted = Checkpoint::Open("tests/data/stories260k");
  ASSERT_TRUE(converted.ok()) << converted.status();
  EXPECT_EQ((*converted)->parameters(), 260'032);
  EXPECT_EQ((*converted)->tokenizer().kind, TokenizerData::Kind::kHuggingFace);
  const std::string path = "../shared/data/stories260K/stories260K.bin";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "SKIPPED: " << path << " is absent";
  const auto original = Checkpoint::Open(path);
  ASSERT_TRUE(original.ok()) << original.status();
  EXPECT_EQ((*original)->parameters(), (*converted)->parameters());
  EXPECT_EQ((*original)->tokenizer().vocabulary.tokens.size(), 512u);
  EXPECT_EQ((*original)->config().eos_ids, (*converted)->config().eos_ids);
  for (const WeightSpec& spec : WeightTable((*original)->config())) {
    if (spec.optional) continue;
    const tensor::View a = *(*original)->Find(spec.name), b = *(*converted)->Find(spec.name);
    for (int64_t row = 0; row < b.rows(); ++row) {
      const int64_t source = spec.role == WeightRole::kQueryKey ? AdjacentRow(row, 8, 8) : row;
      ASSERT_EQ(std::memcmp(a.bytes.data() + source * a.row_bytes(),
                            b.bytes.data() + row * b.row_bytes(), b.row_bytes()),
                0)
          << spec.name << " row " << row;
    }
  }
}

}  // namespace
}  // namespace cria::checkpoint
