#include "text/unicode_class.h"

#include <algorithm>
#include <map>
#include <span>

namespace cria::text {
namespace {

struct CharRange {
  char32_t first, last;  // both included
};

#include "text/unicode_table.inc"

}  // namespace

const CharClassTable& CharClassTable::Get() {
  static const CharClassTable table;
  return table;
}

CharClassTable::CharClassTable() {
  std::vector<CharClass> flat(0x110000, CharClass::kOther);
  const auto mark = [&flat](std::span<const CharRange> ranges, CharClass char_class) {
    for (const CharRange& range : ranges) {
      std::fill(flat.begin() + range.first, flat.begin() + range.last + 1, char_class);
    }
  };
  mark(kLetterRanges, CharClass::kLetter);
  mark(kNumberRanges, CharClass::kNumber);
  mark(kSpaceRanges, CharClass::kSpace);

  std::map<std::vector<CharClass>, uint16_t> known;  // equal blocks are stored once
  for (size_t block = 0; block < block_of_.size(); ++block) {
    const auto begin = flat.begin() + static_cast<ptrdiff_t>(block * kBlock);
    const std::vector<CharClass> content(begin, begin + kBlock);
    const auto [entry, is_new] = known.try_emplace(content, static_cast<uint16_t>(known.size()));
    if (is_new) blocks_.insert(blocks_.end(), content.begin(), content.end());
    block_of_[block] = entry->second;
  }
}

}  // namespace cria::text
