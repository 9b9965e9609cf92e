// Classes of characters as sequences of byte ranges.
#ifndef CRIA_TEXT_GRAMMAR_UTF8_H_
#define CRIA_TEXT_GRAMMAR_UTF8_H_

#include <array>
#include <cstdint>
#include <vector>

#include "text/grammar_builder.h"

namespace cria::text {

// `size` byte ranges in a row; together they match the UTF-8 of exactly the characters of one
// range.
struct Utf8Sequence {
  struct ByteRange {
    uint8_t first = 0, last = 0;  // both included
    bool operator==(const ByteRange&) const = default;
  };
  std::array<ByteRange, 4> bytes;
  int size = 0;
};

// Appends the sequences that match `range` (normalised: no surrogates): at most about a dozen.
void AppendUtf8Sequences(CodepointRange range, std::vector<Utf8Sequence>* sequences);

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_UTF8_H_
