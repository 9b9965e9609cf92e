// Bytes from files and requests, fit for a message.
#ifndef CRIA_BASE_QUOTE_H_
#define CRIA_BASE_QUOTE_H_

#include <string>
#include <string_view>

namespace cria::base {

// 'text' in quotes, on one line, not long, and valid UTF-8 whatever the bytes are: quotes and
// control characters are escaped as in C, bytes that are no UTF-8 as \xNN, and the rest is cut
// after about 120 bytes.
std::string Quote(std::string_view text);

}  // namespace cria::base

#endif  // CRIA_BASE_QUOTE_H_
