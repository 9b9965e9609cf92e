#include "server/handle_telemetry.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "server/access.h"
#include "server/request_body.h"
#include "server/telemetry_json.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

namespace json = base::json;
using json::object;

constexpr int64_t kDefaultTtlSeconds = 7 * 24 * 3600;

store::TelemetryCaller CallerOf(const Request& request) {
  store::Owner caller = CallerAsOwner(request);
  return {caller, [caller](const store::Owner& owner) { return MaySee(caller, owner); }};
}

// One text of a query: JSON where it looks like it, a whole number where one is asked for.
json::value ValueOf(const std::string& text, const object& schema) {
  if (text.starts_with('{') || text.starts_with('[')) {
    absl::StatusOr<json::value> parsed = base::ParseJson(text, "a query parameter");
    if (parsed.ok()) return *std::move(parsed);
  }
  int64_t number = 0;
  const json::value* type = base::Find(schema, "type");
  if (type != nullptr && *type == "integer" && absl::SimpleAtoi(text, &number)) return number;
  return json::string(text);
}

// Lists come as JSON, as several parameters of one name, or with commas.
json::value ListOf(const Request& request, const std::string& name) {
  json::array list;
  for (const auto& [key, text] : request.query) {
    if (key != name && key != name + "[]") continue;
    json::value value = ValueOf(text, {});
    if (value.is_array()) {
      for (json::value& item : value.get_array()) list.push_back(std::move(item));
    } else if (value.is_object()) {
      list.push_back(std::move(value));
    } else {
      for (const absl::string_view item : absl::StrSplit(text, ',', absl::SkipEmpty()))
        list.push_back(json::string(item.data(), item.size()));
    }
  }
  return list.empty() ? json::value() : json::value(std::move(list));
}

// What a request asks, as `schema` says: by query parameters (0.1), in the body (0.2), or in both
// (0.0.63); the body wins.
absl::StatusOr<object> ReadParameters(const Request& request, const api::SchemaSet& schemas,
                                      std::string_view schema) {
  object parameters;
  for (const api::SchemaSet::Parameter& parameter : schemas.Parameters(schema)) {
    const json::value* type = base::Find(parameter.schema, "type");
    if (type != nullptr && *type == "array") {
      json::value list = ListOf(request, parameter.name);
      if (!list.is_null()) parameters[parameter.name] = std::move(list);
    } else if (const std::string* text = request.Query(parameter.name)) {
      parameters[parameter.name] = ValueOf(*text, parameter.schema);
    }
  }
  if (!request.body.empty()) {
    absl::StatusOr<json::value> body = base::ParseJson(request.body, "the body");
    if (!body.ok()) return absl::InvalidArgumentError(body.status().message());
    if (!body->is_object())
      return absl::InvalidArgumentError(absl::StrCat("the body: expected an object, found ",
                                                     std::string(base::JsonTypeName(*body))));
    for (auto& [key, value] : body->get_object()) parameters[key] = std::move(value);
  }
  const char* where = request.body.empty() ? "query" : "body";
  CRIA_RETURN_IF_ERROR(CheckAgainst(schemas, schema, parameters, {where}));
  return parameters;
}

std::vector<std::string> TextsAt(const object& parameters, std::string_view key) {
  std::vector<std::string> texts;
  if (const json::array* list = base::FindArray(parameters, key))
    for (const json::value& text : *list) texts.emplace_back(text.get_string());
  return texts;
}

Reply NullReply() { return JsonReply(nullptr); }

absl::StatusOr<Reply> LogEvent(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object body, ReadBody(request, services.schemas, "LogEventRequest"));
  CRIA_ASSIGN_OR_RETURN(const auto ttl, base::GetInt(body, "ttl_seconds"));
  const int64_t ttl_s = ttl.value_or(kDefaultTtlSeconds);
  const object& event = body.at("event").get_object();
  store::Telemetry& telemetry = services.store.telemetry();
  const object* payload = base::FindObject(event, "payload");
  if (event.at("type") != "structured_log") {
    CRIA_ASSIGN_OR_RETURN(const store::TelemetryEvent one, EventFrom(event));
    CRIA_RETURN_IF_ERROR(telemetry.Add(one, ttl_s, CallerOf(request)));
  } else if (payload->at("type") == "span_start") {
    CRIA_ASSIGN_OR_RETURN(const store::Span span, SpanFrom(event));
    CRIA_RETURN_IF_ERROR(telemetry.Begin(span, ttl_s, CallerOf(request)));
  } else {
    CRIA_ASSIGN_OR_RETURN(const store::SpanEnd end, SpanEndFrom(event));
    CRIA_RETURN_IF_ERROR(telemetry.End(end, ttl_s, CallerOf(request)));
  }
  return NullReply();
}

absl::StatusOr<Reply> TraceReply(const Services& services, const Request& request,
                                 const std::string& id) {
  CRIA_ASSIGN_OR_RETURN(const store::Trace trace,
                        services.store.telemetry().GetTrace(id, CallerOf(request)));
  return JsonReply(TraceJson(trace));
}

absl::StatusOr<Reply> GetTrace(const Services& services, const Request& request) {
  return TraceReply(services, request, request.path_params.at("trace_id"));
}

absl::StatusOr<Reply> GetTraceByQuery(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object query,
                        ReadParameters(request, services.schemas, "TraceQuery"));
  return TraceReply(services, request, std::string(query.at("trace_id").get_string()));
}

absl::StatusOr<Reply> GetSpan(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(
      const store::Span span,
      services.store.telemetry().GetSpan(request.path_params.at("trace_id"),
                                         request.path_params.at("span_id"), CallerOf(request)));
  return JsonReply(SpanJson(span, {}));
}

void AddConditions(const object& parameters, store::TraceQuery* query) {
  const json::array* filters = base::FindArray(parameters, "attribute_filters");
  if (filters == nullptr || filters->empty()) return;
  query->span_fits = [conditions = ConditionsFrom(*filters)](const object& attributes) {
    return Fit(conditions, attributes);
  };
}

absl::StatusOr<json::array> FindTraces(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object parameters,
                        ReadParameters(request, services.schemas, "QueryTracesRequest"));
  store::TraceQuery query;
  AddConditions(parameters, &query);
  if (const json::array* fields = base::FindArray(parameters, "order_by")) {
    CRIA_ASSIGN_OR_RETURN(query.order, OrderFrom(*fields));
  }
  CRIA_ASSIGN_OR_RETURN(const auto limit, base::GetInt(parameters, "limit"));
  CRIA_ASSIGN_OR_RETURN(const auto offset, base::GetInt(parameters, "offset"));
  query.limit = limit.value_or(query.limit);
  query.offset = offset.value_or(query.offset);
  CRIA_ASSIGN_OR_RETURN(const std::vector<store::Trace> traces,
                        services.store.telemetry().Find(query, CallerOf(request)));
  json::array data;
  for (const store::Trace& trace : traces) data.push_back(TraceJson(trace));
  return data;
}

bool HasAll(const store::Span& span, const std::vector<std::string>& attributes) {
  return std::all_of(attributes.begin(), attributes.end(), [&](const std::string& name) {
    return base::Find(span.attributes, name) != nullptr;
  });
}

// The spans, from the root down, of the traces that the filters choose: those that have all of the
// attributes that are asked for.
absl::StatusOr<json::array> FindSpans(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object parameters,
                        ReadParameters(request, services.schemas, "QuerySpansRequest"));
  CRIA_ASSIGN_OR_RETURN(const auto max_depth, base::GetInt(parameters, "max_depth"));
  const std::vector<std::string> attributes = TextsAt(parameters, "attributes_to_return");
  store::TraceQuery query;
  AddConditions(parameters, &query);
  const store::TelemetryCaller caller = CallerOf(request);
  CRIA_ASSIGN_OR_RETURN(const std::vector<store::Trace> traces,
                        services.store.telemetry().Find(query, caller));
  json::array data;
  for (const store::Trace& trace : traces) {
    const auto spans =
        services.store.telemetry().Tree(trace.id, trace.root_span, max_depth, caller);
    if (absl::IsNotFound(spans.status())) continue;  // it has expired just now
    CRIA_RETURN_IF_ERROR(spans.status());
    for (const store::Span& span : *spans)
      if (HasAll(span, attributes)) data.push_back(SpanJson(span, attributes));
    if (data.size() > store::kMaxSpansOfTrace)
      return absl::ResourceExhaustedError(
          absl::StrCat("expected at most ", store::kMaxSpansOfTrace,
                       " spans, found more: ask with more attribute_filters, or a max_depth"));
  }
  return data;
}

absl::StatusOr<object> TreeOf(const Services& services, const Request& request,
                              const std::string& span, const object& parameters) {
  CRIA_ASSIGN_OR_RETURN(const auto max_depth, base::GetInt(parameters, "max_depth"));
  CRIA_ASSIGN_OR_RETURN(
      const std::vector<store::Span> spans,
      services.store.telemetry().Tree(std::nullopt, span, max_depth, CallerOf(request)));
  const std::vector<std::string> attributes = TextsAt(parameters, "attributes_to_return");
  object data;
  for (const store::Span& one : spans) data[one.id] = SpanJson(one, attributes);
  return data;
}

absl::StatusOr<Reply> QueryTraces(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(json::array data, FindTraces(services, request));
  return JsonReply(object{{"data", std::move(data)}});
}

absl::StatusOr<Reply> QueryTracesBare(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(json::array data, FindTraces(services, request));
  return JsonReply(std::move(data));
}

absl::StatusOr<Reply> QuerySpans(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(json::array data, FindSpans(services, request));
  return JsonReply(object{{"data", std::move(data)}});
}

absl::StatusOr<Reply> QuerySpansBare(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(json::array data, FindSpans(services, request));
  return JsonReply(std::move(data));
}

absl::StatusOr<Reply> GetSpanTree(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object parameters,
                        ReadParameters(request, services.schemas, "SpanTreeRequest"));
  CRIA_ASSIGN_OR_RETURN(object data,
                        TreeOf(services, request, request.path_params.at("span_id"), parameters));
  return JsonReply(object{{"data", std::move(data)}});
}

absl::StatusOr<Reply> GetSpanTreeBare(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object parameters,
                        ReadParameters(request, services.schemas, "SpanTreeQuery"));
  CRIA_ASSIGN_OR_RETURN(
      object data,
      TreeOf(services, request, std::string(parameters.at("span_id").get_string()), parameters));
  return JsonReply(std::move(data));
}

absl::StatusOr<Reply> ExportSpans(const Services&, const Request&) {
  return absl::UnimplementedError(
      "spans can't be saved to a dataset: this server keeps no datasets; read them by "
      "/v1/telemetry/spans");
}

absl::StatusOr<Reply> QueryMetrics(const Services&, const Request&) {
  return absl::UnimplementedError(
      "metrics can't be asked for: this server keeps the metric events that clients report, but "
      "doesn't add them up");
}

}  // namespace

void AddTelemetryRoutes(const Services& services, Router* router) {
  const auto add = [&](const WorkerRoute& route, const char* generation) {
    AddWorkerRoute(services, route, "Telemetry", generation, /*deprecated=*/true, router);
  };
  const std::string launch = "/telemetry", alpha = "/alpha/telemetry", v1 = "/v1/telemetry";
  add({"POST", launch + "/log_event", LogEvent, "launchLogEvent", "Report an event",
       "LogEventRequest"},
      "launch");
  add({"GET", launch + "/get_trace", GetTraceByQuery, "launchGetTrace", "A trace", "TraceQuery",
       "Trace"},
      "launch");
  const WorkerRoute alphas[] = {
      {"POST", alpha + "/log-event", LogEvent, "alphaLogEvent", "Report an event",
       "LogEventRequest"},
      {"GET", alpha + "/get-trace", GetTraceByQuery, "alphaGetTrace", "A trace", "TraceQuery",
       "Trace"},
      {"POST", alpha + "/query-traces", QueryTracesBare, "alphaQueryTraces", "Find traces",
       "QueryTracesRequest", "TraceList"},
      {"POST", alpha + "/query-spans", QuerySpansBare, "alphaQuerySpans", "Find spans",
       "QuerySpansRequest", "SpanList"},
      {"POST", alpha + "/get-span-tree", GetSpanTreeBare, "alphaGetSpanTree",
       "A span and those below it", "SpanTreeQuery", "SpanTree"},
      {"POST", alpha + "/save-spans-to-dataset", ExportSpans, "alphaExportSpans",
       "Save spans to a dataset"}};
  for (const WorkerRoute& route : alphas) add(route, "alpha");
  const WorkerRoute v1s[] = {
      {"POST", v1 + "/events", LogEvent, "logEvent", "Report an event", "LogEventRequest"},
      {"GET", v1 + "/traces/{trace_id}", GetTrace, "getTrace", "A trace", "", "Trace"},
      {"GET", v1 + "/traces/{trace_id}/spans/{span_id}", GetSpan, "getSpan", "A span", "", "Span"},
      {"POST", v1 + "/spans/export", ExportSpans, "exportSpans", "Save spans to a dataset"},
      {"POST", v1 + "/metrics/{metric_name}", QueryMetrics, "queryMetrics", "Find metrics"}};
  for (const WorkerRoute& route : v1s) add(route, "v1");
  for (const bool is_post : {true, false}) {  // 0.2, 0.1
    const char* method = is_post ? "POST" : "GET";
    add({method, v1 + "/traces", QueryTraces, is_post ? "queryTraces" : "queryTracesByGet",
         "Find traces", "QueryTracesRequest", "QueryTracesResponse"},
        "v1");
    add({method, v1 + "/spans", QuerySpans, is_post ? "querySpans" : "querySpansByGet",
         "Find spans", "QuerySpansRequest", "QuerySpansResponse"},
        "v1");
    add({method, v1 + "/spans/{span_id}/tree", GetSpanTree,
         is_post ? "getSpanTree" : "getSpanTreeByGet", "A span and those below it",
         "SpanTreeRequest", "QuerySpanTreeResponse"},
        "v1");
  }
}

}  // namespace cria::server
