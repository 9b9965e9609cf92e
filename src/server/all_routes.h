// Every route of the server.
#ifndef CRIA_SERVER_ALL_ROUTES_H_
#define CRIA_SERVER_ALL_ROUTES_H_

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// `services` outlives the router.
void AddAllRoutes(const Services& services, Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_ALL_ROUTES_H_
