// WordPiece on small vocabularies: the normaliser, the words, the pieces, and the files it comes
// in. Real ones are compared in tests/parity.
#include "text/tokenizer_wordpiece.h"

#include "text/tokenizer_testing.h"

namespace cria::text {
namespace {

namespace json = base::json;

constexpr auto kDamaged = absl::StatusCode::kDataLoss;
constexpr auto kUnknown = absl::StatusCode::kUnimplemented;

constexpr char kFile[] = R"({
  "added_tokens": [{"id": 0, "content": "[UNK]", "special": true, "normalized": false},
                   {"id": 1, "content": "[CLS]", "special": true, "normalized": false},
                   {"id": 2, "content": "[SEP]", "special": true, "normalized": false}],
  "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                 "strip_accents": null, "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "TemplateProcessing", "single": [
    {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
    {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]},
  "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 10,
            "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "un": 3, "##real": 4, "##r": 5, "e": 6,
                      "##e": 7, ".": 8, "\u65E5": 9, "unreal": 10, "##s": 11}}})";

json::object Parse(std::string_view text) {
  const auto value = base::ParseJson(text, "test");
  EXPECT_TRUE(value.ok()) << value.status();
  return value->as_object();
}

StatusOrTokenizer FromFile(const json::object& file) {
  return TokenizerFromHuggingFace(json::serialize(file), "");
}

std::unique_ptr<const Tokenizer> Small() {
  auto tokenizer = TokenizerFromHuggingFace(kFile, "");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

TEST(WordPiece, TheLongestPieceCountsAndOneUnknownPieceSpoilsTheWord) {
  const auto tokenizer = Small();
  EXPECT_EQ(Encode(*tokenizer, "unreal"), (Ids{10}));
  EXPECT_EQ(Encode(*tokenizer, "unreals"), (Ids{10, 11}));
  EXPECT_EQ(Encode(*tokenizer, "unrere"), (Ids{3, 5, 7, 5, 7}));
  EXPECT_EQ(Encode(*tokenizer, "unrex e"), (Ids{0, 6}));
  EXPECT_EQ(Encode(*tokenizer, "eeeeeeeeee"), (Ids{6, 7, 7, 7, 7, 7, 7, 7, 7, 7}));
  EXPECT_EQ(Encode(*tokenizer, "eeeeeeeeeee e"), (Ids{0, 6}));  // 11 characters
  EXPECT_EQ(Encode(*tokenizer, ""), Ids());
  EXPECT_EQ(Encode(*tokenizer, " \t\n"), Ids());
}

TEST(WordPiece, Normalizes) {
  const auto tokenizer = Small();
  EXPECT_EQ(Encode(*tokenizer, "UNR\u00C9AL"), (Ids{10}));         // E with an acute accent
  EXPECT_EQ(Encode(*tokenizer, "unre\u0301al"), (Ids{10}));        // the accent apart
  EXPECT_EQ(Encode(*tokenizer, "un\u00ADre\u200Bal"), (Ids{10}));  // format characters
  EXPECT_EQ(Encode(*tokenizer, std::string_view("un\0real", 7)), (Ids{10}));
  EXPECT_EQ(Encode(*tokenizer, "e\u3000e"), (Ids{6, 6}));
  EXPECT_EQ(Encode(*tokenizer, "e\u65E5e."), (Ids{6, 9, 6, 8}));
  EXPECT_EQ(Encode(*tokenizer, "e..e"), (Ids{6, 8, 8, 6}));
  EXPECT_EQ(Encode(*tokenizer, "un\xFFreal\xC3"), (Ids{10}));  // U+FFFD is cleaned away
}

// Expectations are those of huggingface/tokenizers 0.23.3.
TEST(WordPiece, NormalizedTexts) {
  const BertNormalizerOptions all, cased{.strip_accents = false, .lowercase = false};
  const BertNormalizerOptions accents{.strip_accents = false};
  EXPECT_EQ(NormalizeForBert("\uD55C\uAE00", all), "\u1112\u1161\u11AB\u1100\u1173\u11AF");
  EXPECT_EQ(NormalizeForBert("\u0130\u03A3\u212B", all), "i\u03C3a");
  EXPECT_EQ(NormalizeForBert("\u0130\u00C9", accents), "i\u0307\u00E9");
  EXPECT_EQ(NormalizeForBert("\u00C9a\u4E00\r", cased), "\u00C9a \u4E00  ");
  EXPECT_EQ(NormalizeForBert("\uF900", all), " \u8C48 ");
  // Marks that stay are in the order of their classes: U+302E (224) before U+1D16D (226).
  EXPECT_EQ(NormalizeForBert("a\U0001D16D\u0301\u302E", all), "a\u302E\U0001D16D");
}

TEST(WordPiece, SpecialTokens) {
  const auto tokenizer = Small();
  EXPECT_EQ(Encode(*tokenizer, "e[SEP]e", SpecialText::kParse), (Ids{6, 2, 6}));
  EXPECT_EQ(Encode(*tokenizer, "e[SEP]e"), (Ids{6, 0, 0, 0, 6}));
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_EQ(tokenizer->eos(), 2);
  EXPECT_TRUE(tokenizer->add_bos() && tokenizer->add_eos());
  EXPECT_TRUE(tokenizer->IsSpecial(2));
  EXPECT_FALSE(tokenizer->IsSpecial(3));
  EXPECT_EQ(tokenizer->SpecialId("[CLS]"), 1);
  EXPECT_EQ(tokenizer->SpecialId("un"), std::nullopt);
  EXPECT_EQ(tokenizer->kind(), "WordPiece");
}

TEST(WordPiece, Decodes) {
  const auto tokenizer = Small();
  EXPECT_EQ(tokenizer->Decode({1, 10, 11, 6, 8, 2}, false), "unreals e.");
  EXPECT_EQ(tokenizer->Decode({1, 6}, true), "[CLS] e");
  EXPECT_EQ(tokenizer->TokenBytes(11, false), "s");
  EXPECT_EQ(tokenizer->TokenBytes(6, false), " e");
  EXPECT_EQ(tokenizer->TokenBytes(99, true), "");
}

TEST(WordPiece, OtherComponentsAreRefusedByName) {
  const auto refused = [](const auto& bend, absl::StatusCode code, std::string_view message) {
    json::object file = Parse(kFile);
    bend(file);
    ExpectRefused(FromFile(file), code, message);
  };
  refused([](json::object& f) { f["normalizer"].as_object()["type"] = "NFC"; }, kUnknown,
          "normalizer 'NFC'");
  refused([](json::object& f) { f["normalizer"] = nullptr; }, kUnknown, "no normalizer");
  refused([](json::object& f) { f["pre_tokenizer"].as_object()["type"] = "Whitespace"; }, kUnknown,
          "pre_tokenizer 'Whitespace'");
  refused([](json::object& f) { f["post_processor"].as_object()["type"] = "X"; }, kUnknown,
          "post_processor 'X'");
  refused([](json::object& f) { f["model"].as_object()["max_input_chars_per_word"] = 100000; },
          kUnknown, "100000 characters");
  refused([](json::object& f) { f["model"].as_object()["unk_token"] = "<unk>"; }, kDamaged,
          "'<unk>' is not in the vocabulary");
  refused([](json::object& f) { f["model"].as_object()["vocab"].as_object()["e"] = 3; }, kDamaged,
          "two tokens have id 3");
  refused([](json::object& f) { f["model"].as_object()["vocab"].as_object()["e"] = 1 << 20; },
          kDamaged, "largest id 1048576");
  refused([](json::object& f) { f["model"].as_object()["vocab"].as_object()["e"] = -1; }, kDamaged,
          "no integer");
  refused([](json::object& f) { f["added_tokens"].as_array()[1].as_object()["normalized"] = true; },
          kUnknown, "normalized");
}

TEST(WordPiece, VocabularyFile) {
  const std::string file = "[PAD]\n[UNK]\n[CLS]\r\n[SEP]\n[MASK]\nun\n##do\n\u00E9\nE\n";
  const auto lower = TokenizerFromWordPieceVocabulary(file, "");
  ASSERT_TRUE(lower.ok()) << lower.status();
  EXPECT_EQ(Encode(**lower, "UNDO \u00E9 e"), (Ids{5, 6, 1, 1}));
  EXPECT_EQ((*lower)->bos(), 2);
  EXPECT_EQ((*lower)->eos(), 3);
  const auto cased = TokenizerFromWordPieceVocabulary(file, R"({"do_lower_case": false})");
  ASSERT_TRUE(cased.ok()) << cased.status();
  EXPECT_EQ(Encode(**cased, "UNDO \u00E9 E"), (Ids{1, 7, 8}));
  ExpectRefused(TokenizerFromWordPieceVocabulary("a\nb\n", ""), kDamaged, "'[UNK]'");
  ExpectRefused(TokenizerFromWordPieceVocabulary(file, "[]"), kDamaged, "tokenizer_config.json");
  ExpectRefused(TokenizerFromWordPieceVocabulary(file, R"({"do_lower_case": 1})"), kDamaged,
                "do_lower_case");
}

}  // namespace
}  // namespace cria::text
