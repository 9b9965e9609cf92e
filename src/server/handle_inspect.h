// What the stack tells of itself: health, version, providers, routes, and the OpenAPI document.
#ifndef CRIA_SERVER_HANDLE_INSPECT_H_
#define CRIA_SERVER_HANDLE_INSPECT_H_

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// Both outlive the router. Routes that are added later are told of, too.
void AddInspectRoutes(const Services& services, Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_INSPECT_H_
