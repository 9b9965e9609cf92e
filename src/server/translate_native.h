// From Llama Stack's own bodies, of all generations, to what the whole system understands.
#ifndef CRIA_SERVER_TRANSLATE_NATIVE_H_
#define CRIA_SERVER_TRANSLATE_NATIVE_H_

#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "chat/request.h"

namespace cria::server {

// The bodies have been checked against their schemas. kInvalidArgument names the field.

// `model_id`, or `model` as the first releases call it.
absl::StatusOr<std::string> NativeModel(const base::json::object& body);

// `messages`: the body's own, or one list of a batch.
absl::StatusOr<chat::ChatRequest> NativeChatRequestFrom(const base::json::object& body,
                                                        const base::json::value& messages);
// `content`: the body's own, or one of a batch.
absl::StatusOr<chat::CompletionRequest> NativeCompletionRequestFrom(
    const base::json::object& body, const base::json::value& content);
absl::StatusOr<chat::EmbeddingRequest> NativeEmbeddingRequestFrom(const base::json::object& body);

}  // namespace cria::server

#endif  // CRIA_SERVER_TRANSLATE_NATIVE_H_
