// Embeddings: OpenAI's route, and what it shares with the native ones.
#ifndef CRIA_SERVER_HANDLE_EMBEDDINGS_H_
#define CRIA_SERVER_HANDLE_EMBEDDINGS_H_

#include <optional>
#include <string>

#include "base/status.h"
#include "chat/request.h"
#include "server/router.h"
#include "server/services.h"

namespace cria::server {

// On a worker. `model`: as the stack names it.
absl::StatusOr<chat::Embeddings> EmbedWithModel(const Services& services, const std::string& model,
                                                chat::EmbeddingRequest request);

// kInvalidArgument if a client wants vectors of another size than they have.
absl::Status CheckDimensions(const char* field, const std::optional<int64_t>& wanted,
                             const chat::Embeddings& embeddings);

// POST `prefix`/embeddings. `services` outlives the router.
void AddEmbeddingRoutes(const Services& services, const std::string& prefix, bool deprecated,
                        Router* router);

}  // namespace cria::server

#endif  // CRIA_SERVER_HANDLE_EMBEDDINGS_H_
