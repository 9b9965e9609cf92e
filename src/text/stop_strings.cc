#include "text/stop_strings.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace cria::text {
namespace {

std::vector<size_t> Borders(const std::string& text) {
  std::vector<size_t> borders(text.size() + 1, 0);
  for (size_t i = 1, length = 0; i < text.size(); ++i) {
    while (length > 0 && text[i] != text[length]) length = borders[length];
    if (text[i] == text[length]) ++length;
    borders[i + 1] = length;
  }
  return borders;
}

}  // namespace

StopStringFilter::StopStringFilter(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    CRIA_CHECK(!stop.empty());
    Pattern pattern;
    pattern.borders = Borders(stop);
    pattern.text = std::move(stop);
    patterns_.push_back(std::move(pattern));
  }
}

const StopStringFilter::Pattern* StopStringFilter::Advance(char byte) {
  const Pattern* complete = nullptr;
  for (Pattern& pattern : patterns_) {
    while (pattern.matched > 0 && pattern.text[pattern.matched] != byte)
      pattern.matched = pattern.borders[pattern.matched];
    if (pattern.text[pattern.matched] == byte) ++pattern.matched;
    const bool whole = pattern.matched == pattern.text.size();
    if (whole && (complete == nullptr || pattern.matched > complete->matched)) complete = &pattern;
  }
  return complete;
}

std::string StopStringFilter::Feed(std::string_view text) {
  if (stopped_) return "";
  for (const char byte : text) {
    held_ += byte;
    if (const Pattern* pattern = Advance(byte); pattern != nullptr) {
      stopped_ = true;
      found_ = pattern->text;
      held_.resize(held_.size() - found_.size());
      return std::exchange(held_, {});
    }
  }
  size_t keep = 0;
  for (const Pattern& pattern : patterns_) keep = std::max(keep, pattern.matched);
  std::string shown = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return shown;
}

std::string StopStringFilter::Finish() {
  for (Pattern& pattern : patterns_) pattern.matched = 0;
  return std::exchange(held_, {});
}

}  // namespace cria::text
