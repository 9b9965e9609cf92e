// The models of the stack, as every generation lists, shows and registers them.
#ifndef CRIA_SERVER_HANDLE_MODELS_H_
#define CRIA_SERVER_HANDLE_MODELS_H_

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// `services` outlives the router.
void AddModelRoutes(const Services& services, Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_MODELS_H_
