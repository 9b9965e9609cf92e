// Anthropic's Messages API over the same models.
#ifndef CRIA_SERVER_HANDLE_MESSAGES_H_
#define CRIA_SERVER_HANDLE_MESSAGES_H_

#include <string>

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// POST under `prefix`/messages and `prefix`/messages/count_tokens. `services` outlives the router.
void AddMessageRoutes(const Services& services, const std::string& prefix, Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_MESSAGES_H_
