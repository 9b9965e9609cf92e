// From the bodies of Anthropic's Messages API to what the whole system understands.
#ifndef CRIA_SERVER_TRANSLATE_ANTHROPIC_H_
#define CRIA_SERVER_TRANSLATE_ANTHROPIC_H_

#include "base/json.h"
#include "base/status.h"
#include "chat/request.h"

namespace cria::server {

// `body` has been checked against AnthropicMessageRequest or AnthropicCountTokensRequest. The
// model's name and the caller are left to be filled in.
//
// A tool's answer becomes a message of its own, named after the call that it answers; one with
// `is_error` begins with "Error: ". Thinking of earlier turns isn't shown to the model again.
// kInvalidArgument names the field. kUnimplemented: what only Anthropic's servers can do, by name.
absl::StatusOr<chat::ChatRequest> MessagesRequestFrom(const base::json::object& body);

}  // namespace cria::server

#endif  // CRIA_SERVER_TRANSLATE_ANTHROPIC_H_
