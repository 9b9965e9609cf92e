// Counts exchanges by route and status.
#ifndef CRIA_SERVER_HTTP_METRICS_H_
#define CRIA_SERVER_HTTP_METRICS_H_

#include <memory>

#include "server/metrics.h"
#include "server/middleware.h"

namespace cria::server {

// cria_http_requests_total {method, route, status}, cria_http_request_duration_seconds {method,
// route}, cria_http_requests_in_flight, cria_http_request_bytes_total,
// cria_http_response_bytes_total, cria_http_disconnects_total. `metrics` outlives it.
std::unique_ptr<Middleware> MakeHttpMetrics(Metrics* metrics);

}  // namespace cria::server

#endif  // CRIA_SERVER_HTTP_METRICS_H_
