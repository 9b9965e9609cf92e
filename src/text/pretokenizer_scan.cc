#include "text/pretokenizer_scan.h"

#include <algorithm>
#include <array>

#include "text/unicode_class.h"
#include "text/utf8.h"

namespace cria::text {
namespace {

constexpr std::array<CharClass, 128> kAsciiClass = [] {
  std::array<CharClass, 128> table{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    table[static_cast<size_t>(c)] = letter                 ? CharClass::kLetter
                                    : c >= '0' && c <= '9' ? CharClass::kNumber
                                    : space                ? CharClass::kSpace
                                                           : CharClass::kOther;
  }
  return table;
}();

struct Char {
  CharClass char_class;
  uint32_t length;  // 0: end of text
};

bool IsNewline(char c) { return c == '\r' || c == '\n'; }

// A position in the text, and the questions that all patterns ask. Positions are byte offsets.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text), classes_(CharClassTable::Get()) {}

  std::string_view text() const { return text_; }
  bool AtEnd(size_t position) const { return position >= text_.size(); }

  Char At(size_t position) const {
    if (AtEnd(position)) return {CharClass::kOther, 0};
    const auto byte = static_cast<uint8_t>(text_[position]);
    if (byte < 0x80) return {kAsciiClass[byte], 1};
    const Utf8Char c = DecodeUtf8(text_.substr(position));
    if (c.kind != Utf8Char::Kind::kValid) return {CharClass::kOther, c.length};
    return {classes_.Of(c.code_point), c.length};
  }

  // The end of the run of characters of one class from `position` on.
  size_t SkipRun(size_t position, CharClass char_class) const {
    for (;;) {
      while (position < text_.size() && static_cast<uint8_t>(text_[position]) < 0x80 &&
             kAsciiClass[static_cast<uint8_t>(text_[position])] == char_class) {
        ++position;
      }
      const Char c = At(position);
      if (c.length == 0 || c.char_class != char_class) return position;
      position += c.length;
    }
  }

  size_t SkipNewlines(size_t position) const {
    while (position < text_.size() && IsNewline(text_[position])) ++position;
    return position;
  }

  // A run of white space from `begin` on, cut as `\s+(?!\S)|\s+` cuts it: before its last character
  // if text follows. `ends_piece`: what follows the run counts as the end of the text.
  size_t EndOfSpaces(size_t begin, size_t run_end, bool ends_piece) const {
    if (ends_piece || AtEnd(run_end)) return run_end;
    size_t last = run_end - 1;
    while ((static_cast<uint8_t>(text_[last]) & 0xC0) == 0x80) --last;
    return last > begin ? last : run_end;
  }

  // The end of 's 't 're 've 'm 'll 'd at `position`, or `position`. With `fold` in either case,
  // and with U+017F for s, which simple case folding makes an s.
  size_t EndOfContraction(size_t position, bool fold) const {
    const auto at = [&](size_t i) {
      if (position + i >= text_.size()) return '\0';
      const char c = text_[position + i];
      return fold && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    if (at(0) != '\'') return position;
    switch (at(1)) {
      case 's':
      case 't':
      case 'm':
      case 'd':
        return position + 2;
      case 'r':
      case 'v':
        return at(2) == 'e' ? position + 3 : position;
      case 'l':
        return at(2) == 'l' ? position + 3 : position;
      case '\xC5':
        return fold && at(2) == '\xBF' ? position + 3 : position;
      default:
        return position;
    }
  }

 private:
  std::string_view text_;
  const CharClassTable& classes_;
};

struct Llama3Rule {
  static size_t End(const Cursor& cursor, size_t begin) {
    const Char c = cursor.At(begin);
    if (c.char_class == CharClass::kLetter)
      return cursor.SkipRun(begin + c.length, CharClass::kLetter);
    if (c.char_class == CharClass::kNumber) {
      size_t end = begin + c.length;
      for (int count = 1; count < 3; ++count) {
        const Char next = cursor.At(end);
        if (next.char_class != CharClass::kNumber) break;
        end += next.length;
      }
      return end;
    }
    if (const size_t end = cursor.EndOfContraction(begin, /*fold=*/true); end > begin) return end;
    const char first = cursor.text()[begin];
    const size_t second = begin + c.length;
    if (!IsNewline(first) && cursor.At(second).char_class == CharClass::kLetter) {
      return cursor.SkipRun(second, CharClass::kLetter);
    }
    const size_t others = c.char_class == CharClass::kOther ? begin : first == ' ' ? second : begin;
    const size_t others_end = cursor.SkipRun(others, CharClass::kOther);
    if (others_end > others) return cursor.SkipNewlines(others_end);
    return EndOfWhiteSpace(cursor, begin);
  }

 private:
  // `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line end of the run if it has one.
  static size_t EndOfWhiteSpace(const Cursor& cursor, size_t begin) {
    const size_t run_end = cursor.SkipRun(begin, CharClass::kSpace);
    for (size_t i = run_end; i > begin; --i) {
      if (IsNewline(cursor.text()[i - 1])) return i;
    }
    return cursor.EndOfSpaces(begin, run_end, /*ends_piece=*/false);
  }
};

// GPT-2's pattern; with `single_digits` behind a stage that cuts out each number character.
template <bool single_digits>
struct Gpt2Rule {
  static size_t End(const Cursor& cursor, size_t begin) {
    if (const size_t end = cursor.EndOfContraction(begin, /*fold=*/false); end > begin) return end;
    const Char c = cursor.At(begin);
    const bool after_space = cursor.text()[begin] == ' ';
    const Char next = after_space ? cursor.At(begin + 1) : c;
    const size_t run_begin = after_space ? begin + 1 : begin;
    if (next.length > 0 && next.char_class != CharClass::kSpace) {
      if (next.char_class != CharClass::kNumber || !single_digits) {
        return cursor.SkipRun(run_begin + next.length, next.char_class);
      }
      return begin + c.length;  // the digit, or the space before it
    }
    const size_t run_end = cursor.SkipRun(begin, CharClass::kSpace);
    const bool digit_follows = cursor.At(run_end).char_class == CharClass::kNumber;
    return cursor.EndOfSpaces(begin, run_end, single_digits && digit_follows);
  }
};

template <typename Rule>
class Scanner final : public PreTokenizer {
 public:
  absl::Status Split(std::string_view text, PieceSink piece) const override {
    const Cursor cursor(text);
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = Rule::End(cursor, begin);
      piece(text.substr(begin, end - begin));
      begin = end;
    }
    return absl::OkStatus();
  }
};

}  // namespace

std::unique_ptr<const PreTokenizer> MakeLlama3Scanner() {
  return std::make_unique<Scanner<Llama3Rule>>();
}
std::unique_ptr<const PreTokenizer> MakeGpt2Scanner() {
  return std::make_unique<Scanner<Gpt2Rule<false>>>();
}
std::unique_ptr<const PreTokenizer> MakeSmolLmScanner() {
  return std::make_unique<Scanner<Gpt2Rule<true>>>();
}

}  // namespace cria::text
