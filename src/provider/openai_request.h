// What is asked of a model, as the JSON that OpenAI-compatible servers read.
#ifndef CRIA_PROVIDER_OPENAI_REQUEST_H_
#define CRIA_PROVIDER_OPENAI_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "chat/request.h"
#include "provider/remote_types.h"

namespace cria::provider {

// Bodies with the keys that were set, and no others; chats and completions always ask for a stream
// with its usage. `model`: the server's name for it. `max_tokens`: where the request has none.
// kInvalidArgument: what JSON or the API can't say (an image that is a local path, a number that
// isn't finite); kUnimplemented names a parameter that servers of this type don't have.
absl::StatusOr<std::string> ChatBody(const RemoteType& type, const chat::ChatRequest& request,
                                     const std::string& model,
                                     std::optional<int64_t> max_tokens = std::nullopt);
absl::StatusOr<std::string> CompletionBody(const RemoteType& type,
                                           const chat::CompletionRequest& request,
                                           const std::string& model,
                                           std::optional<int64_t> max_tokens = std::nullopt);
absl::StatusOr<std::string> EmbeddingBody(const RemoteType& type,
                                          const chat::EmbeddingRequest& request,
                                          const std::string& model);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_OPENAI_REQUEST_H_
