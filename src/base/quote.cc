#include "base/quote.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace cria::base {
namespace {

constexpr size_t kMaxShown = 120;

// The bytes of the well-formed character at the start of `text`, 0 if there is none: The Unicode
// Standard 15.0, table 3-7.
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                        : lead >= 0xE0 && lead <= 0xEF ? 3
                        : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  return length;
}

// U+0080 to U+009F: terminals take some of them as the start of a command.
bool IsC1Control(std::string_view character) {
  return character.size() == 2 && character[0] == '\xC2' &&
         static_cast<uint8_t>(character[1]) < 0xA0;
}

}  // namespace

std::string Quote(std::string_view text) {
  std::string quoted = "'";
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const std::string character(text.substr(0, std::max<size_t>(length, 1)));
    if (quoted.size() + character.size() > kMaxShown + 1) return quoted + "...'";
    quoted += length == 0 || IsC1Control(character) ? absl::CHexEscape(character)
                                                    : absl::Utf8SafeCHexEscape(character);
    text.remove_prefix(character.size());
  }
  return quoted + "'";
}

}  // namespace cria::base
