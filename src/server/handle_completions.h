// OpenAI's completions: a text is continued.
#ifndef CRIA_SERVER_HANDLE_COMPLETIONS_H_
#define CRIA_SERVER_HANDLE_COMPLETIONS_H_

#include <string>

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// POST `prefix`/completions. `services` outlives the router.
void AddCompletionRoutes(const Services& services, const std::string& prefix, bool deprecated,
                         Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_COMPLETIONS_H_
