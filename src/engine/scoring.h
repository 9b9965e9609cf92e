// Log-probabilities of given tokens: the base of perplexity.
#ifndef CRIA_ENGINE_SCORING_H_
#define CRIA_ENGINE_SCORING_H_

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/loaded_model.h"

namespace cria::engine {

struct ScoringOptions {
  int64_t window = 2048;  // tokens that see each other
  int64_t stride = 2048;  // a window starts every `stride` tokens and scores what no earlier one
                          // did; 1 <= stride <= window
  std::function<void(double)> progress;  // the part done, in (0, 1]
  std::function<bool()> cancelled;       // looked at between steps; true ends with kCancelled
};

struct Score {
  // log p(token i | the tokens before it in its window), natural log; nullopt where nothing
  // precedes.
  std::vector<std::optional<double>> token_logprobs;
  int64_t scored = 0;
  double nll = 0;  // minus the sum of the scored log-probabilities
  double perplexity() const { return std::exp(nll / static_cast<double>(scored)); }
};

// kInvalidArgument for ids outside the vocabulary or a stride that doesn't fit the window;
// kResourceExhausted when a window doesn't fit the model's context.
absl::StatusOr<Score> ScoreSequence(const LoadedModel& model, std::span<const text::TokenId> ids,
                                    const ScoringOptions& options, base::ThreadPool& pool);

// The same for several sequences, their windows run as ragged batches.
absl::StatusOr<std::vector<Score>> ScoreBatch(const LoadedModel& model,
                                              std::span<const std::vector<text::TokenId>> sequences,
                                              const ScoringOptions& options,
                                              base::ThreadPool& pool);

}  // namespace cria::engine

#endif  // CRIA_ENGINE_SCORING_H_
