#include "text/grammar_utf8.h"

#include <string>

#include "text/utf8.h"

namespace cria::text {
namespace {

constexpr std::array<uint32_t, 4> kLastOfLength = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};

}  // namespace

// Splits the range until each piece is a product of byte ranges, as in Russ Cox, "Regular
// Expression Matching in the Wild" (2010): by encoded length, then where the low continuation bytes
// are not whole.
void AppendUtf8Sequences(CodepointRange range, std::vector<Utf8Sequence>* sequences) {
  std::vector<CodepointRange> left = {range};
  while (!left.empty()) {
    CodepointRange piece = left.back();
    left.pop_back();
    for (const uint32_t border : kLastOfLength) {
      if (piece.first > border || piece.last <= border) continue;
      left.push_back({border + 1, piece.last});
      piece.last = border;
    }
    bool split = false;
    for (int shift = 6; shift <= 18 && piece.last > 0x7F && !split; shift += 6) {
      const uint32_t low = (1u << shift) - 1;
      if ((piece.first & ~low) == (piece.last & ~low)) continue;
      const bool ragged_first = (piece.first & low) != 0;
      if (!ragged_first && (piece.last & low) == low) continue;
      const uint32_t middle = ragged_first ? piece.first | low : (piece.last & ~low) - 1;
      left.push_back({middle + 1, piece.last});
      left.push_back({piece.first, middle});
      split = true;
    }
    if (split) continue;
    std::string first, last;
    AppendUtf8(piece.first, &first);
    AppendUtf8(piece.last, &last);
    Utf8Sequence sequence;
    sequence.size = static_cast<int>(first.size());
    for (size_t i = 0; i < first.size(); ++i)
      sequence.bytes[i] = {static_cast<uint8_t>(first[i]), static_cast<uint8_t>(last[i])};
    sequences->push_back(sequence);
  }
}

}  // namespace cria::text
