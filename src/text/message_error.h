// How the JSON of messages and tools is refused: "messages[2].content: expected ..., found ...".
#ifndef CRIA_TEXT_MESSAGE_ERROR_H_
#define CRIA_TEXT_MESSAGE_ERROR_H_

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"

namespace cria::text {

inline absl::Status Expected(const std::string& where, std::string_view expected,
                             std::string_view found) {
  return absl::InvalidArgumentError(where + ": expected " + std::string(expected) + ", found " +
                                    std::string(found));
}

// `value` may be nullptr: nothing was there.
inline absl::Status WrongType(const std::string& where, std::string_view expected,
                              const base::json::value* value) {
  return Expected(where, expected, value == nullptr ? "nothing" : base::JsonTypeName(*value));
}

}  // namespace cria::text

#endif  // CRIA_TEXT_MESSAGE_ERROR_H_
