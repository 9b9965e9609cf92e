// From logits to the next token: the chain of GenerationOptions.
#ifndef CRIA_ENGINE_SAMPLER_H_
#define CRIA_ENGINE_SAMPLER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/rng.h"
#include "base/status.h"
#include "engine/generation_options.h"
#include "text/grammar.h"

namespace cria::engine {

struct TokenLogprob {
  text::TokenId id = 0;
  double logprob = 0;  // natural log, of the unmodified distribution
};

struct SampledToken {
  text::TokenId id = 0;
  std::optional<double> logprob;  // when options.logprobs >= 0
  std::vector<TokenLogprob> top;  // options.logprobs of them, most likely first
};

// The log-probability of each of `ids` under softmax(logits). Sums in double.
std::vector<double> LogProbabilities(std::span<const float> logits,
                                     std::span<const text::TokenId> ids);

// The `count` most likely tokens, most likely first; ties by lower id.
std::vector<TokenLogprob> TopLogprobs(std::span<const float> logits, int64_t count);

// One generation's sampler with its random state. One thread at a time. The same seed, logits and
// options give the same tokens on every machine.
class Sampler {
 public:
  // `options` have been validated. `prompt` counts for the repetition penalty. `stop_ids` are
  // allowed by a grammar only at its end. `trie` is needed when there is a grammar.
  Sampler(const GenerationOptions& options, std::span<const text::TokenId> prompt,
          std::span<const text::TokenId> stop_ids, std::shared_ptr<const text::TokenTrie> trie);
  ~Sampler();

  // Chooses a token and counts it; nullopt when the grammar is complete and nothing may follow.
  // kInternal if no logit is finite; kFailedPrecondition if the grammar is incomplete and allows no
  // token.
  absl::StatusOr<std::optional<SampledToken>> Sample(std::span<const float> logits);

 private:
  struct Candidate {
    text::TokenId id;
    float logit;
    double probability;
  };

  void ApplyBiasAndPenalties();
  bool ApplyGrammar();  // false if no token is left
  absl::StatusOr<text::TokenId> Greedy() const;
  absl::StatusOr<text::TokenId> Draw();
  std::vector<Candidate> Nucleus(double largest, double total) const;
  bool Count(
      text::TokenId id);  // false, and nothing counted, if the grammar does not take the token

  GenerationOptions options_;
  base::Rng rng_;
  std::vector<text::TokenId> stop_ids_;
  std::vector<float> logits_;                          // working copy [V]
  std::unordered_set<text::TokenId> seen_;             // in prompt or answer
  std::unordered_map<text::TokenId, int64_t> counts_;  // in the answer
  std::unique_ptr<text::GrammarMatcher> matcher_;
  std::vector<uint64_t> mask_;
};

}  // namespace cria::engine

#endif  // CRIA_ENGINE_SAMPLER_H_
