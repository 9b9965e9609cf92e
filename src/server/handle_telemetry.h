// Telemetry, from the launch to 0.2: clients report spans, logs and measurements, and ask for them.
#ifndef CRIA_SERVER_HANDLE_TELEMETRY_H_
#define CRIA_SERVER_HANDLE_TELEMETRY_H_

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// /telemetry (the launch), /alpha/telemetry (0.0.53 to 0.0.63) and /v1/telemetry (0.1 and 0.2).
// `services` outlives `router`.
void AddTelemetryRoutes(const Services& services, Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_TELEMETRY_H_
