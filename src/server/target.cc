#include "server/target.h"

#include "base/quote.h"
#include "text/utf8.h"

namespace cria::server {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

absl::Status Malformed(std::string_view text, std::string_view reason) {
  return absl::InvalidArgumentError(
      absl::StrCat(base::Quote(text), " in the URL: ", std::string(reason)));
}

// What is left of an absolute form without its scheme and host; other forms as they are.
std::string_view WithoutAuthority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const size_t end = target.find_first_of("/?");
    if (end == std::string_view::npos) return "/";
    return target.substr(end);
  }
  return target;
}

}  // namespace

absl::StatusOr<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Malformed(text, "'%' must be followed by two hex digits");
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (decoded.find('\0') != std::string::npos) return Malformed(text, "a NUL byte is not allowed");
  if (!text::IsValidUtf8(decoded)) return Malformed(text, "it must be UTF-8 when decoded");
  return decoded;
}

absl::StatusOr<Headers> ParseForm(std::string_view text) {
  Headers fields;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (field.empty()) continue;
    const size_t equals = std::min(field.find('='), field.size());
    CRIA_ASSIGN_OR_RETURN(std::string name, PercentDecode(field.substr(0, equals), true));
    CRIA_ASSIGN_OR_RETURN(std::string value,
                          PercentDecode(field.substr(std::min(equals + 1, field.size())), true));
    fields.emplace_back(std::move(name), std::move(value));
  }
  return fields;
}

absl::StatusOr<Target> ParseTarget(std::string_view target) {
  Target parsed;
  if (target == "*") {
    parsed.raw_path = parsed.path = "*";
    return parsed;
  }
  const std::string_view rest = WithoutAuthority(target);
  const size_t question = std::min(rest.find('?'), rest.size());
  std::string_view path = rest.substr(0, question);
  if (path.empty() && rest.data() != target.data()) path = "/";  // "http://host?query"
  if (!path.starts_with('/')) return Malformed(target, "a path that starts with '/' is expected");
  if (rest.find('#') != std::string_view::npos)
    return Malformed(target, "a fragment ('#') is never sent to a server");
  parsed.raw_path = path;
  CRIA_ASSIGN_OR_RETURN(parsed.path, PercentDecode(path, false));
  if (question < rest.size()) {
    CRIA_ASSIGN_OR_RETURN(parsed.query, ParseForm(rest.substr(question + 1)));
  }
  return parsed;
}

}  // namespace cria::server
