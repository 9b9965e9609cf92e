// X-Request-Id: in, if it is fit for a log, and out.
#ifndef CRIA_SERVER_REQUEST_ID_H_
#define CRIA_SERVER_REQUEST_ID_H_

#include <memory>
#include <string_view>

#include "server/middleware.h"

namespace cria::server {

// Up to 128 letters, digits and "-_.:/+=@".
bool IsRequestId(std::string_view text);

// Sets Request::id to the client's, or else to a new one ("req_" and 32 hex digits).
std::unique_ptr<Middleware> MakeRequestId();

}  // namespace cria::server

#endif  // CRIA_SERVER_REQUEST_ID_H_
