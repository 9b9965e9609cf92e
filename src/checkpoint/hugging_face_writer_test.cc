#include "checkpoint/hugging_face_writer.h"

#include "checkpoint/rope_rows.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;
using tensor::DType;

// What comes back after saving and opening.
std::shared_ptr<const Checkpoint> RoundTrip(const Checkpoint& checkpoint) {
  const TempDirectory directory;
  const std::string path = directory.File("saved");
  const absl::Status status = WriteHuggingFace(checkpoint, path);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(directory.NumFiles(), 1u);
  auto opened = Checkpoint::Open(path);
  EXPECT_TRUE(opened.ok()) << opened.status();
  return opened.ok() ? *opened : nullptr;
}

TEST(HuggingFaceWriter, KeepsEverything) {
  ModelConfig config = TinyConfig();
  config.name = "tiny";
  config.layers[1] = {4, 2, 20};
  config.norm_eps = 3e-6;
  config.rope_theta = 500000;
  config.rope_scaling = {RopeScaling::Type::kLlama3, 32, 1, 4, 8192};
  config.tied_embeddings = true;
  config.bos_id = 1;
  config.eos_ids = {2, 7};
  config.temperature = 0.6;
  config.top_p = 0.9;
  config.top_k = 50;
  Checkpoint::Parts parts = TinyParts(config, DType::kBf16);
  parts.tokenizer.kind = TokenizerData::Kind::kHuggingFace;
  parts.tokenizer.file = "{}";
  parts.tokenizer.config = R"({"chat_template":"old"})";
  parts.tokenizer.chat_template = "new";
  const auto original = Checkpoint::FromParts(std::move(parts)).value();
  const auto copy = RoundTrip(*original);
  ASSERT_NE(copy, nullptr);

  const ModelConfig& read = copy->config();
  EXPECT_EQ(read.name, "tiny");
  EXPECT_EQ(read.hidden, config.hidden);
  EXPECT_EQ(read.vocab, config.vocab);
  EXPECT_EQ(read.head_dim, config.head_dim);
  EXPECT_EQ(read.rotary_dim, config.rotary_dim);
  EXPECT_EQ(read.max_context, config.max_context);
  EXPECT_EQ(read.layers[0].ffn, 12);
  EXPECT_EQ(read.layers[1].num_heads, 4);
  EXPECT_EQ(read.layers[1].num_kv_heads, 2);
  EXPECT_EQ(read.layers[1].ffn, 20);
  EXPECT_EQ(read.norm_eps, config.norm_eps);
  EXPECT_EQ(read.rope_theta, config.rope_theta);
  EXPECT_EQ(read.rope_scaling.type, RopeScaling::Type::kLlama3);
  EXPECT_EQ(read.rope_scaling.factor, 32);
  EXPECT_EQ(read.rope_scaling.original_context, 8192);
  EXPECT_TRUE(read.tied_embeddings);
  EXPECT_EQ(read.bos_id, 1);
  EXPECT_EQ(read.eos_ids, config.eos_ids);
  EXPECT_EQ(read.temperature, 0.6);
  EXPECT_EQ(read.top_p, 0.9);
  EXPECT_EQ(read.top_k, 50);
  EXPECT_EQ(copy->tokenizer().kind, TokenizerData::Kind::kHuggingFace);
  EXPECT_EQ(copy->tokenizer().file, "{}");
  EXPECT_EQ(copy->tokenizer().chat_template, "new");
  EXPECT_EQ(copy->tensors().size(), original->tensors().size());
  for (const TensorEntry& entry : original->tensors()) {
    const tensor::View* view = copy->Find(entry.name);
    ASSERT_NE(view, nullptr) << entry.name;
    EXPECT_EQ(view->dtype, DType::kBf16);
    EXPECT_TRUE(std::ranges::equal(view->bytes, entry.view.bytes)) << entry.name;
  }
}

TEST(HuggingFaceWriter, LinearScaling) {
  ModelConfig config = TinyConfig();
  config.rope_scaling = {RopeScaling::Type::kLinear, 2.5, 1, 4, 8192};
  const auto copy = RoundTrip(*Checkpoint::FromParts(TinyParts(config)).value());
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(copy->config().rope_scaling.type, RopeScaling::Type::kLinear);
  EXPECT_EQ(copy->config().rope_scaling.factor, 2.5);
}

TEST(HuggingFaceWriter, RefusesHeadsThatRotateInPart) {
  ModelConfig config = TinyConfig();
  config.rotary_dim = 2;
  ExpectError(HuggingFaceConfigJson(*Checkpoint::FromParts(TinyParts(config)).value()),
              absl::StatusCode::kUnimplemented, "rotates 2 of the 4 elements");
}

TEST(HuggingFaceWriter, PutsRowsIntoHalves) {
  ModelConfig config = TinyConfig();
  config.head_dim = config.rotary_dim = 6;
  config.rope_pairing = RopePairing::kAdjacent;
  const auto original = Checkpoint::FromParts(TinyParts(config)).value();
  const auto copy = RoundTrip(*original);
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(copy->config().rope_pairing, RopePairing::kHalves);
  const auto rows = [](const Checkpoint& checkpoint, const std::string& name) {
    const tensor::View& view = *checkpoint.Find(name);
    std::vector<std::vector<uint8_t>> result;
    for (int64_t i = 0; i < view.rows(); ++i) {
      const auto row = view.bytes.subspan(i * view.row_bytes(), view.row_bytes());
      result.emplace_back(row.begin(), row.end());
    }
    return result;
  };
  const std::string query = "model.layers.0.self_attn.q_proj.weight";
  const auto before = rows(*original, query), after = rows(*copy, query);
  const std::vector<size_t> kSource = {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11};
  for (size_t i = 0; i < kSource.size(); ++i) EXPECT_EQ(after[i], before[kSource[i]]) << i;
  const std::string value = "model.layers.0.self_attn.v_proj.weight";
  EXPECT_EQ(rows(*original, value), rows(*copy, value));
}

TEST(HuggingFaceWriter, AdjacentRow) {
  EXPECT_EQ(AdjacentRow(0, 8, 8), 0);
  EXPECT_EQ(AdjacentRow(1, 8, 8), 2);
  EXPECT_EQ(AdjacentRow(4, 8, 8), 1);
  EXPECT_EQ(AdjacentRow(7, 8, 8), 7);
  EXPECT_EQ(AdjacentRow(8 + 5, 8, 8), 8 + 3);
}

TEST(HuggingFaceWriter, NeverOverwrites) {
  const auto checkpoint = Checkpoint::FromParts(TinyParts()).value();
  const TempDirectory directory;
  EXPECT_TRUE(WriteHuggingFace(*checkpoint, directory.path() + "/").ok());  // empty: taken
  ExpectError(WriteHuggingFace(*checkpoint, directory.path()), StatusCode::kAlreadyExists,
              "exists already");
  ExpectError(WriteHuggingFace(*checkpoint, directory.File("config.json")),
              StatusCode::kAlreadyExists, "config.json: exists already");
}

TEST(HuggingFaceWriter, WhereThereIsNoDirectory) {
  ExpectError(WriteHuggingFace(*Checkpoint::FromParts(TinyParts()).value(), "/nonexistent/a/b"),
              StatusCode::kNotFound,
              "/nonexistent/a/b: cannot create a directory beside it: No such");
}

TEST(HuggingFaceWriter, RefusesWhatTheFormatCannotSay) {
  const TempDirectory directory;
  const auto write = [&](Checkpoint::Parts parts) {
    const absl::Status status =
        WriteHuggingFace(*Checkpoint::FromParts(std::move(parts)).value(), directory.File("out"));
    EXPECT_EQ(directory.NumFiles(), 0u) << "a failure leaves nothing behind";
    return status;
  };
  const auto code = StatusCode::kUnimplemented;
  Checkpoint::Parts divisors = TinyParts();
  divisors.config.rope_divisors = {1, 8};
  ExpectError(write(std::move(divisors)), code, "rope divisors");
  Checkpoint::Parts hadamard = TinyParts();
  hadamard.config.ffn_hadamard = true;
  ExpectError(write(std::move(hadamard)), code, "device-quantised");
  ModelConfig wide = TinyConfig();
  wide.hidden = 32;
  Checkpoint::Parts blocks = TinyParts(wide);
  Remove(&blocks, "lm_head.weight");
  AddTensor("lm_head.weight", DType::kQ8_0, {10, 32}, &blocks);
  ExpectError(write(std::move(blocks)), code, "'lm_head.weight' is stored as Q8_0");
  Checkpoint::Parts vocabulary = TinyParts();
  vocabulary.tokenizer.kind = TokenizerData::Kind::kVocabulary;
  ExpectError(write(std::move(vocabulary)), code, "tokenizer.json");
}

}  // namespace
}  // namespace cria::checkpoint
