// How to generate: the same struct from the command line and the wire down to the sampler.
#ifndef CRIA_ENGINE_GENERATION_OPTIONS_H_
#define CRIA_ENGINE_GENERATION_OPTIONS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "text/grammar.h"
#include "text/tokenizer.h"

namespace cria::engine {

struct GenerationOptions {
  // At most this many new tokens; absent: as many as the context has room for.
  std::optional<int64_t> max_tokens;

  // The sampler chain, in the order it is applied: logit bias, penalties, grammar, temperature,
  // top-k, top-p, min-p. Defaults are those of the reference (meta-llama/llama-models
  // generation.py).
  double temperature = 0.6;  // 0: greedy
  double top_p = 0.9;        // keep tokens until the mass before them exceeds this; 1: off
  int64_t top_k = 0;         // 0: off
  double min_p = 0;          // drop tokens below min_p times the largest probability; 0: off
  double repetition_penalty =
      1;  // divides positive, multiplies negative logits of tokens seen in prompt or answer
  double frequency_penalty = 0;  // times the count in the answer, subtracted
  double presence_penalty = 0;   // subtracted once for tokens in the answer
  std::vector<std::pair<text::TokenId, float>> logit_bias;
  std::optional<uint64_t> seed;  // absent: a random one

  std::vector<std::string> stop;  // texts that end the answer and are not part of it
  bool ignore_eos = false;        // stop tokens are ordinary tokens
  // Special tokens that the answer's text spells out, such as <|python_tag|>; others give no text.
  std::vector<text::TokenId> spelled_tokens;
  int64_t logprobs = -1;  // alternatives to report a token: -1 none, 0 only the chosen one's
  // Try what the text so far suggests, where that pays; the answer stays the same.
  bool speculate = true;
  std::shared_ptr<const text::Grammar> grammar;  // constrains the answer; may be null
};

// kInvalidArgument names the option that is out of range. `vocab`: ids must be below.
absl::Status Validate(const GenerationOptions& options, int64_t vocab);

}  // namespace cria::engine

#endif  // CRIA_ENGINE_GENERATION_OPTIONS_H_
