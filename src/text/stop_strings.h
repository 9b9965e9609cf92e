// Texts that end an answer, found across the borders of tokens.
#ifndef CRIA_TEXT_STOP_STRINGS_H_
#define CRIA_TEXT_STOP_STRINGS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cria::text {

// Passes text on up to the first stop string, which is swallowed with all that follows. Text that
// may be the beginning of a stop string is held back. Of stop strings that end at the same byte the
// one that begins first counts. Linear in the text for each stop string (Knuth, Morris, Pratt:
// "Fast Pattern Matching in Strings", 1977). One thread at a time.
class StopStringFilter {
 public:
  // None of `stops` is empty.
  explicit StopStringFilter(std::vector<std::string> stops);

  // The text that can be shown now; nothing more once stopped.
  std::string Feed(std::string_view text);
  // The answer has ended by itself: what was held back.
  std::string Finish();
  bool stopped() const { return stopped_; }
  const std::string& found() const { return found_; }  // the stop string, once stopped

 private:
  struct Pattern {
    std::string text;
    std::vector<size_t> borders;  // [i]: length of the longest proper border of the first i bytes
    size_t matched = 0;           // bytes of the pattern that the text ends with
  };
  // Moves every pattern on by one byte; the longest that is now complete, or nullptr.
  const Pattern* Advance(char byte);

  std::vector<Pattern> patterns_;
  std::string held_;
  std::string found_;
  bool stopped_ = false;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_STOP_STRINGS_H_
