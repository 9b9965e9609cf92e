// From OpenAI's bodies to what the whole system understands: the only translation.
#ifndef CRIA_SERVER_TRANSLATE_OPENAI_H_
#define CRIA_SERVER_TRANSLATE_OPENAI_H_

#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "chat/request.h"
#include "server/exchange.h"

namespace cria::server {

// `body` has been checked against ChatCompletionRequest. The model's name and the caller are left
// to be filled in. kInvalidArgument names the field.
absl::StatusOr<chat::ChatRequest> ChatRequestFrom(const base::json::object& body);

// One request a prompt of CompletionRequest. kUnimplemented: a `suffix`.
absl::StatusOr<std::vector<chat::CompletionRequest>> CompletionRequestsFrom(
    const base::json::object& body);

absl::StatusOr<chat::EmbeddingRequest> EmbeddingRequestFrom(const base::json::object& body);

// Who asks: provider data under any of the three names of its header, trace context.
// kInvalidArgument if the header isn't a JSON object.
absl::StatusOr<chat::Caller> CallerOf(const Request& request);

// Whether this is one of Llama Stack's own clients, of which the older fail on "data: [DONE]".
bool IsLlamaStackClient(const Request& request);

}  // namespace cria::server

#endif  // CRIA_SERVER_TRANSLATE_OPENAI_H_
