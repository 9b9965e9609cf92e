#include "server/all_routes.h"

#include "server/handle_chat_completions.h"
#include "server/handle_completions.h"
#include "server/handle_conversations.h"
#include "server/handle_embeddings.h"
#include "server/handle_files.h"
#include "server/handle_inspect.h"
#include "server/handle_messages.h"
#include "server/handle_models.h"
#include "server/handle_native_inference.h"
#include "server/handle_prompts.h"
#include "server/handle_telemetry.h"
#include "server/handle_unbuilt.h"

namespace cria::server {

void AddAllRoutes(const Services& services, Router* router) {
  // From 0.2 to 0.2.23 OpenAI's routes stood under a prefix of their own.
  for (const char* prefix : {"/v1", "/v1/openai/v1"}) {
    const bool deprecated = prefix != std::string_view("/v1");
    AddChatCompletionRoutes(services, prefix, deprecated, router);
    AddCompletionRoutes(services, prefix, deprecated, router);
    AddEmbeddingRoutes(services, prefix, deprecated, router);
    AddFileRoutes(services, prefix, deprecated, router);
    AddConversationRoutes(services, prefix, deprecated, router);
    AddPromptRoutes(services, prefix, deprecated, router);
  }
  AddNativeInferenceRoutes(services, router);
  AddMessageRoutes(services, "/v1", router);
  AddModelRoutes(services, router);
  AddTelemetryRoutes(services, router);
  AddInspectRoutes(services, router);
  AddUnbuiltRoutes(router);
}

}  // namespace cria::server
