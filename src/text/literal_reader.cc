#include "text/literal_reader.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

namespace json = base::json;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool IsNameStart(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_'; }

bool IsNameChar(char c) {
  return IsNameStart(c) || absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-' ||
         c == '.';
}

// All of `text` as a number, in the syntax of std::from_chars.
template <typename T>
std::optional<T> As(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [used, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || used != end) return std::nullopt;
  return value;
}

// What is no character (half of a pair, beyond U+10FFFF) becomes U+FFFD.
void AppendCode(uint32_t code, std::string* out) {
  const bool scalar = code < 0xd800 || (code >= 0xe000 && code < 0x110000);
  AppendUtf8(scalar ? code : kReplacementCharacter, out);
}

}  // namespace

void LiteralReader::SkipSpace() {
  while (!AtEnd() && IsSpace(text_[pos_])) ++pos_;
}

bool LiteralReader::Consume(std::string_view expected) {
  SkipSpace();
  if (text_.substr(pos_, expected.size()) != expected) return false;
  pos_ += expected.size();
  return true;
}

std::optional<std::string> LiteralReader::Name() {
  SkipSpace();
  const size_t begin = pos_;
  if (!IsNameStart(Peek())) return std::nullopt;
  while (IsNameChar(Peek())) ++pos_;
  return std::string(text_.substr(begin, pos_ - begin));
}

std::optional<json::value> LiteralReader::Value(int depth) {
  SkipSpace();
  const char c = Peek();
  if (c == '"' || c == '\'') {
    auto text = String();
    if (!text) return std::nullopt;
    return json::value(*text);
  }
  if (c == '[' || c == '(' || c == '{') {
    if (depth >= kMaxDepth) return std::nullopt;
    ++pos_;
    if (c == '{') return Dict(depth + 1);
    return List(c == '[' ? ']' : ')', depth + 1);
  }
  if (!IsNameStart(c)) return Number();
  const auto word = Name();
  if (word == "true" || word == "True") return json::value(true);
  if (word == "false" || word == "False") return json::value(false);
  if (word == "null" || word == "None") return json::value(nullptr);
  return std::nullopt;
}

// Behind the opening bracket. (1) is 1, as in Python; (1,) and [1] are lists.
std::optional<json::value> LiteralReader::List(char close, int depth) {
  json::array list;
  const std::string_view end(&close, 1);
  bool comma = true;
  while (!Consume(end)) {
    if (!comma) return std::nullopt;
    auto value = Value(depth);
    if (!value) return std::nullopt;
    list.push_back(*std::move(value));
    comma = Consume(",");
  }
  if (close == ')' && list.size() == 1 && !comma) return std::move(list[0]);
  return json::value(std::move(list));
}

std::optional<json::value> LiteralReader::Dict(int depth) {
  json::object dict;
  bool comma = true;
  while (!Consume("}")) {
    if (!comma) return std::nullopt;
    auto key = String();
    if (!key || !Consume(":")) return std::nullopt;
    auto value = Value(depth);
    if (!value) return std::nullopt;
    dict[*key] = *std::move(value);
    comma = Consume(",");
  }
  return json::value(std::move(dict));
}

std::optional<json::value> LiteralReader::Number() {
  const size_t begin = pos_;
  if (Peek() == '-' || Peek() == '+') ++pos_;
  bool real = false;
  size_t digits = 0;
  for (; !AtEnd(); ++pos_) {
    const char c = text_[pos_];
    const bool exponent = (c == 'e' || c == 'E') && digits > 0;
    const bool sign = (c == '-' || c == '+') && (text_[pos_ - 1] | 0x20) == 'e';
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      ++digits;
    } else if (c == '.' || exponent || sign) {
      real = true;
    } else {
      break;
    }
  }
  std::string_view number = text_.substr(begin, pos_ - begin);
  if (!number.empty() && number[0] == '+') number.remove_prefix(1);  // from_chars takes none
  if (digits == 0) return std::nullopt;
  if (!real) {
    if (const auto integer = As<int64_t>(number)) return json::value(*integer);
    if (const auto integer = As<uint64_t>(number)) return json::value(*integer);
  }
  const auto value = As<double>(number);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return json::value(*value);
}

std::optional<std::string> LiteralReader::String() {
  SkipSpace();
  const char quote = Peek();
  if (quote != '"' && quote != '\'') return std::nullopt;
  const std::string three(3, quote);
  std::string_view end(three);
  if (text_.substr(pos_, 3) != three) end = end.substr(0, 1);
  pos_ += end.size();
  std::string out;
  while (!AtEnd()) {
    if (text_.substr(pos_, end.size()) == end) {
      pos_ += end.size();
      return out;
    }
    const char c = text_[pos_++];
    if (c != '\\') {
      out += c;
    } else if (!Escape(&out)) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Behind the backslash.
bool LiteralReader::Escape(std::string* out) {
  if (AtEnd()) return false;
  const char c = text_[pos_++];
  constexpr std::string_view kLetters = "\"'\\/bfnrtav0";
  constexpr std::string_view kMeaning("\"'\\/\b\f\n\r\t\a\v\0", 12);
  const size_t i = kLetters.find(c);
  if (i != std::string_view::npos) {
    *out += kMeaning[i];
  } else if (c == 'u') {
    return UnicodeEscape(out);
  } else if (c == 'x' || c == 'U') {
    const auto code = Hex(c == 'x' ? 2 : 8);
    if (!code) return false;
    AppendCode(*code, out);
  } else if (c != '\n') {  // a backslash at a line's end joins the lines
    *out += '\\';
    *out += c;
  }
  return true;
}

std::optional<uint32_t> LiteralReader::Hex(int digits) {
  uint32_t code = 0;
  for (int i = 0; i < digits; ++i, ++pos_) {
    const auto c = static_cast<unsigned char>(Peek());
    if (!absl::ascii_isxdigit(c)) return std::nullopt;
    code =
        code * 16 + static_cast<uint32_t>(absl::ascii_isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return code;
}

// Characters above U+FFFF come as two, the way JSON writes them; half of one is U+FFFD.
bool LiteralReader::UnicodeEscape(std::string* out) {
  auto code = Hex(4);
  if (!code) return false;
  if (*code >= 0xd800 && *code < 0xdc00 && text_.substr(pos_, 2) == "\\u") {
    const size_t behind_first = pos_;
    pos_ += 2;
    const auto low = Hex(4);
    if (!low) return false;
    if (*low >= 0xdc00 && *low < 0xe000) {
      code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
    } else {
      pos_ = behind_first;
    }
  }
  AppendCode(*code, out);
  return true;
}

}  // namespace cria::text
