// What must hold for every tokenizer that a file makes, and every text.
#ifndef CRIA_TESTS_FUZZ_TOKENIZER_CHECK_H_
#define CRIA_TESTS_FUZZ_TOKENIZER_CHECK_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace cria::fuzz {

// Encodes `text` and decodes it, whole and as a stream. A pattern that came with the tokenizer may
// give up on a text; nothing else may fail.
inline void CheckTokenizer(const text::Tokenizer& tokenizer, std::string_view text) {
  for (const auto special : {text::SpecialText::kPlain, text::SpecialText::kParse}) {
    std::vector<text::TokenId> ids;
    const absl::Status status = tokenizer.Encode(text, special, &ids);
    if (absl::IsDataLoss(status) || absl::IsResourceExhausted(status)) return;
    CRIA_CHECK(status.ok());
    text::StreamDetokenizer stream(tokenizer, /*special=*/true);
    std::string bytes, shown;
    for (const text::TokenId id : ids) {
      CRIA_CHECK(id >= 0 && id < tokenizer.vocab_size());
      bytes += tokenizer.TokenBytes(id, true);
      shown += stream.Feed(id);
      CRIA_CHECK(text::IsValidUtf8(shown));
    }
    shown += stream.Finish();
    CRIA_CHECK(shown == text::ToValidUtf8(bytes));
    const std::string whole = tokenizer.Decode(ids, true);
    CRIA_CHECK(whole == bytes || (tokenizer.drops_leading_space() && " " + whole == bytes));
  }
}

}  // namespace cria::fuzz

#endif  // CRIA_TESTS_FUZZ_TOKENIZER_CHECK_H_
