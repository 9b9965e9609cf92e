// The routes of APIs that are not served yet: a client that calls one is told so by name, instead
// of being told that there is no such path.
#ifndef CRIA_SERVER_HANDLE_UNBUILT_H_
#define CRIA_SERVER_HANDLE_UNBUILT_H_

#include "server/router.h"

namespace cria::server {

// The generation of their RouteInfo.
inline constexpr char kUnbuiltGeneration[] = "unbuilt";

// Each answers 501. Nothing else may have added a route of the same method and shape.
void AddUnbuiltRoutes(Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_UNBUILT_H_
