// What BERT's normalizer and pre-tokenizer take a character for.
#ifndef CRIA_TEXT_WORDPIECE_CHARACTERS_H_
#define CRIA_TEXT_WORDPIECE_CHARACTERS_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace cria::text {

// The characters as Hugging Face's tokenizers know them (which follow several versions of Unicode),
// as a two-level table. Immutable; share freely.
class WordPieceCharacters {
 public:
  enum Flag : uint8_t {
    kRemoved = 1,       // control characters, NUL and U+FFFD: cleaning takes them out
    kBlank = 2,         // cleaning makes a space of it
    kIdeograph = 4,     // CJK: a word of its own
    kAccent = 8,        // Mn, a non-spacing mark
    kPunctuation = 16,  // a word of its own
    kSeparator = 32,    // white space between words
    kDecomposes = 64,   // has a canonical decomposition, or is a mark that has an order among marks
    kHasLowercase = 128,
  };

  // The one table of the process, made on first use.
  static const WordPieceCharacters& Get();

  // Flags of a Unicode scalar value.
  uint8_t Of(char32_t c) const { return blocks_[block_of_[c / kBlock] * kBlock + c % kBlock]; }

 private:
  static constexpr uint32_t kBlock = 256;

  WordPieceCharacters();

  std::array<uint16_t, 0x110000 / kBlock> block_of_;
  std::vector<uint8_t> blocks_;
};

// The full canonical decomposition of a character that is none of Hangul's syllables, or nothing.
std::span<const char32_t> CanonicalDecomposition(char32_t c);

// The canonical combining class: 0 for all but marks.
uint8_t CombiningClass(char32_t c);

// The lower-case form of a character that has one, but for U+0130, whose form is two characters.
char32_t Lowercase(char32_t c);

}  // namespace cria::text

#endif  // CRIA_TEXT_WORDPIECE_CHARACTERS_H_
