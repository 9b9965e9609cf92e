// BERT's tokenizer: words, and greedily the longest pieces of a word that the vocabulary has.
#ifndef CRIA_TEXT_TOKENIZER_WORDPIECE_H_
#define CRIA_TEXT_TOKENIZER_WORDPIECE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/tokenizer.h"
#include "text/tokenizer_added.h"
#include "text/wordpiece_normalizer.h"

namespace cria::text {

// What a maker fills in.
struct WordPieceParts {
  std::vector<std::pair<TokenId, std::string>> tokens;  // as stored: "##" before what goes on
  std::vector<AddedToken> added;                        // none of them `normalized`
  BertNormalizerOptions normalizer;
  std::string continuing_prefix = "##";
  int64_t max_word_characters = 100;  // longer words are unknown
  std::string unknown = "[UNK]";
  // Around every text, where the model wants them.
  std::optional<std::string> first = "[CLS]", last = "[SEP]";
};

// bos() and eos() are `first` and `last`. kDataLoss where one of the names is no token or two
// tokens have one id; kUnimplemented for words of more than kMaxWordCharacters.
inline constexpr int64_t kMaxWordCharacters = 1000;
absl::StatusOr<std::unique_ptr<const Tokenizer>> MakeWordPieceTokenizer(WordPieceParts parts);

// A tokenizer.json whose model is WordPiece. kUnimplemented names the component, or its option,
// that Cria does not do; kDataLoss for one that is malformed. `truncation` and `padding` are not
// the tokenizer's business here.
bool IsWordPiece(const base::json::object& tokenizer);
absl::StatusOr<std::unique_ptr<const Tokenizer>> WordPieceFromJson(
    const base::json::object& tokenizer);

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_WORDPIECE_H_
