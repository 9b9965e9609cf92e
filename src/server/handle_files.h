// Uploaded files.
#ifndef CRIA_SERVER_HANDLE_FILES_H_
#define CRIA_SERVER_HANDLE_FILES_H_

#include <string>

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// PREFIX/files and what is under it. `services` outlives `router`.
void AddFileRoutes(const Services& services, const std::string& prefix, bool deprecated,
                   Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_FILES_H_
