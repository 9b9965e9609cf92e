#include "text/utf8.h"

#include <cstddef>

#include "base/check.h"

namespace cria::text {
namespace {

// The Unicode Standard 15.0, table 3-7: how many bytes follow a lead byte, and the range of the
// first of them.
struct LeadByte {
  uint32_t following;
  uint8_t low, high;
};

LeadByte ClassifyLead(uint8_t byte) {
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte < 0xF0) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte < 0xF4) return {3, 0x80, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Char DecodeUtf8(std::string_view text) {
  CRIA_CHECK(!text.empty());
  using Kind = Utf8Char::Kind;
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) return {first, 1, Kind::kValid};
  const LeadByte lead = ClassifyLead(first);
  if (lead.following == 0) return {kReplacementCharacter, 1, Kind::kInvalid};
  char32_t code_point = first & (0x3Fu >> lead.following);
  for (uint32_t i = 1; i <= lead.following; ++i) {
    if (i == text.size()) return {kReplacementCharacter, i, Kind::kIncomplete};
    const auto byte = static_cast<uint8_t>(text[i]);
    const bool fits = i == 1 ? byte >= lead.low && byte <= lead.high : (byte & 0xC0) == 0x80;
    if (!fits) return {kReplacementCharacter, i, Kind::kInvalid};
    code_point = (code_point << 6) | (byte & 0x3Fu);
  }
  return {code_point, lead.following + 1, Kind::kValid};
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text);
    if (c.kind != Utf8Char::Kind::kValid) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

void AppendUtf8(char32_t code_point, std::string* out) {
  CRIA_CHECK(code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF));
  const auto continuation = [code_point](int shift) {
    return static_cast<char>(0x80u | ((code_point >> shift) & 0x3Fu));
  };
  if (code_point < 0x80) {
    *out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    *out += {static_cast<char>(0xC0u | (code_point >> 6)), continuation(0)};
  } else if (code_point < 0x10000) {
    *out += {static_cast<char>(0xE0u | (code_point >> 12)), continuation(6), continuation(0)};
  } else {
    *out += {static_cast<char>(0xF0u | (code_point >> 18)), continuation(12), continuation(6),
             continuation(0)};
  }
}

std::string ToValidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  Utf8Stream stream;
  stream.Feed(text, &out);
  stream.Finish(&out);
  return out;
}

void Utf8Stream::Feed(std::string_view bytes, std::string* out) {
  std::string joined;
  if (!tail_.empty()) {
    joined = tail_.append(bytes);
    tail_.clear();
    bytes = joined;
  }
  while (!bytes.empty()) {
    const Utf8Char c = DecodeUtf8(bytes);
    if (c.kind == Utf8Char::Kind::kIncomplete) {
      tail_ = bytes;
      return;
    }
    if (c.kind == Utf8Char::Kind::kValid) {
      out->append(bytes.substr(0, c.length));
    } else {
      AppendUtf8(kReplacementCharacter, out);
    }
    bytes.remove_prefix(c.length);
  }
}

void Utf8Stream::Finish(std::string* out) {
  if (!tail_.empty()) AppendUtf8(kReplacementCharacter, out);
  tail_.clear();
}

}  // namespace cria::text
