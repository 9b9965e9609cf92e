#include "checkpoint/gguf_writer.h"

#include "base/file.h"
#include "checkpoint/gguf_header.h"
#include "checkpoint/gguf_reader.h"
#include "checkpoint/rope_scaling.h"
#include "checkpoint/test_support.h"

namespace cria::checkpoint {
namespace {

using absl::StatusCode;
using tensor::DType;

std::shared_ptr<const Checkpoint> MustOpen(
    absl::StatusOr<std::shared_ptr<const Checkpoint>> opened) {
  EXPECT_TRUE(opened.ok()) << opened.status();
  return opened.ok() ? *opened : nullptr;
}
std::shared_ptr<const Checkpoint> Made(Checkpoint::Parts parts) {
  return MustOpen(Checkpoint::FromParts(std::move(parts)));
}

std::string Bytes(const tensor::View& view) { return {view.bytes.begin(), view.bytes.end()}; }

void ExpectSameTensors(const Checkpoint& written, const Checkpoint& read) {
  EXPECT_EQ(read.tensors().size(), written.tensors().size());
  for (const TensorEntry& entry : written.tensors()) {
    const tensor::View* view = read.Find(entry.name);
    ASSERT_NE(view, nullptr) << entry.name;
    EXPECT_EQ(view->dtype, entry.view.dtype) << entry.name;
    EXPECT_EQ(view->shape, entry.view.shape) << entry.name;
    EXPECT_EQ(Bytes(*view), Bytes(entry.view)) << entry.name;
  }
}

void ExpectSameConfig(const ModelConfig& written, const ModelConfig& read) {
  EXPECT_EQ(read.architecture, written.architecture);
  EXPECT_EQ(read.name, written.name);
  EXPECT_EQ(read.hidden, written.hidden);
  EXPECT_EQ(read.vocab, written.vocab);
  EXPECT_EQ(read.head_dim, written.head_dim);
  EXPECT_EQ(read.rotary_dim, written.rotary_dim);
  EXPECT_EQ(read.max_context, written.max_context);
  ASSERT_EQ(read.layers.size(), written.layers.size());
  for (size_t i = 0; i < read.layers.size(); ++i) {
    EXPECT_EQ(read.layers[i].num_heads, written.layers[i].num_heads);
    EXPECT_EQ(read.layers[i].num_kv_heads, written.layers[i].num_kv_heads);
    EXPECT_EQ(read.layers[i].ffn, written.layers[i].ffn);
  }
  EXPECT_EQ(read.norm_eps, static_cast<float>(written.norm_eps));
  EXPECT_EQ(read.rope_theta, static_cast<float>(written.rope_theta));
  EXPECT_EQ(read.tied_embeddings, written.tied_embeddings);
  EXPECT_EQ(read.bos_id, written.bos_id);
  EXPECT_EQ(read.eos_ids, written.eos_ids);
  EXPECT_EQ(read.add_bos, written.add_bos);
}

void ExpectSameTokenizer(const TokenizerData& written, const TokenizerData& read) {
  EXPECT_EQ(read.kind, written.kind);
  EXPECT_EQ(read.chat_template, written.chat_template);
  EXPECT_EQ(read.vocabulary.model, written.vocabulary.model);
  EXPECT_EQ(read.vocabulary.pre, written.vocabulary.pre);
  EXPECT_EQ(read.vocabulary.tokens, written.vocabulary.tokens);
  EXPECT_EQ(read.vocabulary.scores, written.vocabulary.scores);
  EXPECT_EQ(read.vocabulary.types, written.vocabulary.types);
  EXPECT_EQ(read.vocabulary.merges, written.vocabulary.merges);
  EXPECT_EQ(read.vocabulary.add_space_prefix, written.vocabulary.add_space_prefix);
}

class GgufWriter : public testing::Test {
 protected:
  // Writes it, reads it again.
  std::shared_ptr<const Checkpoint> RoundTrip(const Checkpoint& checkpoint) {
    const absl::Status status = WriteGguf(checkpoint, path_);
    EXPECT_TRUE(status.ok()) << status;
    return MustOpen(Checkpoint::Open(path_));
  }

  TempDirectory directory_;
  const std::string path_ = directory_.File("model.gguf");
};

// Every kind of GGUF file that the parity tests compute with comes back as it was.
TEST_F(GgufWriter, RoundTripOfEveryKind) {
  std::error_code error;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/data/parity", error)) {
    if (entry.path().extension() != ".gguf") continue;
    SCOPED_TRACE(entry.path().string());
    const auto written = MustOpen(Checkpoint::Open(entry.path().string()));
    ASSERT_NE(written, nullptr);
    const auto read = RoundTrip(*written);
    ASSERT_NE(read, nullptr);
    ExpectSameTensors(*written, *read);
    ExpectSameConfig(written->config(), read->config());
    ExpectSameTokenizer(written->tokenizer(), read->tokenizer());
    EXPECT_EQ(read->config().rope_divisors, written->config().rope_divisors);
    EXPECT_EQ(read->config().rope_scaling.type, written->config().rope_scaling.type);
    EXPECT_EQ(read->config().rope_scaling.factor, written->config().rope_scaling.factor);
    ++count;
  }
  EXPECT_EQ(count, 17);
}

TEST_F(GgufWriter, WritingTwiceGivesTheSameBytes) {
  const auto checkpoint = Made(TinyParts());
  ASSERT_NE(RoundTrip(*checkpoint), nullptr);
  const auto first = base::ReadFile(path_, 1 << 20);
  const auto again = MustOpen(Checkpoint::Open(path_));
  const std::string second_path = directory_.File("second.gguf");
  ASSERT_TRUE(WriteGguf(*again, second_path).ok());
  EXPECT_NE(*first, "");
  ASSERT_NE(RoundTrip(*MustOpen(Checkpoint::Open(second_path))), nullptr);
  EXPECT_EQ(*base::ReadFile(path_, 1 << 20), *base::ReadFile(second_path, 1 << 20));
}

TEST_F(GgufWriter, KeepsTheTokenizer) {
  Checkpoint::Parts parts = TinyParts();
  parts.config.bos_id = 1;
  parts.config.eos_ids = {2, 7, 4};
  parts.config.add_bos = false;
  parts.config.name = "a name";
  parts.tokenizer.kind = TokenizerData::Kind::kVocabulary;
  parts.tokenizer.chat_template = "{{ messages }}\n";
  Vocabulary& vocabulary = parts.tokenizer.vocabulary;
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  vocabulary.tokens = {"<unk>", "<s>", "</s>", std::string("\0\xff", 2), ""};
  vocabulary.scores = {0, -1, 2.5F, -1e30F, 0.1F};
  vocabulary.types = {2, 3, 3, 6, 5};
  vocabulary.add_space_prefix = false;
  for (const bool gpt2 : {false, true}) {
    if (gpt2) {
      vocabulary.model = "gpt2";
      vocabulary.pre = "llama-bpe";
      vocabulary.scores.clear();
      vocabulary.merges = {"a b", "ab c"};
    }
    const auto written = Made(parts);
    const auto read = RoundTrip(*written);
    ASSERT_NE(read, nullptr);
    ExpectSameTokenizer(written->tokenizer(), read->tokenizer());
    ExpectSameConfig(written->config(), read->config());
  }
}

TEST_F(GgufWriter, VectorsBecomeF32) {
  Checkpoint::Parts parts = TinyParts(TinyConfig(), DType::kBf16);
  parts.config.rope_pairing = RopePairing::kAdjacent;
  const tensor::View bias =
      AddTensor("model.layers.0.self_attn.o_proj.bias", DType::kF16, {8}, &parts);
  const auto written = Made(parts);
  const auto read = RoundTrip(*written);
  ASSERT_NE(read, nullptr);
  const tensor::View* norm = read->Find("model.norm.weight");
  EXPECT_EQ(norm->dtype, DType::kF32);
  for (size_t i = 0; i < 8; ++i) {  // a BF16 is the upper half of an F32
    EXPECT_EQ(Bytes(*norm).substr(i * 4, 2), std::string(2, '\0'));
    EXPECT_EQ(Bytes(*norm).substr(i * 4 + 2, 2),
              Bytes(*written->Find("model.norm.weight")).substr(i * 2, 2));
  }
  EXPECT_EQ(read->Find("model.layers.0.self_attn.o_proj.bias")->dtype, DType::kF32);
  EXPECT_EQ(bias.dtype, DType::kF16);
  EXPECT_EQ(read->Find("model.layers.0.mlp.up_proj.weight")->dtype, DType::kBf16);
}

// Rows of q and k: halves 0 1 2 3 of a head of 4 go to the adjacent order 0 2 1 3.
TEST_F(GgufWriter, QueryAndKeyRowsBecomeAdjacent) {
  const auto written = Made(TinyParts());
  ASSERT_EQ(written->config().rope_pairing, RopePairing::kHalves);
  const auto read = RoundTrip(*written);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->config().rope_pairing, RopePairing::kAdjacent);
  const std::string name = "model.layers.1.self_attn.q_proj.weight";
  const std::string before = Bytes(*written->Find(name)), after = Bytes(*read->Find(name));
  constexpr size_t kRow = 8 * 4;
  const size_t order[] = {0, 2, 1, 3, 4, 6, 5, 7};
  for (size_t row = 0; row < 8; ++row)
    EXPECT_EQ(after.substr(row * kRow, kRow), before.substr(order[row] * kRow, kRow)) << row;
  EXPECT_EQ(Bytes(*read->Find("model.layers.1.self_attn.v_proj.weight")),
            Bytes(*written->Find("model.layers.1.self_attn.v_proj.weight")));
}

TEST_F(GgufWriter, Llama3ScalingBecomesDivisors) {
  Checkpoint::Parts parts = TinyParts();
  parts.config.rope_theta = 500000;
  parts.config.rope_scaling = {RopeScaling::Type::kLlama3, 32, 1, 4, 8192};
  const auto written = Made(parts);
  const auto read = RoundTrip(*written);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->config().rope_scaling.type, RopeScaling::Type::kNone);
  EXPECT_EQ(read->config().rope_divisors, Llama3Divisors(written->config()));
}

TEST_F(GgufWriter, WhatTheFormatCannotSay) {
  const auto refuses = [&](const std::function<void(Checkpoint::Parts*)>& change,
                           const std::string& what) {
    Checkpoint::Parts parts = TinyParts();
    change(&parts);
    const auto checkpoint = Made(std::move(parts));
    ASSERT_NE(checkpoint, nullptr);
    ExpectError(WriteGguf(*checkpoint, path_), StatusCode::kUnimplemented, what);
    EXPECT_EQ(directory_.NumFiles(), 0u);
  };
  refuses([](auto* parts) { parts->config.ffn_hadamard = true; }, "device-quantised");
  refuses([](auto* parts) { parts->config.eos_ids = {1, 2, 3, 4}; }, "4 EOS ids");
  refuses([](auto* parts) { parts->tokenizer.kind = TokenizerData::Kind::kHuggingFace; },
          "tokenizer.json");
  refuses(
      [](auto* parts) {
        Remove(parts, "lm_head.weight");
        AddTensor("lm_head.weight", DType::kI8, {10, 8}, parts);
        AddTensor("lm_head.scales", DType::kF32, {10, 1}, parts);
      },
      "tensor 'lm_head.weight': int8");
}

TEST_F(GgufWriter, AnotherTokenizerMayBeGiven) {
  Checkpoint::Parts parts = TinyParts();
  parts.tokenizer.kind = TokenizerData::Kind::kTiktoken;
  TokenizerData given;
  given.kind = TokenizerData::Kind::kVocabulary;
  given.vocabulary.model = "gpt2";
  given.vocabulary.pre = "llama-bpe";
  given.vocabulary.tokens = {"a", "b"};
  given.vocabulary.add_space_prefix = false;
  ASSERT_TRUE(WriteGguf(*Made(parts), path_, {.tokenizer = &given}).ok());
  ExpectSameTokenizer(given, MustOpen(Checkpoint::Open(path_))->tokenizer());
}

TEST_F(GgufWriter, NothingIsLeftWhereItCannotWrite) {
  const auto checkpoint = Made(TinyParts());
  ExpectError(WriteGguf(*checkpoint, directory_.File("no/such/model.gguf")), StatusCode::kNotFound,
              "no/such/model.gguf: cannot create");
  EXPECT_EQ(directory_.NumFiles(), 0u);
}

TEST(GgufHeader, HoldsEveryTypeOfValue) {
  GgufMetadata metadata;
  metadata.SetU32("u", 4294967295U);
  metadata.SetF32("f", -1.5F);
  metadata.SetBool("b", false);
  metadata.SetBool("b", true);
  metadata.SetString("s", std::string_view("a\0b", 3));
  metadata.SetI32s("is", {-1, 2});
  metadata.SetF32s("fs", {});
  metadata.SetStrings("ss", {"", "x"});
  const auto header = GgufHeader(metadata, {});
  ASSERT_TRUE(header.ok()) << header.status();
  const auto file = GgufFile::Parse(cria::checkpoint::Bytes(*header), "f");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->version(), 3u);
  EXPECT_EQ(file->Int("u")->value(), 4294967295);
  EXPECT_EQ(file->Float("f")->value(), -1.5);
  EXPECT_EQ(file->Bool("b")->value(), true);
  EXPECT_EQ(file->String("s")->value(), std::string_view("a\0b", 3));
  EXPECT_EQ((*file->Ints("is"))->IntAt(0), -1);
  EXPECT_EQ((*file->Floats("fs"))->count, 0u);
  EXPECT_EQ((*file->Strings("ss"))->strings[1], "x");
}

TEST(GgufHeader, RefusesWhatReadersRefuse) {
  const auto refuses = [](const std::vector<TensorSpec>& specs, const std::string& what) {
    ExpectError(GgufHeader({}, specs), StatusCode::kInvalidArgument, what);
  };
  refuses({{"a", DType::kF32, {1}}, {"a", DType::kF32, {1}}}, "'a' is given twice");
  refuses({{"", DType::kF32, {1}}}, "a name of 0 bytes");
  refuses({{std::string(256, 'x'), DType::kF32, {1}}}, "a name of 256 bytes");
  refuses({{"a", DType::kU8, {1}}}, "GGUF has no type for U8");
  refuses({{"a", DType::kF32, {}}}, "expected 1 to 4 positive dimensions");
  refuses({{"a", DType::kF32, {2, 0}}}, "expected 1 to 4 positive dimensions");
  refuses({{"a", DType::kF32, {1, 1, 1, 1, 1}}}, "expected 1 to 4 positive dimensions");
  refuses({{"a", DType::kQ4_0, {2, 33}}}, "don't divide into blocks");
  refuses({{"a", DType::kF32, {int64_t{1} << 40, int64_t{1} << 40}}}, "its size overflows");
  const int64_t huge = int64_t{1} << 60;
  refuses({{"a", DType::kF32, {huge}}, {"b", DType::kF32, {huge}}}, "all tensors together");
  GgufMetadata metadata;
  metadata.SetString(std::string(70000, 'k'), "");
  ExpectError(GgufHeader(metadata, {}), StatusCode::kInvalidArgument, "longer than readers accept");
}

}  // namespace
}  // namespace cria::checkpoint
