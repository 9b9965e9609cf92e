#include "server/telemetry_json.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/quote.h"

namespace cria::server {
namespace {

namespace json = base::json;
using Op = AttributeCondition::Op;
using Key = store::TraceQuery::Key;

constexpr double kMaxUnixSeconds = 253402300799.0;  // the end of the year 9999

absl::Status BadTimestamp(const json::value& value) {
  return absl::InvalidArgumentError(absl::StrCat(
      "timestamp: expected a date and time such as '2024-10-01T12:00:00Z', or Unix seconds, from "
      "1970 to 9999, found ",
      value.is_string() ? base::Quote(value.get_string()) : json::serialize(value)));
}

std::optional<absl::Time> ParseIso(std::string text) {
  constexpr size_t kDateLength = 10;
  if (text.size() > kDateLength && text[kDateLength] == ' ') text[kDateLength] = 'T';
  absl::Time time;
  for (const char* format : {"%Y-%m-%dT%H:%M:%E*S%Ez", "%Y-%m-%dT%H:%M:%E*S"})
    if (absl::ParseTime(format, text, &time, nullptr)) return time;
  return std::nullopt;
}

std::string TextAt(const json::object& object, std::string_view key) {
  const json::value* value = base::Find(object, key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

json::object AttributesOf(const json::object& event) {
  const json::object* attributes = base::FindObject(event, "attributes");
  return attributes != nullptr ? *attributes : json::object();
}

std::optional<double> AsNumber(const json::value& value) {
  if (value.is_bool()) return value.get_bool() ? 1 : 0;
  if (value.is_number()) return value.to_number<double>();
  return std::nullopt;
}

// Below 0, 0 or above as `a` is to `b`; nullopt for two kinds, and for what has no order.
std::optional<int> Compare(const json::value& a, const json::value& b) {
  if (a.is_string() && b.is_string()) return a.get_string().compare(b.get_string());
  if (a.is_int64() && b.is_int64())
    return a.get_int64() < b.get_int64() ? -1 : a.get_int64() > b.get_int64();
  const auto x = AsNumber(a), y = AsNumber(b);
  if (!x || !y) return std::nullopt;
  return *x < *y ? -1 : *x > *y;
}

bool Fits(const AttributeCondition& condition, const json::object& attributes) {
  const json::value* found = base::Find(attributes, condition.key);
  if (found == nullptr) return false;
  const std::optional<int> order = Compare(*found, condition.value);
  switch (condition.op) {
    case Op::kEqual:
      return order == 0;
    case Op::kNotEqual:
      return order != 0;
    case Op::kGreater:
      return order && *order > 0;
    case Op::kLess:
      break;
  }
  return order && *order < 0;
}

}  // namespace

absl::StatusOr<int64_t> ParseTimestamp(const json::value& value) {
  std::optional<absl::Time> time;
  if (value.is_string()) {
    time = ParseIso(std::string(value.get_string()));
  } else if (value.is_number()) {
    const auto seconds = value.to_number<double>();
    if (seconds >= 0 && seconds <= kMaxUnixSeconds)
      time = absl::UnixEpoch() + absl::Microseconds(std::llround(seconds * 1e6));
  }
  const bool fits = time && *time >= absl::UnixEpoch() &&
                    *time <= absl::UnixEpoch() + absl::Seconds(kMaxUnixSeconds);
  if (!fits) return BadTimestamp(value);
  return absl::ToUnixMicros(*time);
}

std::string TimestampText(int64_t unix_us) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromUnixMicros(unix_us),
                          absl::UTCTimeZone());
}

absl::StatusOr<store::Span> SpanFrom(const json::object& event) {
  const json::object& payload = event.at("payload").get_object();
  store::Span span;
  span.trace = TextAt(event, "trace_id");
  span.id = TextAt(event, "span_id");
  span.name = TextAt(payload, "name");
  if (std::string parent = TextAt(payload, "parent_span_id"); !parent.empty())
    span.parent = std::move(parent);
  CRIA_ASSIGN_OR_RETURN(span.started_us, ParseTimestamp(event.at("timestamp")));
  span.attributes = AttributesOf(event);
  return span;
}

absl::StatusOr<store::SpanEnd> SpanEndFrom(const json::object& event) {
  store::SpanEnd end;
  end.trace = TextAt(event, "trace_id");
  end.id = TextAt(event, "span_id");
  end.status = TextAt(event.at("payload").get_object(), "status");
  CRIA_ASSIGN_OR_RETURN(end.ended_us, ParseTimestamp(event.at("timestamp")));
  end.attributes = AttributesOf(event);
  return end;
}

absl::StatusOr<store::TelemetryEvent> EventFrom(const json::object& event) {
  store::TelemetryEvent out;
  out.trace = TextAt(event, "trace_id");
  out.span = TextAt(event, "span_id");
  out.type = TextAt(event, "type");
  out.name = TextAt(event, "metric");
  CRIA_ASSIGN_OR_RETURN(out.time_us, ParseTimestamp(event.at("timestamp")));
  for (const char* key : {"message", "severity", "value", "unit", "attributes"})
    if (const json::value* value = base::Find(event, key)) out.body[key] = *value;
  return out;
}

std::vector<AttributeCondition> ConditionsFrom(const json::array& conditions) {
  std::vector<AttributeCondition> out;
  for (const json::value& one : conditions) {
    const json::object& condition = one.get_object();
    const std::string op = TextAt(condition, "op");
    out.push_back({TextAt(condition, "key"),
                   op == "eq"   ? Op::kEqual
                   : op == "ne" ? Op::kNotEqual
                   : op == "gt" ? Op::kGreater
                                : Op::kLess,
                   condition.at("value")});
  }
  return out;
}

bool Fit(const std::vector<AttributeCondition>& conditions, const json::object& attributes) {
  return std::all_of(conditions.begin(), conditions.end(),
                     [&](const AttributeCondition& one) { return Fits(one, attributes); });
}

absl::StatusOr<decltype(store::TraceQuery::order)> OrderFrom(const json::array& fields) {
  constexpr std::pair<std::string_view, Key> kFields[] = {{"trace_id", Key::kId},
                                                          {"root_span_id", Key::kRootSpan},
                                                          {"start_time", Key::kStart},
                                                          {"end_time", Key::kEnd}};
  decltype(store::TraceQuery::order) order;
  for (const json::value& field : fields) {
    std::string_view name = field.get_string();
    const bool descending = name.starts_with('-');
    if (descending) name.remove_prefix(1);
    const auto* found = std::find_if(std::begin(kFields), std::end(kFields),
                                     [&](const auto& one) { return one.first == name; });
    if (found == std::end(kFields) || order.size() == std::size(kFields))
      return absl::InvalidArgumentError(absl::StrCat(
          "order_by: expected up to ", std::size(kFields),
          " of trace_id, root_span_id, start_time and end_time, perhaps after '-', found ",
          json::serialize(fields)));
    order.emplace_back(found->second, descending);
  }
  return order;
}

json::object TraceJson(const store::Trace& trace) {
  json::object out{{"trace_id", trace.id},
                   {"root_span_id", trace.root_span},
                   {"start_time", TimestampText(trace.started_us)},
                   {"end_time", nullptr}};
  if (trace.ended_us) out["end_time"] = TimestampText(*trace.ended_us);
  return out;
}

json::object SpanJson(const store::Span& span, const std::vector<std::string>& attributes) {
  json::object out{{"span_id", span.id},
                   {"trace_id", span.trace},
                   {"parent_span_id", nullptr},
                   {"name", span.name},
                   {"start_time", TimestampText(span.started_us)},
                   {"end_time", nullptr},
                   {"status", nullptr}};
  if (span.parent) out["parent_span_id"] = *span.parent;
  if (span.ended_us) out["end_time"] = TimestampText(*span.ended_us);
  if (!span.status.empty()) out["status"] = span.status;
  json::object told;
  for (const std::string& name : attributes)
    if (const json::value* value = base::Find(span.attributes, name)) told[name] = *value;
  out["attributes"] = attributes.empty() ? span.attributes : std::move(told);
  return out;
}

}  // namespace cria::server
