#include "server/attachment.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace cria::server {
namespace {

// attr-char of RFC 8187, section 3.2.1.
bool IsPlain(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$&+-.^_`|~").find(c) != std::string_view::npos;
}

std::string PercentEncoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsPlain(c)) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

// What any client can take between quotes; '%' isn't, since some decode it.
std::string Fallback(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '%';
    // One '_' for a character of several bytes.
    if (plain) {
      out += c;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      out += '_';
    }
  }
  return out;
}

}  // namespace

std::string AttachmentDisposition(std::string_view filename) {
  const size_t slash = filename.find_last_of("/\\");
  if (slash != std::string_view::npos) filename.remove_prefix(slash + 1);
  if (filename.empty()) return "attachment";
  const std::string fallback = Fallback(filename);
  std::string header = absl::StrCat("attachment; filename=\"", fallback, "\"");
  if (fallback != filename)
    absl::StrAppend(&header, "; filename*=UTF-8''", PercentEncoded(filename));
  return header;
}

}  // namespace cria::server
