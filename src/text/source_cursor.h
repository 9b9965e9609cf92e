// A place in a source text that a hand-written parser reads: the part that they share.
#ifndef CRIA_TEXT_SOURCE_CURSOR_H_
#define CRIA_TEXT_SOURCE_CURSOR_H_

#include <cstddef>
#include <string_view>

namespace cria::text {

// To derive a parser from. One thread.
class SourceCursor {
 protected:
  explicit SourceCursor(std::string_view source) : source_(source) {}

  bool AtEnd() const { return at_ >= source_.size(); }
  bool At(char c) const { return !AtEnd() && source_[at_] == c; }
  bool Take(char c) {
    if (!At(c)) return false;
    ++at_;
    return true;
  }
  bool Take(std::string_view text) {
    if (source_.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }

  const std::string_view source_;
  size_t at_ = 0;  // at most source_.size()
};

}  // namespace cria::text

#endif  // CRIA_TEXT_SOURCE_CURSOR_H_
