// The bodies of every API generation, as text for SchemaSet::Parse.
#ifndef CRIA_API_SCHEMAS_H_
#define CRIA_API_SCHEMAS_H_

#include <string_view>

#include "api/schema.h"

namespace cria::api {

// OpenAI's shapes: /v1/chat/completions, /v1/completions, /v1/embeddings, files, models.
std::string_view OpenAiSchemas();
// Llama Stack's own shapes, of the launch (/inference), /alpha and native /v1 routes.
std::string_view NativeSchemas();
// Anthropic's Messages.
std::string_view AnthropicSchemas();
// Conversations, prompts, providers, routes, telemetry: what the stack itself keeps and tells.
std::string_view StackSchemas();

// All of them in one set.
SchemaSet AllSchemas();

}  // namespace cria::api

#endif  // CRIA_API_SCHEMAS_H_
