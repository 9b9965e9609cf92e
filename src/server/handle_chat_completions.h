// OpenAI's chat completions: made, kept, and asked for again.
#ifndef CRIA_SERVER_HANDLE_CHAT_COMPLETIONS_H_
#define CRIA_SERVER_HANDLE_CHAT_COMPLETIONS_H_

#include <string>

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// POST, GET, GET {id} and GET {id}/messages under `prefix`/chat/completions. `services` outlives
// the router.
void AddChatCompletionRoutes(const Services& services, const std::string& prefix, bool deprecated,
                             Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_CHAT_COMPLETIONS_H_
