// The one tokenizer behind all file kinds: added tokens, split, merges. The makers differ, the way
// does not.
#ifndef CRIA_TEXT_TOKENIZER_BPE_H_
#define CRIA_TEXT_TOKENIZER_BPE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_added.h"
#include "text/vocabulary.h"

namespace cria::text {

// When a space is put before a text between added tokens, as SentencePiece does.
enum class SpacePrefix : uint8_t {
  kNever,
  kAlways,            // before every such text, even if it begins with a space
  kUnlessSpace,       // before every such text that does not begin with a space
  kFirstUnlessSpace,  // only before the first of a whole text, if it does not begin with a space
};

// What a maker fills in. All tokens of the vocabulary stand for plain bytes: the GPT-2 byte
// alphabet and SentencePiece's U+2581 have been turned back.
struct BpeTokenizerParts {
  std::string_view kind;                   // a literal
  std::unique_ptr<Vocabulary> vocabulary;  // indexed
  std::unique_ptr<const BpeModel> model;
  std::unique_ptr<const PreTokenizer> pre_tokenizer;
  std::vector<AddedToken> added;
  SpacePrefix space_prefix = SpacePrefix::kNever;
  bool meta_spaces = false;          // U+2581 in a text is a space
  bool drops_leading_space = false;  // Decode takes one space off the start
  bool chunked = false;              // Meta's chunk limits
  std::optional<TokenId> bos, eos;
  bool add_bos = false;
};

// kUnimplemented as AddedTokenFinder::Make.
absl::StatusOr<std::unique_ptr<const Tokenizer>> MakeBpeTokenizer(BpeTokenizerParts parts);

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKENIZER_BPE_H_
