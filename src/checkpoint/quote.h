// Names from files, fit for a message.
#ifndef CRIA_CHECKPOINT_QUOTE_H_
#define CRIA_CHECKPOINT_QUOTE_H_

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace cria::checkpoint {

// 'text' in quotes, on one line and not long: control characters escaped, cut after 120 bytes.
inline std::string Quote(std::string_view text) {
  constexpr size_t kMaxShown = 120;
  const std::string_view shown = text.substr(0, kMaxShown);
  return absl::StrCat("'", absl::Utf8SafeCEscape({shown.data(), shown.size()}),
                      shown.size() < text.size() ? "...'" : "'");
}

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_QUOTE_H_
