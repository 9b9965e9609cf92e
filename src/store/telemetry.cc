#include "store/telemetry.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_join.h"
#include "store/errors.h"

namespace cria::store {
namespace {

namespace json = base::json;

constexpr char kTrace[] = "trace";
constexpr char kSpan[] = "span";
constexpr char kSpanColumns[] = "trace, id, parent, name, started, ended, status, attributes";
constexpr char kTraceColumns[] = "id, root_span, started, ended, owner";
constexpr int64_t kTracesAtOnce = 500;

bool MaySee(const TelemetryCaller& caller, const Owner& owner) {
  return !caller.visible || caller.visible(owner);
}

absl::StatusOr<std::string> AttributesText(const json::object& attributes) {
  std::string text = json::serialize(attributes);
  if (attributes.size() <= kMaxSpanAttributes && text.size() <= kMaxSpanAttributeBytes) return text;
  return absl::ResourceExhaustedError(absl::StrCat(
      "attributes: expected at most ", kMaxSpanAttributes, " of ", kMaxSpanAttributeBytes,
      " bytes together for a span, found ", attributes.size(), " of ", text.size()));
}

absl::StatusOr<json::object> ParseAttributes(std::string_view text) {
  CRIA_ASSIGN_OR_RETURN(json::value value, base::ParseJson(text, "the attributes of a span"));
  if (!value.is_object()) return absl::DataLossError("the attributes of a span are no object");
  return std::move(value.get_object());
}

absl::StatusOr<Span> SpanFrom(const Row& row) {
  Span span;
  span.trace = row.Text(0);
  span.id = row.Text(1);
  if (!row.IsNull(2)) span.parent = std::string(row.Text(2));
  span.name = row.Text(3);
  span.started_us = row.Int(4);
  if (!row.IsNull(5)) span.ended_us = row.Int(5);
  span.status = row.Text(6);
  CRIA_ASSIGN_OR_RETURN(span.attributes, ParseAttributes(row.Text(7)));
  return span;
}

absl::StatusOr<Trace> TraceFrom(const Row& row) {
  Trace trace;
  trace.id = row.Text(0);
  trace.root_span = row.Text(1);
  trace.started_us = row.Int(2);
  if (!row.IsNull(3)) trace.ended_us = row.Int(3);
  CRIA_ASSIGN_OR_RETURN(trace.owner, ParseOwner(row.Text(4)));
  return trace;
}

// Within a transaction: OK unless the trace is there and another's.
absl::Status CheckMine(Connection& connection, const std::string& trace,
                       const TelemetryCaller& caller) {
  std::optional<std::string> text;
  CRIA_RETURN_IF_ERROR(connection.Query("SELECT owner FROM telemetry_traces WHERE id = ?", {trace},
                                        [&](const Row& row) {
                                          text = std::string(row.Text(0));
                                          return false;
                                        }));
  if (!text.has_value()) return absl::OkStatus();
  CRIA_ASSIGN_OR_RETURN(const Owner owner, ParseOwner(*text));
  return MaySee(caller, owner) ? absl::OkStatus() : NoSuch(kTrace, trace);
}

// The root is the first span without a parent; until one comes, the first span.
constexpr char kTouchTrace[] = R"(
INSERT INTO telemetry_traces (id, root_span, has_root, started, expires, owner)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET
    root_span = CASE WHEN excluded.has_root > telemetry_traces.has_root
                     THEN excluded.root_span ELSE telemetry_traces.root_span END,
    has_root = CASE WHEN excluded.has_root > telemetry_traces.has_root
                    THEN excluded.has_root ELSE telemetry_traces.has_root END,
    started = CASE WHEN excluded.started < telemetry_traces.started
                   THEN excluded.started ELSE telemetry_traces.started END,
    expires = CASE WHEN excluded.expires > telemetry_traces.expires
                   THEN excluded.expires ELSE telemetry_traces.expires END)";

absl::Status InsertSpan(Connection& connection, const Span& span, const std::string& attributes) {
  const Param parent = span.parent ? Param(std::string_view(*span.parent)) : Param();
  return connection
      .Execute(
          "INSERT INTO telemetry_spans (trace, id, parent, name, started, status, attributes) "
          "VALUES (?, ?, ?, ?, ?, '', ?) ON CONFLICT (trace, id) DO NOTHING",
          {span.trace, span.id, parent, span.name, span.started_us, attributes})
      .status();
}

// Within a transaction: the attributes of a span that is there, with those of its end.
absl::StatusOr<std::string> MergedAttributes(Connection& connection, const SpanEnd& end) {
  std::optional<std::string> text;
  CRIA_RETURN_IF_ERROR(
      connection.Query("SELECT attributes FROM telemetry_spans WHERE trace = ? AND id = ?",
                       {end.trace, end.id}, [&](const Row& row) {
                         text = std::string(row.Text(0));
                         return false;
                       }));
  if (!text.has_value()) return NoSuch(kSpan, end.id);
  CRIA_ASSIGN_OR_RETURN(json::object attributes, ParseAttributes(*text));
  for (const auto& [key, value] : end.attributes) attributes[key] = value;
  return AttributesText(attributes);
}

absl::Status EndSpan(Connection& connection, const SpanEnd& end, int64_t expires) {
  CRIA_ASSIGN_OR_RETURN(const std::string attributes, MergedAttributes(connection, end));
  CRIA_RETURN_IF_ERROR(
      connection
          .Execute("UPDATE telemetry_spans SET ended = ?, status = ?, attributes = ? "
                   "WHERE trace = ? AND id = ?",
                   {end.ended_us, end.status, attributes, end.trace, end.id})
          .status());
  return connection
      .Execute(
          "UPDATE telemetry_traces SET "
          "ended = CASE WHEN ended > ? THEN ended ELSE ? END, "
          "expires = CASE WHEN expires > ? THEN expires ELSE ? END WHERE id = ?",
          {end.ended_us, end.ended_us, expires, expires, end.trace})
      .status();
}

const char* ColumnOf(TraceQuery::Key key) {
  switch (key) {
    case TraceQuery::Key::kId:
      return "id";
    case TraceQuery::Key::kRootSpan:
      return "root_span";
    case TraceQuery::Key::kStart:
      return "started";
    case TraceQuery::Key::kEnd:
      break;
  }
  // Databases disagree on where NULL is sorted.
  return "COALESCE(ended, 0)";
}

std::string OrderText(const TraceQuery& query) {
  std::string text = " ORDER BY ";
  for (const auto& [key, descending] : query.order)
    absl::StrAppend(&text, ColumnOf(key), descending ? " DESC, " : ", ");
  return text + "seq";
}

absl::StatusOr<std::vector<Trace>> ReadTraces(Reader& reader, const std::string& sql,
                                              const Params& params) {
  std::vector<Trace> traces;
  absl::Status bad_row;
  CRIA_RETURN_IF_ERROR(reader.Query(sql, params, [&](const Row& row) {
    absl::StatusOr<Trace> trace = TraceFrom(row);
    bad_row = trace.status();
    if (trace.ok()) traces.push_back(*std::move(trace));
    return bad_row.ok();
  }));
  CRIA_RETURN_IF_ERROR(bad_row);
  return traces;
}

// The spans below `root`, level by level. Hostile parents may make circles: each is met once.
std::vector<Span> LevelsBelow(std::vector<Span> spans, const std::string& root, int64_t max_depth) {
  std::multimap<std::string, size_t> children;
  std::vector<size_t> level;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (spans[i].id == root) level.push_back(i);
    if (spans[i].parent) children.emplace(*spans[i].parent, i);
  }
  std::set<size_t> met(level.begin(), level.end());
  std::vector<size_t> order;
  for (int64_t depth = 1; !level.empty() && depth <= max_depth; ++depth) {
    order.insert(order.end(), level.begin(), level.end());
    std::vector<size_t> next;
    for (const size_t index : level) {
      const auto [begin, end] = children.equal_range(spans[index].id);
      for (auto child = begin; child != end; ++child)
        if (met.insert(child->second).second) next.push_back(child->second);
    }
    level = std::move(next);
  }
  std::vector<Span> tree;
  for (const size_t index : order) tree.push_back(std::move(spans[index]));
  return tree;
}

}  // namespace

absl::Status Telemetry::Begin(const Span& span, int64_t ttl_s, const TelemetryCaller& caller) {
  CRIA_ASSIGN_OR_RETURN(const std::string attributes, AttributesText(span.attributes));
  const int64_t expires = clock_() + ttl_s;
  const std::string owner = OwnerText(caller.owner);
  const auto work = [&](Connection& connection) -> absl::Status {
    CRIA_RETURN_IF_ERROR(CheckMine(connection, span.trace, caller));
    CRIA_RETURN_IF_ERROR(
        connection
            .Execute(kTouchTrace, {span.trace, span.id, int64_t{span.parent ? 0 : 1},
                                   span.started_us, expires, owner})
            .status());
    return InsertSpan(connection, span, attributes);
  };
  return writer_.Write(sizeof span + attributes.size(), work);
}

absl::Status Telemetry::End(const SpanEnd& end, int64_t ttl_s, const TelemetryCaller& caller) {
  const int64_t expires = clock_() + ttl_s;
  return writer_.Write(sizeof end, [&](Connection& connection) -> absl::Status {
    CRIA_RETURN_IF_ERROR(CheckMine(connection, end.trace, caller));
    return EndSpan(connection, end, expires);
  });
}

absl::Status Telemetry::Add(const TelemetryEvent& event, int64_t ttl_s,
                            const TelemetryCaller& caller) {
  CRIA_ASSIGN_OR_RETURN(const std::string body, AttributesText(event.body));
  const int64_t expires = clock_() + ttl_s;
  const std::string owner = OwnerText(caller.owner);
  const auto work = [&](Connection& connection) -> absl::Status {
    CRIA_RETURN_IF_ERROR(CheckMine(connection, event.trace, caller));
    return connection
        .Execute(
            "INSERT INTO telemetry_events (trace, span, time, type, name, expires, owner, "
            "body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            {event.trace, event.span, event.time_us, event.type, event.name, expires, owner, body})
        .status();
  };
  return writer_.Write(sizeof event + body.size(), work);
}

absl::StatusOr<Trace> Telemetry::GetTrace(const std::string& id, const TelemetryCaller& caller) {
  absl::StatusOr<Trace> found = NoSuch(kTrace, id);
  CRIA_RETURN_IF_ERROR(reader_.Query(
      absl::StrCat("SELECT ", kTraceColumns, " FROM telemetry_traces WHERE id = ? AND expires > ?"),
      {id, clock_()}, [&](const Row& row) {
        found = TraceFrom(row);
        return false;
      }));
  if (found.ok() && !MaySee(caller, found->owner)) return NoSuch(kTrace, id);
  return found;
}

absl::StatusOr<Span> Telemetry::GetSpan(const std::string& trace, const std::string& id,
                                        const TelemetryCaller& caller) {
  CRIA_RETURN_IF_ERROR(GetTrace(trace, caller).status());
  absl::StatusOr<Span> found = NoSuch(kSpan, id);
  CRIA_RETURN_IF_ERROR(reader_.Query(
      absl::StrCat("SELECT ", kSpanColumns, " FROM telemetry_spans WHERE trace = ? AND id = ?"),
      {trace, id}, [&](const Row& row) {
        found = SpanFrom(row);
        return false;
      }));
  return found;
}

absl::StatusOr<std::vector<Span>> Telemetry::SpansOf(const std::string& trace) {
  std::vector<Span> spans;
  absl::Status status;
  CRIA_RETURN_IF_ERROR(reader_.Query(
      absl::StrCat("SELECT ", kSpanColumns,
                   " FROM telemetry_spans WHERE trace = ? ORDER BY started, seq LIMIT ?"),
      {trace, static_cast<int64_t>(kMaxSpansOfTrace) + 1}, [&](const Row& row) {
        absl::StatusOr<Span> span = SpanFrom(row);
        status = span.status();
        if (span.ok()) spans.push_back(*std::move(span));
        return status.ok();
      }));
  CRIA_RETURN_IF_ERROR(status);
  if (spans.size() > kMaxSpansOfTrace)
    return absl::ResourceExhaustedError(absl::StrCat("trace ", trace, ": expected at most ",
                                                     kMaxSpansOfTrace, " spans, found more"));
  return spans;
}

absl::StatusOr<std::string> Telemetry::TraceWith(const std::string& span,
                                                 const TelemetryCaller& caller) {
  std::optional<std::string> trace;
  absl::Status bad_row;
  CRIA_RETURN_IF_ERROR(reader_.Query(
      "SELECT telemetry_traces.id, owner FROM telemetry_spans "
      "JOIN telemetry_traces ON telemetry_traces.id = trace "
      "WHERE telemetry_spans.id = ? AND expires > ? ORDER BY telemetry_spans.started DESC",
      {span, clock_()}, [&](const Row& row) {
        const absl::StatusOr<Owner> owner = ParseOwner(row.Text(1));
        bad_row = owner.status();
        if (owner.ok() && MaySee(caller, *owner)) trace = std::string(row.Text(0));
        return bad_row.ok() && !trace.has_value();
      }));
  CRIA_RETURN_IF_ERROR(bad_row);
  if (!trace.has_value()) return NoSuch(kSpan, span);
  return *std::move(trace);
}

absl::StatusOr<std::vector<Span>> Telemetry::Tree(const std::optional<std::string>& trace,
                                                  const std::string& span,
                                                  std::optional<int64_t> max_depth,
                                                  const TelemetryCaller& caller) {
  std::string from;
  if (trace.has_value()) {
    CRIA_RETURN_IF_ERROR(GetTrace(*trace, caller).status());
    from = *trace;
  } else {
    CRIA_ASSIGN_OR_RETURN(from, TraceWith(span, caller));
  }
  CRIA_ASSIGN_OR_RETURN(std::vector<Span> spans, SpansOf(from));
  const auto levels = static_cast<int64_t>(spans.size());
  std::vector<Span> tree =
      LevelsBelow(std::move(spans), span, std::min(max_depth.value_or(levels), levels));
  if (tree.empty()) return NoSuch(kSpan, span);
  return tree;
}

absl::StatusOr<bool> Telemetry::SomeSpanFits(const std::string& trace, const TraceQuery& query) {
  if (!query.span_fits) return true;
  bool fits = false;
  absl::Status status;
  CRIA_RETURN_IF_ERROR(reader_.Query("SELECT attributes FROM telemetry_spans WHERE trace = ?",
                                     {trace}, [&](const Row& row) {
                                       const auto attributes = ParseAttributes(row.Text(0));
                                       status = attributes.status();
                                       fits = attributes.ok() && query.span_fits(*attributes);
                                       return status.ok() && !fits;
                                     }));
  CRIA_RETURN_IF_ERROR(status);
  return fits;
}

absl::StatusOr<std::vector<Trace>> Telemetry::Find(const TraceQuery& query,
                                                   const TelemetryCaller& caller) {
  const std::string sql =
      absl::StrCat("SELECT ", kTraceColumns, " FROM telemetry_traces WHERE expires > ?",
                   OrderText(query), " LIMIT ? OFFSET ?");
  const int64_t now = clock_();
  std::vector<Trace> found;
  int64_t to_skip = query.offset;
  for (int64_t at = 0; at < static_cast<int64_t>(kMaxTracesSearched); at += kTracesAtOnce) {
    CRIA_ASSIGN_OR_RETURN(std::vector<Trace> some,
                          ReadTraces(reader_, sql, {now, kTracesAtOnce, at}));
    for (Trace& trace : some) {
      if (!MaySee(caller, trace.owner)) continue;
      CRIA_ASSIGN_OR_RETURN(const bool fits, SomeSpanFits(trace.id, query));
      if (!fits) continue;
      if (to_skip > 0) {
        --to_skip;
        continue;
      }
      found.push_back(std::move(trace));
      if (std::ssize(found) >= query.limit) return found;
    }
    if (std::ssize(some) < kTracesAtOnce) return found;
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("too many traces: ", kMaxTracesSearched, " were searched, and ", found.size(),
                   " of the ", query.limit, " that were asked for found; ask for fewer"));
}

absl::StatusOr<int64_t> Telemetry::RemoveExpired() {
  const int64_t now = clock_();
  int64_t removed = 0;
  const auto work = [&](Connection& connection) -> absl::Status {
    CRIA_RETURN_IF_ERROR(
        connection.Execute("DELETE FROM telemetry_events WHERE expires <= ?", {now}).status());
    CRIA_ASSIGN_OR_RETURN(
        removed, connection.Execute("DELETE FROM telemetry_traces WHERE expires <= ?", {now}));
    return absl::OkStatus();
  };
  CRIA_RETURN_IF_ERROR(writer_.Write(sizeof now, work));
  return removed;
}

}  // namespace cria::store
