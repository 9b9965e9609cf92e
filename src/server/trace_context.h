// W3C Trace Context: which trace a request belongs to.
#ifndef CRIA_SERVER_TRACE_CONTEXT_H_
#define CRIA_SERVER_TRACE_CONTEXT_H_

#include <optional>
#include <string>
#include <string_view>

namespace cria::server {

struct TraceContext {
  std::string trace_id;   // 32 hex digits, lower case, not all zero
  std::string parent_id;  // 16; of the caller's span, empty: none
  bool sampled = false;
};

// The value of a traceparent header; nullopt if it isn't one. Of versions to come, what version 00
// defines is read (section 3.2.2 there).
std::optional<TraceContext> ParseTraceparent(std::string_view text);

// "00-<trace>-<span>-01"
std::string FormatTraceparent(const TraceContext& context, std::string_view span_id);

std::string RandomHex(size_t bytes);  // cryptographically random; two digits a byte

}  // namespace cria::server

#endif  // CRIA_SERVER_TRACE_CONTEXT_H_
