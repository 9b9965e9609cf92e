#include "server/otlp_exporter.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "server/http_fetch.h"

namespace cria::server {
namespace {

namespace json = base::json;

json::object AttributeJson(const std::string& key, const json::value& value) {
  json::object typed;
  if (value.is_bool()) {
    typed["boolValue"] = value;
  } else if (value.is_int64() || value.is_uint64()) {  // 64-bit integers are strings there
    typed["intValue"] = json::serialize(value);
  } else if (value.is_double()) {
    typed["doubleValue"] = value;
  } else {
    typed["stringValue"] = value.is_string() ? value : json::value(json::serialize(value));
  }
  return {{"key", key}, {"value", std::move(typed)}};
}

json::object SpanJson(const Span& span) {
  constexpr int kError = 2;
  json::object object{{"traceId", span.trace_id},
                      {"spanId", span.span_id},
                      {"name", span.name},
                      {"kind", static_cast<int>(span.kind)},
                      {"startTimeUnixNano", absl::StrCat(span.start_ns)},
                      {"endTimeUnixNano", absl::StrCat(span.end_ns)}};
  if (!span.parent_id.empty()) object["parentSpanId"] = span.parent_id;
  json::array attributes;
  for (const auto& [key, value] : span.attributes) attributes.push_back(AttributeJson(key, value));
  object["attributes"] = std::move(attributes);
  if (span.failed) object["status"] = json::object{{"code", kError}};
  return object;
}

}  // namespace

json::object OtlpJson(const std::vector<Span>& spans, const std::string& service_name) {
  json::array list;
  for (const Span& span : spans) list.push_back(SpanJson(span));
  const json::object scope_spans{{"scope", json::object{{"name", "cria"}}},
                                 {"spans", std::move(list)}};
  const json::object resource{
      {"attributes", json::array{AttributeJson("service.name", json::string(service_name))}}};
  return {{"resourceSpans", json::array{json::object{{"resource", resource},
                                                     {"scopeSpans", json::array{scope_spans}}}}}};
}

OtlpExporter::OtlpExporter(OtlpOptions options) : options_(std::move(options)) {
  thread_ = std::thread([this] { Loop(); });
}

OtlpExporter::~OtlpExporter() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void OtlpExporter::Add(Span span) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= options_.max_queue) {
    ++dropped_;
    return;
  }
  queue_.push_back(std::move(span));
  if (queue_.size() >= options_.max_batch) changed_.notify_all();
}

void OtlpExporter::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_for(lock, options_.interval,
                      [&] { return closing_ || queue_.size() >= options_.max_batch; });
    const auto end =
        queue_.begin() + static_cast<ptrdiff_t>(std::min(queue_.size(), options_.max_batch));
    const std::vector<Span> batch(std::make_move_iterator(queue_.begin()),
                                  std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    const bool last = closing_ && queue_.empty();
    lock.unlock();
    const bool taken = batch.empty() || Export(batch);
    if (last) return;
    lock.lock();
    if (taken || !closing_) continue;
    dropped_ += queue_.size();
    return;
  }
}

bool OtlpExporter::Export(const std::vector<Span>& spans) {
  FetchRequest request;
  request.url = options_.endpoint;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/v1/traces";
  request.method = "POST";
  request.headers = options_.headers;
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = json::serialize(OtlpJson(spans, options_.service_name));
  request.timeout = options_.timeout;
  const absl::StatusOr<FetchResult> result = Fetch(request);
  const bool taken = result.ok() && result->status / 100 == 2;
  (taken ? exported_ : dropped_) += spans.size();
  return taken;
}

}  // namespace cria::server
