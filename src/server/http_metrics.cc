#include "server/http_metrics.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace cria::server {
namespace {

constexpr char kRequests[] = "cria_http_requests_total";
constexpr char kRequestsHelp[] = "Requests by route and status; status 0: the client went first.";
constexpr char kDuration[] = "cria_http_request_duration_seconds";
constexpr char kDurationHelp[] = "From a request's headers to the end of its answer.";

// Clients may invent methods; a metric may not.
std::string KnownMethod(const std::string& method) {
  static constexpr std::string_view kKnown[] = {"GET",    "HEAD",    "POST", "PUT",
                                                "DELETE", "OPTIONS", "PATCH"};
  return std::find(std::begin(kKnown), std::end(kKnown), method) != std::end(kKnown) ? method
                                                                                     : "other";
}

class HttpMetrics final : public Middleware {
 public:
  explicit HttpMetrics(Metrics* metrics)
      : metrics_(metrics),
        in_flight_(metrics->GetGauge("cria_http_requests_in_flight", "Requests being answered.")),
        bytes_in_(metrics->GetCounter("cria_http_request_bytes_total",
                                      "Bytes of requests' bodies, decompressed.")),
        bytes_out_(metrics->GetCounter("cria_http_response_bytes_total",
                                       "Bytes of answers with their heads.")),
        disconnects_(metrics->GetCounter("cria_http_disconnects_total",
                                         "Answers that didn't reach their client whole.")) {}

  boost::asio::awaitable<std::optional<Reply>> Before(Call&) override {
    in_flight_.Add(1);
    co_return std::nullopt;
  }

  void After(const Call& call) override {
    const std::string method = KnownMethod(call.request.method);
    const std::string route = call.route == nullptr ? "none" : call.route->pattern;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - call.start;
    in_flight_.Add(-1);
    bytes_in_.Add(static_cast<double>(call.request.body.size()));
    bytes_out_.Add(static_cast<double>(call.exchange.bytes_sent()));
    if (!call.exchange.complete()) disconnects_.Add();
    metrics_->GetCounter(kRequests, kRequestsHelp, Of(method, route, call.status)).Add();
    metrics_
        ->GetHistogram(kDuration, kDurationHelp, bounds_, {{"method", method}, {"route", route}})
        .Observe(seconds.count());
  }

  void Refused(int http_status) override {
    metrics_->GetCounter(kRequests, kRequestsHelp, Of("other", "malformed", http_status)).Add();
  }

 private:
  static Labels Of(const std::string& method, const std::string& route, int status) {
    return {{"method", method}, {"route", route}, {"status", absl::StrCat(status)}};
  }

  Metrics* metrics_;
  const std::vector<double> bounds_ = LatencyBounds();
  Metrics::Value &in_flight_, &bytes_in_, &bytes_out_, &disconnects_;
};

}  // namespace

std::unique_ptr<Middleware> MakeHttpMetrics(Metrics* metrics) {
  return std::make_unique<HttpMetrics>(metrics);
}

}  // namespace cria::server
