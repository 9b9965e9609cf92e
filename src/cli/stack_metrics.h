// What the engine, the providers and the server count, for /metrics.
#ifndef CRIA_CLI_STACK_METRICS_H_
#define CRIA_CLI_STACK_METRICS_H_

#include "cli/stack_providers.h"
#include "server/metrics.h"

namespace cria::cli {

// `providers` outlives `metrics`.
void AddEngineMetrics(const StackProviders& providers, server::Metrics* metrics);

}  // namespace cria::cli

#endif  // CRIA_CLI_STACK_METRICS_H_
