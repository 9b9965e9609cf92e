#include "server/sse.h"

#include <algorithm>

#include "base/check.h"

namespace cria::server {
namespace {

std::string Frame(std::string_view prefix, std::string_view text) {
  std::string frame;
  frame.reserve(prefix.size() + text.size() + 2);
  frame.append(prefix).append(text);
  std::replace_if(
      frame.begin() + static_cast<ptrdiff_t>(prefix.size()), frame.end(),
      [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return frame.append("\n\n");
}

}  // namespace

std::string DataFrame(std::string_view json) { return Frame("data: ", json); }

std::string DataFrame(const base::json::value& json) {
  return DataFrame(std::string_view(base::json::serialize(json)));
}

std::string EventFrame(std::string_view name, std::string_view json) {
  CRIA_CHECK(name.find_first_of("\r\n") == std::string_view::npos);
  std::string prefix = "event: ";
  prefix.append(name).append("\ndata: ");
  return Frame(prefix, json);
}

std::string EventFrame(std::string_view name, const base::json::value& json) {
  return EventFrame(name, std::string_view(base::json::serialize(json)));
}

std::string CommentFrame(std::string_view text) { return Frame(": ", text); }

}  // namespace cria::server
