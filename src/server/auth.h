// Authentication and the policy of routes.
#ifndef CRIA_SERVER_AUTH_H_
#define CRIA_SERVER_AUTH_H_

#include <memory>

#include "base/status.h"
#include "server/auth_config.h"
#include "server/middleware.h"
#include "server/worker_pool.h"

namespace cria::server {

// Sets Request::principal and attributes. 401 with WWW-Authenticate without a valid token, 403
// where the policy says no, 503 if whoever knows the tokens doesn't answer. Always open:
// /v1/health, /v1/version and their older names. `pool` outlives it. kInvalidArgument for a
// configuration that can't work.
absl::StatusOr<std::unique_ptr<Middleware>> MakeAuth(const AuthConfig& config, WorkerPool* pool);

}  // namespace cria::server

#endif  // CRIA_SERVER_AUTH_H_
