// Token ids to text, while they come.
#ifndef CRIA_TEXT_DETOKENIZER_H_
#define CRIA_TEXT_DETOKENIZER_H_

#include <string>
#include <utility>
#include <vector>

#include "text/tokenizer.h"
#include "text/utf8.h"

namespace cria::text {

// Turns a stream of ids into valid UTF-8 and never emits part of a character: bytes that may still
// become one are held back, bytes that cannot are U+FFFD. One thread at a time. The tokenizer must
// outlive it.
class StreamDetokenizer {
 public:
  // `special`: special tokens are spelled out; otherwise only those of `spelled` are, and the
  // others give no text. `begins_text`: nothing comes before the stream, so that a tokenizer that
  // drops a leading space does it here.
  explicit StreamDetokenizer(const Tokenizer& tokenizer, bool special = false,
                             bool begins_text = false, std::vector<TokenId> spelled = {})
      : tokenizer_(&tokenizer),
        special_(special),
        spelled_(std::move(spelled)),
        drop_space_(begins_text && tokenizer.drops_leading_space()) {}

  // The text that is certain after this token.
  std::string Feed(TokenId id);
  // The stream has ended: what was held back. The next Feed starts a new stream.
  std::string Finish();

 private:
  const Tokenizer* tokenizer_;
  bool special_;
  std::vector<TokenId> spelled_;
  bool drop_space_;
  Utf8Stream characters_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_DETOKENIZER_H_
