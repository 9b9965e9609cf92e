#include "text/wordpiece_characters.h"

#include <algorithm>
#include <map>

namespace cria::text {
namespace {

struct CharRange {
  char32_t first, last;  // both included
};
struct CombiningRun {
  char32_t first, last;
  uint8_t combining_class;
};
struct LowercaseRun {
  char32_t first, last, step;  // every `step`th character from first to last
  int32_t distance;            // to its lower-case form
};
struct Decomposition {
  char32_t from;
  char32_t parts[4];  // the rest is 0
};

#include "text/wordpiece_table.inc"

constexpr char32_t kCapitalIWithDot = 0x130;
constexpr CharRange kHangulSyllables = {0xAC00, 0xD7A3};

// The entry of a sorted table of runs that holds `c`, or nullptr.
template <typename Run>
const Run* FindRun(std::span<const Run> runs, char32_t c) {
  const auto after =
      std::upper_bound(runs.begin(), runs.end(), c,
                       [](char32_t value, const Run& run) { return value < run.first; });
  if (after == runs.begin()) return nullptr;
  const Run& run = *(after - 1);
  return c <= run.last ? &run : nullptr;
}

}  // namespace

const WordPieceCharacters& WordPieceCharacters::Get() {
  static const WordPieceCharacters table;
  return table;
}

WordPieceCharacters::WordPieceCharacters() {
  std::vector<uint8_t> flat(0x110000, 0);
  const auto mark = [&flat](const auto& runs, Flag flag, char32_t step = 1) {
    for (const auto& run : runs)
      for (char32_t c = run.first; c <= run.last; c += step) flat[c] |= flag;
  };
  mark(kRemovedRanges, kRemoved);
  mark(kBlankRanges, kBlank);
  mark(kIdeographRanges, kIdeograph);
  mark(kAccentRanges, kAccent);
  mark(kPunctuationRanges, kPunctuation);
  mark(kSeparatorRanges, kSeparator);
  mark(kCombiningRuns, kDecomposes);
  for (const Decomposition& entry : kDecompositions) flat[entry.from] |= kDecomposes;
  mark(std::array{kHangulSyllables}, kDecomposes);
  for (const LowercaseRun& run : kLowercaseRuns) mark(std::array{run}, kHasLowercase, run.step);
  flat[kCapitalIWithDot] |= kHasLowercase;

  std::map<std::vector<uint8_t>, uint16_t> known;  // equal blocks are stored once
  for (size_t block = 0; block < block_of_.size(); ++block) {
    const auto begin = flat.begin() + static_cast<ptrdiff_t>(block * kBlock);
    const std::vector<uint8_t> content(begin, begin + kBlock);
    const auto [entry, is_new] = known.try_emplace(content, static_cast<uint16_t>(known.size()));
    if (is_new) blocks_.insert(blocks_.end(), content.begin(), content.end());
    block_of_[block] = entry->second;
  }
}

std::span<const char32_t> CanonicalDecomposition(char32_t c) {
  const auto entry =
      std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions), c,
                       [](const Decomposition& one, char32_t value) { return one.from < value; });
  if (entry == std::end(kDecompositions) || entry->from != c) return {};
  const auto end = std::find(std::begin(entry->parts), std::end(entry->parts), char32_t{0});
  return {std::begin(entry->parts), end};
}

uint8_t CombiningClass(char32_t c) {
  const auto* run = FindRun(std::span<const CombiningRun>(kCombiningRuns), c);
  return run == nullptr ? 0 : run->combining_class;
}

char32_t Lowercase(char32_t c) {
  const auto* run = FindRun(std::span<const LowercaseRun>(kLowercaseRuns), c);
  if (run == nullptr || (c - run->first) % run->step != 0) return c;
  return static_cast<char32_t>(static_cast<int32_t>(c) + run->distance);
}

}  // namespace cria::text
