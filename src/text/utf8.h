// UTF-8 as Unicode defines it: no surrogates, no overlong forms, nothing above U+10FFFF.
#ifndef CRIA_TEXT_UTF8_H_
#define CRIA_TEXT_UTF8_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace cria::text {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct Utf8Char {
  enum class Kind : uint8_t {
    kValid,
    kInvalid,     // cannot become valid, whatever follows
    kIncomplete,  // the text ends inside a character that is valid so far
  };
  char32_t code_point;  // U+FFFD unless kValid
  uint32_t length;      // bytes, at least 1; of an ill-formed sequence its maximal subpart
  Kind kind;
};

// The character at the start of `text`, which must not be empty. Ill-formed sequences are cut into
// maximal subparts (The Unicode Standard 15.0, section 3.9, "U+FFFD Substitution of Maximal
// Subparts"), as Python and Rust do.
Utf8Char DecodeUtf8(std::string_view text);

bool IsValidUtf8(std::string_view text);

// Appends the UTF-8 form of `code_point`, a Unicode scalar value.
void AppendUtf8(char32_t code_point, std::string* out);

// `text` with each maximal subpart of an ill-formed sequence replaced by U+FFFD.
std::string ToValidUtf8(std::string_view text);

// Cuts a stream of bytes into whole characters. One thread at a time.
class Utf8Stream {
 public:
  // Appends to `out` what is decided now: whole characters, and U+FFFD for bytes that cannot become
  // one. At most three bytes are held back.
  void Feed(std::string_view bytes, std::string* out);
  // The stream has ended: an incomplete tail becomes U+FFFD. The next Feed() starts a new stream.
  void Finish(std::string* out);

 private:
  std::string tail_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_UTF8_H_
