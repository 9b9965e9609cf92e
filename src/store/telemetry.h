// Traces as clients report them: spans that begin and end, log lines and measurements. They are
// kept for as long as the client says.
#ifndef CRIA_STORE_TELEMETRY_H_
#define CRIA_STORE_TELEMETRY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "store/clock.h"
#include "store/owner.h"
#include "store/reader.h"
#include "store/writer.h"

namespace cria::store {

inline constexpr size_t kMaxSpanAttributes = 256;
inline constexpr size_t kMaxSpanAttributeBytes = size_t{1} << 20;  // as JSON
inline constexpr size_t kMaxSpansOfTrace = 10000;
inline constexpr size_t kMaxTracesSearched = 100000;

struct Span {
  std::string trace, id;  // as the client named them
  std::optional<std::string> parent;
  std::string name;
  int64_t started_us = 0;  // Unix microseconds
  std::optional<int64_t> ended_us;
  std::string status;  // "ok", "error"; empty: it hasn't ended
  base::json::object attributes;
};

struct SpanEnd {
  std::string trace, id;
  int64_t ended_us = 0;
  std::string status;
  base::json::object attributes;  // added to the span's
};

// A log line or a measurement.
struct TelemetryEvent {
  std::string trace, span;
  int64_t time_us = 0;
  std::string type;
  std::string name;  // of a measurement: what is measured
  base::json::object body;
};

struct Trace {
  std::string id, root_span;
  int64_t started_us = 0;
  std::optional<int64_t> ended_us;
  Owner owner;
};

// Who reports or asks. A trace belongs to the one who began it.
struct TelemetryCaller {
  Owner owner;
  std::function<bool(const Owner&)> visible;  // empty: everything is
};

struct TraceQuery {
  enum class Key : uint8_t { kId, kRootSpan, kStart, kEnd };
  std::vector<std::pair<Key, bool>> order;  // true: descending; then as they were reported
  int64_t limit = 100, offset = 0;          // of the traces that fit
  // Some span of the trace has to fit. Empty: all do.
  std::function<bool(const base::json::object& attributes)> span_fits;
};

// Any thread. Errors as in sql.h, and of a full queue as in writer.h; kNotFound for a trace or span
// that isn't there, has expired or that the caller may not see.
class Telemetry {
 public:
  // Both live longer.
  Telemetry(Reader& reader, Writer& writer, Clock clock)
      : reader_(reader), writer_(writer), clock_(std::move(clock)) {}

  // A trace is there from its first span on, and until `ttl_s` after the last report. A span that
  // is begun twice is the first one. kResourceExhausted above the limits.
  absl::Status Begin(const Span& span, int64_t ttl_s, const TelemetryCaller& caller);
  absl::Status End(const SpanEnd& end, int64_t ttl_s, const TelemetryCaller& caller);
  absl::Status Add(const TelemetryEvent& event, int64_t ttl_s, const TelemetryCaller& caller);

  absl::StatusOr<Trace> GetTrace(const std::string& id, const TelemetryCaller& caller);
  absl::StatusOr<Span> GetSpan(const std::string& trace, const std::string& id,
                               const TelemetryCaller& caller);
  // The span itself, then those below it, level by level. `max_depth`: levels, with its own.
  // Without a trace, the latest that has such a span and that the caller may see.
  absl::StatusOr<std::vector<Span>> Tree(const std::optional<std::string>& trace,
                                         const std::string& span, std::optional<int64_t> max_depth,
                                         const TelemetryCaller& caller);
  // kResourceExhausted after kMaxTracesSearched.
  absl::StatusOr<std::vector<Trace>> Find(const TraceQuery& query, const TelemetryCaller& caller);

  // How many traces.
  absl::StatusOr<int64_t> RemoveExpired();

 private:
  absl::StatusOr<std::string> TraceWith(const std::string& span, const TelemetryCaller& caller);
  absl::StatusOr<std::vector<Span>> SpansOf(const std::string& trace);
  absl::StatusOr<bool> SomeSpanFits(const std::string& trace, const TraceQuery& query);

  Reader& reader_;
  Writer& writer_;
  const Clock clock_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_TELEMETRY_H_
