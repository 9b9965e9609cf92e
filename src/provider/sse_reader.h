// Reads a stream of server-sent events as it comes (WHATWG HTML, section 9.2.6).
#ifndef CRIA_PROVIDER_SSE_READER_H_
#define CRIA_PROVIDER_SSE_READER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "base/status.h"

namespace cria::provider {

struct SseEvent {
  std::string_view type;  // of its `event` field; empty: "message"
  std::string_view data;  // its lines, joined by \n
};

// Lines end with CR, LF or CRLF and may be cut anywhere; a byte order mark at the start, comments
// and fields other than `event` and `data` are skipped. One thread at a time.
class SseReader {
 public:
  // `max_event_bytes`: of a line, and of the data of an event.
  explicit SseReader(size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  // Gives the events that these bytes complete, each with an empty line behind it; the views hold
  // during the call. It stops early when `give` returns false. kResourceExhausted: a line or an
  // event is too large; nothing more can be read then.
  absl::Status Feed(std::string_view bytes, absl::FunctionRef<bool(const SseEvent&)> give);

 private:
  bool SkipMark(std::string_view* bytes);
  absl::Status TakeLine(std::string_view line, absl::FunctionRef<bool(const SseEvent&)> give,
                        bool* more);
  absl::Status TakeField(std::string_view line);

  const size_t max_event_bytes_;
  std::string line_;  // its beginning, of earlier calls
  std::string type_, data_;
  bool has_data_ = false;
  size_t mark_bytes_ = 0;  // of a byte order mark, seen so far
  bool started_ = false;   // past where a mark may be
  bool after_cr_ = false;  // a LF belongs to the line before
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_SSE_READER_H_
