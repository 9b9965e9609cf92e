#include "server/tracing.h"

#include "server/trace_context.h"

namespace cria::server {
namespace {

constexpr char kHeader[] = "traceparent";
constexpr size_t kTraceBytes = 16, kSpanBytes = 8;

uint64_t NowNs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

class Tracing final : public Middleware {
 public:
  explicit Tracing(OtlpExporter* exporter) : exporter_(exporter) {}

  boost::asio::awaitable<std::optional<Reply>> Before(Call& call) override {
    const std::string* given = call.request.Header(kHeader);
    std::optional<TraceContext> context;
    if (given != nullptr) context = ParseTraceparent(*given);
    if (!context.has_value()) {
      context.emplace();
      context->trace_id = RandomHex(kTraceBytes);
      context->sampled = exporter_ != nullptr;
    }
    call.parent_span = context->parent_id;
    std::erase_if(call.request.headers, [](const auto& header) { return header.first == kHeader; });
    call.request.headers.emplace_back(kHeader, FormatTraceparent(*context, RandomHex(kSpanBytes)));
    co_return std::nullopt;
  }

  void After(const Call& call) override {
    const std::string* own = call.request.Header(kHeader);
    const auto context = own == nullptr ? std::nullopt : ParseTraceparent(*own);
    if (exporter_ == nullptr || !context.has_value() || !context->sampled) return;
    const auto elapsed = std::chrono::steady_clock::now() - call.start;
    const std::string route = call.route == nullptr ? "" : call.route->pattern;
    Span span;
    span.trace_id = context->trace_id;
    span.span_id = context->parent_id;  // of those who go on from there
    span.parent_id = call.parent_span;
    span.name = call.request.method + (route.empty() ? "" : " " + route);
    span.end_ns = NowNs();
    span.start_ns =
        span.end_ns - static_cast<uint64_t>(
                          std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count());
    span.attributes = {{"http.request.method", base::json::string(call.request.method)},
                       {"http.route", base::json::string(route)},
                       {"http.response.status_code", call.status},
                       {"url.path", base::json::string(call.request.path)},
                       {"client.address", base::json::string(call.request.peer)},
                       {"http.request.id", base::json::string(call.request.id)}};
    span.failed = call.status >= 500 || !call.exchange.complete();
    exporter_->Add(std::move(span));
  }

 private:
  OtlpExporter* exporter_;
};

}  // namespace

std::unique_ptr<Middleware> MakeTracing(OtlpExporter* exporter) {
  return std::make_unique<Tracing>(exporter);
}

}  // namespace cria::server
