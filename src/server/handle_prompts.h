// Prompts with versions.
#ifndef CRIA_SERVER_HANDLE_PROMPTS_H_
#define CRIA_SERVER_HANDLE_PROMPTS_H_

#include <string>

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// PREFIX/prompts and what is under it; what changes a prompt answers to POST (until 0.3) and to PUT
// (since 0.4). `services` outlives `router`.
void AddPromptRoutes(const Services& services, const std::string& prefix, bool deprecated,
                     Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_PROMPTS_H_
