// Which characters are letters, numbers and white space to the published tokenizers.
#ifndef CRIA_TEXT_UNICODE_CLASS_H_
#define CRIA_TEXT_UNICODE_CLASS_H_

#include <array>
#include <cstdint>
#include <vector>

namespace cria::text {

enum class CharClass : uint8_t {
  kOther,
  kLetter,  // \p{L}
  kNumber,  // \p{N}: Nd, Nl, No
  kSpace,   // \s: White_Space
};

// The classes of all characters, as a two-level table. Immutable; share freely.
class CharClassTable {
 public:
  // The one table of the process, made on first use.
  static const CharClassTable& Get();

  // kOther above U+10FFFF.
  CharClass Of(char32_t c) const {
    if (c > 0x10FFFF) return CharClass::kOther;
    return blocks_[block_of_[c / kBlock] * kBlock + c % kBlock];
  }

 private:
  static constexpr uint32_t kBlock = 256;

  CharClassTable();

  std::array<uint16_t, 0x110000 / kBlock> block_of_;
  std::vector<CharClass> blocks_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_UNICODE_CLASS_H_
