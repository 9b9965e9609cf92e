#include "text/byte_level.h"

#include <array>
#include <cstdint>

#include "text/utf8.h"

namespace cria::text {
namespace {

constexpr bool IsPrintable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr int kAlphabetEnd = 0x144;  // 68 bytes are not printable

struct Alphabet {
  std::array<uint16_t, 256> character_of{};
  std::array<int16_t, kAlphabetEnd> byte_of{};
};

constexpr Alphabet kAlphabet = [] {
  Alphabet alphabet;
  alphabet.byte_of.fill(-1);
  uint16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const uint16_t character = IsPrintable(byte) ? static_cast<uint16_t>(byte) : next++;
    alphabet.character_of[static_cast<size_t>(byte)] = character;
    alphabet.byte_of[character] = static_cast<int16_t>(byte);
  }
  return alphabet;
}();
static_assert(kAlphabet.byte_of[kAlphabetEnd - 1] == 0xAD);

}  // namespace

std::optional<std::string> BytesOfByteLevel(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  while (!token.empty()) {
    const Utf8Char c = DecodeUtf8(token);
    if (c.kind != Utf8Char::Kind::kValid || c.code_point >= kAlphabetEnd) return std::nullopt;
    const int16_t byte = kAlphabet.byte_of[c.code_point];
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
    token.remove_prefix(c.length);
  }
  return bytes;
}

std::string ByteLevelOfBytes(std::string_view bytes) {
  std::string token;
  for (const char byte : bytes)
    AppendUtf8(kAlphabet.character_of[static_cast<uint8_t>(byte)], &token);
  return token;
}

}  // namespace cria::text
