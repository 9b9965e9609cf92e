// What is done with every request, as a configuration's `server` block wants it.
#ifndef CRIA_CLI_STACK_MIDDLEWARES_H_
#define CRIA_CLI_STACK_MIDDLEWARES_H_

#include <memory>
#include <vector>

#include "base/status.h"
#include "server/metrics.h"
#include "server/middlewares.h"
#include "server/otlp_exporter.h"
#include "server/worker_pool.h"
#include "stack/config.h"
#include "store/store.h"

namespace cria::cli {

// What the middlewares point at.
struct MiddlewareParts {
  server::Metrics& metrics;
  server::WorkerPool& pool;
  server::OtlpExporter* traces;  // nullptr: none
  store::Store& store;
  bool access_log = true;
};

// kInvalidArgument names the setting that is wrong, kUnimplemented one that this build doesn't
// serve.
absl::StatusOr<std::vector<std::unique_ptr<server::Middleware>>> MakeMiddlewares(
    const stack::ServerConfig& config, const MiddlewareParts& parts);

// By OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_SERVICE_NAME of the environment, OpenTelemetry's own
// variables; nullptr where the first is not set.
std::unique_ptr<server::OtlpExporter> ExporterFromEnvironment();

}  // namespace cria::cli

#endif  // CRIA_CLI_STACK_MIDDLEWARES_H_
