// Embeddings as OpenAI-compatible servers give them.
#ifndef CRIA_PROVIDER_OPENAI_EMBEDDINGS_H_
#define CRIA_PROVIDER_OPENAI_EMBEDDINGS_H_

#include <cstddef>
#include <string_view>

#include "base/status.h"
#include "chat/request.h"

namespace cria::provider {

// {"data": [{"index", "embedding": [..]}], "usage": {"prompt_tokens"}}: `inputs` vectors, of one
// size, brought to Euclidean length 1. kUnavailable: another shape.
absl::StatusOr<chat::Embeddings> ReadEmbeddings(std::string_view body, size_t inputs);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_OPENAI_EMBEDDINGS_H_
