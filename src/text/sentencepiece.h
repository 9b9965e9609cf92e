// What SentencePiece's vocabularies have in common wherever they are stored (google/sentencepiece).
#ifndef CRIA_TEXT_SENTENCEPIECE_H_
#define CRIA_TEXT_SENTENCEPIECE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "text/pretokenizer.h"
#include "text/vocabulary.h"

namespace cria::text {

// U+2581, which stands for a space in tokens.
inline constexpr std::string_view kMetaSpace = "\u2581";

// `text` with each U+2581 replaced by a space.
std::string WithPlainSpaces(std::string_view text);

// The byte that the token "<0xXX>" stands for; nullopt if `token` is not of this form.
std::optional<char> ByteOfBytePiece(std::string_view token);

// SentencePiece merges in a whole text. If no token has a space behind another character, then no
// merge crosses the start of a run of spaces, and cutting there gives the same ids faster.
// Otherwise the text stays whole.
std::unique_ptr<const PreTokenizer> SentencePiecePreTokenizer(const Vocabulary& vocabulary);

}  // namespace cria::text

#endif  // CRIA_TEXT_SENTENCEPIECE_H_
