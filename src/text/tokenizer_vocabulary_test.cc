// GGUF vocabularies, of the models "gpt2" and "llama", and llama2.c's.
#include <cmath>
#include <functional>
#include <limits>

#include "text/tokenizer_testing.h"

namespace cria::text {
namespace {

constexpr auto kDamaged = absl::StatusCode::kDataLoss;

// Owns what a VocabularySpec points to.
struct Spec {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;
  std::vector<std::string> merges;
  VocabularySpec spec;

  StatusOrTokenizer Make() {
    spec.tokens = &tokens;
    spec.scores = &scores;
    spec.types = &types;
    spec.merges = &merges;
    return TokenizerFromVocabulary(spec);
  }
  std::unique_ptr<const Tokenizer> MustMake() {
    auto made = Make();
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }
};

Spec Gpt2(std::string_view pre) {
  Spec spec;
  spec.tokens = {"a", "b", "1", "2", "\u0120", "ab", "\u0120ab", "12", "<s>", "word", "abb"};
  spec.types = {1, 1, 1, 1, 1, 1, 1, 1, 3, 4, 1};
  spec.merges = {"a b", "\u0120 ab", "1 2"};
  spec.spec.model = "gpt2";
  spec.spec.pre = pre;
  return spec;
}

Spec Llama() {
  Spec spec;
  spec.tokens = {"<unk>", "<s>", "</s>", "\u2581", "a", "b", "\u2581a", "ab", "\u2581ab"};
  spec.types = {2, 3, 3, 1, 1, 1, 1, 1, 1};
  spec.scores = {0, 0, 0, -9, -8, -7, -1, -2, -3};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    spec.tokens.push_back(name);
    spec.types.push_back(6);
    spec.scores.push_back(0);
  }
  spec.spec.model = "llama";
  spec.spec.bos = 1;
  spec.spec.eos = 2;
  return spec;
}
constexpr TokenId kByte0 = 9;

TEST(VocabularyTokenizerTest, Gpt2SplitsAsItsPreTokenizerSays) {
  EXPECT_EQ(Encode(*Gpt2("llama-bpe").MustMake(), "ab ab12"), (Ids{5, 6, 7}));
  EXPECT_EQ(Encode(*Gpt2("smollm").MustMake(), "ab ab12"), (Ids{5, 6, 2, 3}));
  EXPECT_EQ(Encode(*Gpt2("gpt-2").MustMake(), "ab ab12"), (Ids{5, 6, 7}));
  EXPECT_EQ(Encode(*Gpt2("default").MustMake(), "ab ab12"), (Ids{5, 6, 7}));
  // Llama 3 takes pieces that are tokens whole, whatever the merges.
  EXPECT_EQ(Encode(*Gpt2("llama-bpe").MustMake(), "abb"), (Ids{10}));
  EXPECT_EQ(Encode(*Gpt2("gpt-2").MustMake(), "abb"), (Ids{5, 1}));
}

TEST(VocabularyTokenizerTest, Gpt2SpecialAndUserTokens) {
  const auto tokenizer = Gpt2("gpt-2").MustMake();
  EXPECT_EQ(Encode(*tokenizer, "awordb<s>", SpecialText::kParse), (Ids{0, 9, 1, 8}));
  EXPECT_EQ(Encode(*tokenizer, "awordb"), (Ids{0, 9, 1}));
  EXPECT_EQ(Encode(*tokenizer, "a<s>"), (Ids{0}));  // nothing spells "<s>"
  EXPECT_TRUE(tokenizer->IsSpecial(8));
  EXPECT_EQ(tokenizer->Decode({8, 5, 6, 9}, false), "ab abword");
  EXPECT_FALSE(tokenizer->add_bos());
  EXPECT_TRUE(Gpt2("llama-bpe").MustMake()->add_bos());
}

TEST(VocabularyTokenizerTest, LlamaMergesByScore) {
  const auto tokenizer = Llama().MustMake();
  EXPECT_EQ(Encode(*tokenizer, "ab"), (Ids{8}));  // "_a" (-1), then "_ab" (-3)
  EXPECT_EQ(Encode(*tokenizer, "bab"), (Ids{3, 5, 7}));
  EXPECT_EQ(Encode(*tokenizer, "ab ab"), (Ids{8, 8}));
  EXPECT_EQ(Encode(*tokenizer, ""), Ids{});
  EXPECT_EQ(tokenizer->Decode({8, 8}, false), "ab ab");
  EXPECT_TRUE(tokenizer->add_bos());
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_EQ(tokenizer->kind(), "SentencePiece BPE");
  Spec bare = Llama();
  bare.spec.add_space_prefix = false;
  EXPECT_EQ(Encode(*bare.MustMake(), "ab"), (Ids{7}));
}

TEST(VocabularyTokenizerTest, LlamaWritesUnknownCharactersAsBytes) {
  const auto tokenizer = Llama().MustMake();
  const Ids ids = Encode(*tokenizer, "a\u00E9");
  EXPECT_EQ(ids, (Ids{6, kByte0 + 0xC3, kByte0 + 0xA9}));
  EXPECT_EQ(tokenizer->Decode(ids, false), "a\u00E9");
  EXPECT_EQ(tokenizer->Decode(Encode(*tokenizer, "\xFF\n"), false), "\xFF\n");
}

// llama2.c's files have no types: the special tokens are known by their names.
TEST(VocabularyTokenizerTest, WithoutTypesNamesDecide) {
  Spec spec = Llama();
  spec.types.clear();
  const auto tokenizer = spec.MustMake();
  EXPECT_TRUE(tokenizer->IsSpecial(1));
  EXPECT_TRUE(tokenizer->IsSpecial(0));
  EXPECT_EQ(Encode(*tokenizer, "a\u00E9"), (Ids{6, kByte0 + 0xC3, kByte0 + 0xA9}));
}

// 0 is "undefined" in GGUF: a token like any other.
TEST(VocabularyTokenizerTest, UndefinedTypeIsNormal) {
  Spec spec = Gpt2("gpt-2");
  for (int32_t& type : spec.types)
    if (type == 1) type = 0;
  EXPECT_EQ(Encode(*spec.MustMake(), "ab ab12"), (Ids{5, 6, 7}));
}

TEST(VocabularyTokenizerTest, DamagedVocabulariesAreRefused) {
  const auto refused = [](Spec spec, const std::function<void(Spec*)>& damage,
                          absl::StatusCode code, std::string_view message) {
    damage(&spec);
    ExpectRefused(spec.Make(), code, "vocabulary: ");
    ExpectRefused(spec.Make(), code, message);
  };
  const Spec gpt2 = Gpt2("gpt-2"), llama = Llama();
  refused(
      gpt2, [](Spec* s) { s->tokens.clear(); }, kDamaged, "no tokens");
  refused(
      gpt2, [](Spec* s) { s->types.pop_back(); }, kDamaged, "11 tokens but 10 token types");
  refused(
      gpt2, [](Spec* s) { s->types[3] = 7; }, kDamaged, "token 3 has type 7");
  refused(
      gpt2, [](Spec* s) { s->types[3] = -1; }, kDamaged, "token 3 has type -1");
  refused(
      gpt2, [](Spec* s) { s->merges[1] = "ab"; }, kDamaged, "merge 1 'ab'");
  refused(
      gpt2, [](Spec* s) { s->merges[1] = "b b"; }, kDamaged, "merge 1 'b b'");
  refused(
      gpt2, [](Spec* s) { s->merges[1] = " "; }, kDamaged, "merge 1 ' '");
  refused(
      gpt2, [](Spec* s) { s->merges[1] = ""; }, kDamaged, "merge 1 ''");
  refused(
      gpt2, [](Spec* s) { s->spec.bos = 11; }, kDamaged, "BOS id 11 is outside of 11 tokens");
  refused(
      gpt2, [](Spec* s) { s->spec.eos = -2; }, kDamaged, "EOS id -2 is outside");
  refused(
      gpt2, [](Spec* s) { s->spec.pre = "qwen2"; }, absl::StatusCode::kUnimplemented,
      "pre-tokenizer 'qwen2' is not supported");
  refused(
      gpt2, [](Spec* s) { s->spec.model = "bert"; }, absl::StatusCode::kUnimplemented,
      "tokenizer model 'bert' is not supported");
  refused(
      llama, [](Spec* s) { s->scores.pop_back(); }, kDamaged, "265 tokens but 264 scores");
  refused(
      llama, [](Spec* s) { s->scores[4] = std::nanf(""); }, kDamaged, "a score is NaN");
  refused(
      llama, [](Spec* s) { s->types[4] = 6; }, kDamaged, "token 4 has type byte");
}

TEST(VocabularyTokenizerTest, InfiniteScoresAreOrdered) {
  Spec spec = Llama();
  spec.scores[6] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(Encode(*spec.MustMake(), "ab"), (Ids{8}));  // now "ab" first, then "_ab"
  spec.scores[7] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Encode(*spec.MustMake(), "ab"), (Ids{8}));
}

}  // namespace
}  // namespace cria::text
