// Conversations and their items: kept for the Responses API, and for whoever wants to keep one.
#ifndef CRIA_SERVER_HANDLE_CONVERSATIONS_H_
#define CRIA_SERVER_HANDLE_CONVERSATIONS_H_

#include <string>

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// PREFIX/conversations and what is under it. `services` outlives `router`.
void AddConversationRoutes(const Services& services, const std::string& prefix, bool deprecated,
                           Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_CONVERSATIONS_H_
