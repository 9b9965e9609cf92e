// Meta's tokenizer.model on small vocabularies, and what all tokenizers share: special text,
// decoding, streaming.
#include "text/detokenizer.h"
#include "text/tokenizer_testing.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

std::unique_ptr<const Tokenizer> Small() {
  auto made = TokenizerFromTiktoken(TiktokenFile({"he", "ll", "hell", "hello", " w", "\xF0\x9F"}));
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

TEST(TiktokenTest, MergesByRank) {
  const auto tokenizer = Small();
  EXPECT_EQ(Encode(*tokenizer, ""), Ids{});
  EXPECT_EQ(Encode(*tokenizer, "hello"), Ids{259});
  EXPECT_EQ(Encode(*tokenizer, "hells"), (Ids{258, 's'}));
  EXPECT_EQ(Encode(*tokenizer, "hello world"), (Ids{259, 260, 'o', 'r', 'l', 'd'}));
  EXPECT_EQ(Encode(*tokenizer, "\xFF\x80"), (Ids{0xFF, 0x80}));
  EXPECT_EQ(tokenizer->kind(), "tiktoken");
}

TEST(TiktokenTest, SpecialTokensFollowTheRanks) {
  const auto tokenizer = Small();
  EXPECT_EQ(tokenizer->vocab_size(), 262 + 256);
  EXPECT_EQ(tokenizer->bos(), 262);
  EXPECT_EQ(tokenizer->eos(), 263);
  EXPECT_TRUE(tokenizer->add_bos());
  EXPECT_EQ(tokenizer->SpecialId("<|eot_id|>"), 271);
  EXPECT_EQ(tokenizer->SpecialId("<|reserved_special_token_245|>"), 262 + 255);
  EXPECT_EQ(tokenizer->SpecialId("hello"), std::nullopt);
  EXPECT_TRUE(tokenizer->IsSpecial(271));
  for (const TokenId id : {-1, 0, 261, 518, INT32_MIN, INT32_MAX})
    EXPECT_FALSE(tokenizer->IsSpecial(id)) << id;
}

TEST(TiktokenTest, SpecialTextIsParsedOnlyWhenAsked) {
  const auto tokenizer = Small();
  const std::string text = "hello<|eot_id|><|eot_id|> w<|eot_id";
  EXPECT_EQ(Encode(*tokenizer, text, SpecialText::kParse),
            (Ids{259, 271, 271, 260, '<', '|', 'e', 'o', 't', '_', 'i', 'd'}));
  const Ids plain = Encode(*tokenizer, text);
  EXPECT_EQ(tokenizer->Decode(plain, false), text);
  for (const TokenId id : plain) EXPECT_FALSE(tokenizer->IsSpecial(id));
}

TEST(TiktokenTest, DecodesOnlyWhatExists) {
  const auto tokenizer = Small();
  const Ids ids = {262, 259, 271, -1, 518, INT32_MAX, '!'};
  EXPECT_EQ(tokenizer->Decode(ids, false), "hello!");
  EXPECT_EQ(tokenizer->Decode(ids, true), "<|begin_of_text|>hello<|eot_id|>!");
  EXPECT_EQ(tokenizer->TokenBytes(271, false), "");
  EXPECT_EQ(tokenizer->TokenBytes(271, true), "<|eot_id|>");
  EXPECT_EQ(tokenizer->TokenBytes(-1, true), "");
  EXPECT_EQ(tokenizer->TokenBytes(518, true), "");
}

TEST(TiktokenTest, StreamHoldsCharactersBackUntilTheyAreWhole) {
  const auto tokenizer = Small();
  StreamDetokenizer stream(*tokenizer);
  EXPECT_EQ(stream.Feed('x'), "x");
  EXPECT_EQ(stream.Feed(261), "");  // half of an emoji
  EXPECT_EQ(stream.Feed(0xA6), "");
  EXPECT_EQ(stream.Feed(0x99), "\U0001F999");
  EXPECT_EQ(stream.Feed(261), "");
  EXPECT_EQ(stream.Feed('y'), "\uFFFDy");  // it never comes
  EXPECT_EQ(stream.Feed(271), "");
  EXPECT_EQ(stream.Feed(0xC3), "");
  EXPECT_EQ(stream.Finish(), "\uFFFD");
  EXPECT_EQ(stream.Finish(), "");
  EXPECT_EQ(StreamDetokenizer(*tokenizer, /*special=*/true).Feed(271), "<|eot_id|>");
}

TEST(TiktokenTest, LineEndsMayBeWindowsOrMissing) {
  std::string file = TiktokenFile({"ab"});
  file.pop_back();
  for (size_t at = 0; (at = file.find('\n', at)) != std::string::npos; at += 2)
    file.replace(at, 1, "\r\n");
  const auto made = TokenizerFromTiktoken(file + "\n\n");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(Encode(**made, "ab"), Ids{256});
}

TEST(TiktokenTest, MalformedFilesAreRefused) {
  constexpr auto kDamaged = absl::StatusCode::kDataLoss;
  const std::string good = TiktokenFile({"ab"});
  const std::pair<std::string, std::string> cases[] = {
      {"", "no token for the single byte 0"},
      {good.substr(0, good.find('\n', 1000) + 1), "expected all 256: truncated download?"},
      {good.substr(0, good.find('\n', 1000) - 1), ": ranks are dense and in order"},
      {"\x7F"
       "ELF",
       "line 1: expected 'base64 rank': not a tiktoken file?"},
      {"!!!! 0\n", "line 1: the token is not base64"},
      {" 0\n", "line 1: the token is not base64"},
      {good + "YWI= 257\n", "ranks 256 and 257 are the same token"},
      {good + "YWJj 256\n", "line 258: expected rank 257, found '256'"},
      {good + "YWJj 99999999999\n", "line 258: expected rank 257"},
      {good + "YWJj -1\n", "line 258: expected rank 257"},
      {good + "YWJj \x1B[2J\xFF\n", "line 258: expected rank 257, found '\\x1b[2J\\xff'"},
      {good + "YWJj \n", "line 258: expected rank 257, found ''"},
      {std::string(100'000, 'A') + " 0\n", "line 1: the token is not base64"}};
  for (const auto& [file, message] : cases) {
    const auto made = TokenizerFromTiktoken(file);
    ExpectRefused(made, kDamaged, "tokenizer.model: ");
    ExpectRefused(made, kDamaged, message);
  }
}

}  // namespace
}  // namespace cria::text
