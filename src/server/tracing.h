// A span for every exchange, as a part of the caller's trace.
#ifndef CRIA_SERVER_TRACING_H_
#define CRIA_SERVER_TRACING_H_

#include <memory>

#include "server/middleware.h"
#include "server/otlp_exporter.h"

namespace cria::server {

// Sets the request's "traceparent" header to that of its own span, in the trace that came with it
// or a new one: what the handler calls can go on from there. Sampled spans go to `exporter`
// (nullptr: nowhere), which outlives it; a trace that begins here is sampled if there is one.
std::unique_ptr<Middleware> MakeTracing(OtlpExporter* exporter);

}  // namespace cria::server

#endif  // CRIA_SERVER_TRACING_H_
