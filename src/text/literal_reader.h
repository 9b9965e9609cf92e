// Reads values as language models write them: JSON and Python literals in one, with the slips of
// both.
#ifndef CRIA_TEXT_LITERAL_READER_H_
#define CRIA_TEXT_LITERAL_READER_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace cria::text {

// Walks forward over a text that must outlive it. A read that fails returns nothing and leaves the
// place undefined. No input takes more than linear time. One thread at a time.
class LiteralReader {
 public:
  static constexpr int kMaxDepth = 64;  // of nested lists and dicts

  explicit LiteralReader(std::string_view text, size_t pos = 0) : text_(text), pos_(pos) {}

  size_t pos() const { return pos_; }
  bool AtEnd() const { return pos_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[pos_]; }

  void SkipSpace();
  // Moves over `expected`, after white space, if it is there.
  bool Consume(std::string_view expected);

  // null, None, true, True, false, False; numbers; strings in either quote or three of them, with
  // the escapes of both languages (an unknown escape stands for itself, raw line breaks are
  // taken); [..], (..) as arrays; {..} with string keys. A comma may follow the last part.
  std::optional<base::json::value> Value() { return Value(0); }
  std::optional<std::string> String();
  // A function's or parameter's name: letters, digits, _ - and . (for functions), not a digit or
  // sign first.
  std::optional<std::string> Name();

 private:
  std::optional<base::json::value> Value(int depth);
  std::optional<base::json::value> List(char close, int depth);
  std::optional<base::json::value> Dict(int depth);
  std::optional<base::json::value> Number();
  bool Escape(std::string* out);
  std::optional<uint32_t> Hex(int digits);
  bool UnicodeEscape(std::string* out);

  std::string_view text_;
  size_t pos_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_LITERAL_READER_H_
