// Any text through a tokenizer of all bytes: it comes back as it was, and so do the pieces that
// every split pattern cuts it into.
#include "text/pretokenizer.h"
#include "text/tiktoken_testing.h"
#include "text/tokenizer_factory.h"
#include "tokenizer_check.h"

namespace {

using cria::text::PreTokenizer;

std::unique_ptr<const cria::text::Tokenizer> MakeTokenizer() {
  auto made = cria::text::TokenizerFromTiktoken(
      cria::text::TiktokenFile({"  ", "\n\n", "th", " th", "the", " the", "aa", "aaaa", "\xC3\xA9",
                                "\xE6\x97", "\xE6\x97\xA5", "\xF0\x9F", "<|", "|>", "eot"}));
  CRIA_CHECK(made.ok());
  return *std::move(made);
}

std::vector<std::unique_ptr<const PreTokenizer>> MakePreTokenizers() {
  std::vector<std::unique_ptr<const PreTokenizer>> made;
  for (const char* pre : {"llama-bpe", "smollm", "gpt-2", "default"}) {
    auto one = cria::text::MakePreTokenizer(*cria::text::PatternsOfGgufPre(pre));
    CRIA_CHECK(one.ok());
    made.push_back(*std::move(one));
  }
  made.push_back(cria::text::MakeSpacePreTokenizer());
  made.push_back(cria::text::MakeSpaceRunPreTokenizer());
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto kTokenizer = MakeTokenizer();
  static const auto kPreTokenizers = MakePreTokenizers();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  cria::fuzz::CheckTokenizer(*kTokenizer, text);
  std::vector<cria::text::TokenId> ids;
  CRIA_CHECK(kTokenizer->Encode(text, cria::text::SpecialText::kPlain, &ids).ok());
  CRIA_CHECK(kTokenizer->Decode(ids, false) == text);
  for (const auto& pre_tokenizer : kPreTokenizers) {
    const char* next = text.data();
    CRIA_CHECK(pre_tokenizer
                   ->Split(text,
                           [&](std::string_view piece) {
                             CRIA_CHECK(piece.data() == next && !piece.empty());
                             next += piece.size();
                           })
                   .ok());
    CRIA_CHECK(next == text.data() + text.size());
  }
  return 0;
}
