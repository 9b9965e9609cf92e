// Conversations and tools in the JSON of OpenAI's chat completions, for servers elsewhere.
#ifndef CRIA_PROVIDER_OPENAI_MESSAGES_H_
#define CRIA_PROVIDER_OPENAI_MESSAGES_H_

#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "chat/request.h"

namespace cria::provider {

// Unlike text::ConversationToJson only with OpenAI's own keys: a `context` is appended to the
// text, and calls without an id get one, which the next tool messages without an id refer to, in
// order. kInvalidArgument: an image that isn't an http(s) or data: URL, as a remote can't read our
// files.
absl::StatusOr<base::json::array> RemoteMessages(const text::Conversation& conversation,
                                                 base::json::storage_ptr storage);

base::json::array RemoteTools(const std::vector<text::ToolDefinition>& tools,
                              base::json::storage_ptr storage);

// "auto", "none", "required", or the function's object.
base::json::value RemoteToolChoice(std::string_view choice, base::json::storage_ptr storage);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_OPENAI_MESSAGES_H_
