// Telemetry on the wire: what a client reports and asks, as the store has it, and back.
#ifndef CRIA_SERVER_TELEMETRY_JSON_H_
#define CRIA_SERVER_TELEMETRY_JSON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "store/telemetry.h"

namespace cria::server {

// Unix microseconds. `value` is an ISO 8601 date and time, of UTC where it names no offset, or Unix
// seconds; from 1970 to 9999. kInvalidArgument for anything else.
absl::StatusOr<int64_t> ParseTimestamp(const base::json::value& value);
std::string TimestampText(int64_t unix_us);  // "2024-10-01T12:00:00.000001Z"

// Of an event that is as its schema says: StructuredLogEvent with the payload of a start or an end,
// UnstructuredLogEvent or MetricEvent.
absl::StatusOr<store::Span> SpanFrom(const base::json::object& event);
absl::StatusOr<store::SpanEnd> SpanEndFrom(const base::json::object& event);
absl::StatusOr<store::TelemetryEvent> EventFrom(const base::json::object& event);

// One thing that is asked of attributes.
struct AttributeCondition {
  enum class Op : uint8_t { kEqual, kNotEqual, kGreater, kLess };
  std::string key;
  Op op = Op::kEqual;
  base::json::value value;
};
std::vector<AttributeCondition> ConditionsFrom(const base::json::array& conditions);
// True when all fit. Numbers, also true and false as 1 and 0, compare with numbers and texts with
// texts; of two kinds only kNotEqual fits. An attribute that isn't there fits nothing.
bool Fit(const std::vector<AttributeCondition>& conditions, const base::json::object& attributes);

// order_by: "start_time", "-end_time", ... kInvalidArgument for a field that traces don't have.
absl::StatusOr<decltype(store::TraceQuery::order)> OrderFrom(const base::json::array& fields);

base::json::object TraceJson(const store::Trace& trace);
// Only those of `attributes` that are named; all if none is.
base::json::object SpanJson(const store::Span& span, const std::vector<std::string>& attributes);

}  // namespace cria::server

#endif  // CRIA_SERVER_TELEMETRY_JSON_H_
