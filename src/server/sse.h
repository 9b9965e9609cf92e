// Frames of server-sent events (WHATWG HTML, section 9.2).
#ifndef CRIA_SERVER_SSE_H_
#define CRIA_SERVER_SSE_H_

#include <string>
#include <string_view>

#include "base/json.h"

namespace cria::server {

inline constexpr char kEventStream[] = "text/event-stream";
inline constexpr std::string_view kDoneFrame = "data: [DONE]\n\n";

// "data: <json>\n\n", and the same under "event: <name>\n". Line ends in `json`,
// which can only be white space between its tokens, become spaces; `name` has none.
std::string DataFrame(std::string_view json);
std::string DataFrame(const base::json::value& json);
std::string EventFrame(std::string_view name, std::string_view json);
std::string EventFrame(std::string_view name, const base::json::value& json);

// ": text\n\n": clients skip it.
std::string CommentFrame(std::string_view text);

}  // namespace cria::server

#endif  // CRIA_SERVER_SSE_H_
