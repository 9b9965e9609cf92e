// One vector for a text.
#ifndef CRIA_ENGINE_EMBEDDING_H_
#define CRIA_ENGINE_EMBEDDING_H_

#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/loaded_model.h"

namespace cria::engine {

// The mean of the hidden states after the last norm over all tokens, scaled to Euclidean length 1.
// [H]. kInvalidArgument for no tokens or ids outside the vocabulary; kResourceExhausted beyond the
// model's context.
absl::StatusOr<std::vector<float>> Embed(const LoadedModel& model,
                                         std::span<const text::TokenId> ids,
                                         base::ThreadPool& pool);

}  // namespace cria::engine

#endif  // CRIA_ENGINE_EMBEDDING_H_
