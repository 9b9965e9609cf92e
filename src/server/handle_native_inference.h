// Llama Stack's own inference routes, of the launch (/inference), /alpha and /v1.
#ifndef CRIA_SERVER_HANDLE_NATIVE_INFERENCE_H_
#define CRIA_SERVER_HANDLE_NATIVE_INFERENCE_H_

#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// Chat completion, completion, their batches, and embeddings. `services` outlives the router.
void AddNativeInferenceRoutes(const Services& services, Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_NATIVE_INFERENCE_H_
