// Log-probabilities in OpenAI's JSON.
#ifndef CRIA_PROVIDER_OPENAI_LOGPROBS_H_
#define CRIA_PROVIDER_OPENAI_LOGPROBS_H_

#include <vector>

#include "base/json.h"
#include "chat/stream.h"

namespace cria::provider {

// The `logprobs` of a choice: `content` of chats, or `tokens`, `token_logprobs` and `top_logprobs`
// of completions. Appends to `tokens`; what has another shape is left out.
void ReadLogprobs(const base::json::object& logprobs, std::vector<chat::TokenLogprobs>* tokens);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_OPENAI_LOGPROBS_H_
