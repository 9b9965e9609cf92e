#include "engine/scoring.h"

#include <algorithm>
#include <memory>

#include "engine/sampler.h"
#include "model/model.h"

namespace cria::engine {
namespace {

using text::TokenId;

// All logits of a step are held at once, so a step is shorter than the model would take.
constexpr int64_t kStepTokens = 128;

// A part of a sequence that is read from an empty cache.
struct Window {
  size_t sequence = 0;
  int64_t begin = 0, end = 0;  // tokens of the sequence
  int64_t first_scored = 0;    // the tokens before it were scored by an earlier window
  int64_t done = 0;            // tokens that are in the cache
  std::unique_ptr<model::KvCache> cache;
};

std::vector<Window> MakeWindows(std::span<const std::vector<TokenId>> sequences,
                                const ScoringOptions& options) {
  std::vector<Window> windows;
  for (size_t s = 0; s < sequences.size(); ++s) {
    const auto size = static_cast<int64_t>(sequences[s].size());
    int64_t scored_to = 0;
    for (int64_t begin = 0; scored_to < size; begin += options.stride) {
      Window window;
      window.sequence = s;
      window.begin = begin;
      window.end = std::min(begin + options.window, size);
      window.first_scored =
          std::max(scored_to, begin + 1);  // a window's first token has nothing before it
      scored_to = window.end;
      windows.push_back(std::move(window));
    }
  }
  return windows;
}

// The steps of one Forward: parts of the windows from `next` on, until the room is used.
struct Batch {
  std::vector<model::SequenceStep> steps;
  std::vector<Window*> windows;
};

Batch NextBatch(std::span<Window> windows, std::span<const std::vector<TokenId>> sequences,
                const LoadedModel& model) {
  Batch batch;
  int64_t room = kStepTokens;
  for (Window& window : windows) {
    const int64_t left = window.end - window.begin - window.done;
    if (left == 0) continue;
    if (room == 0) break;
    if (window.cache == nullptr)
      window.cache =
          std::make_unique<model::KvCache>(model.model().kv_layout(), window.end - window.begin);
    const int64_t count = std::min(left, room);
    room -= count;
    const TokenId* tokens = sequences[window.sequence].data() + window.begin + window.done;
    batch.steps.push_back({window.cache.get(),
                           {tokens, static_cast<size_t>(count)},
                           model::LogitsWanted::kAll,
                           window.end - window.begin});
    batch.windows.push_back(&window);
  }
  return batch;
}

// Row r of a window's part predicts the token after it.
void TakeLogprobs(const Window& window, std::span<const TokenId> ids, int64_t rows,
                  int64_t first_row, const model::StepLogits& logits, Score* score) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t target = window.begin + window.done + r + 1;
    if (target >= window.end || target < window.first_scored) continue;
    const TokenId id = ids[static_cast<size_t>(target)];
    const double logprob = LogProbabilities(logits.row(first_row + r), {&id, 1})[0];
    score->token_logprobs[static_cast<size_t>(target)] = logprob;
    score->nll -= logprob;
    ++score->scored;
  }
}

}  // namespace

absl::StatusOr<std::vector<Score>> ScoreBatch(const LoadedModel& model,
                                              std::span<const std::vector<TokenId>> sequences,
                                              const ScoringOptions& options,
                                              base::ThreadPool& pool) {
  if (options.window > model.config().max_context)
    return absl::ResourceExhaustedError(absl::StrCat(
        "a window of ", options.window, " tokens: the model takes ", model.config().max_context));
  if (options.stride < 1 || options.stride > options.window)
    return absl::InvalidArgumentError(absl::StrCat("stride: expected 1 to the window of ",
                                                   options.window, ", found ", options.stride));
  std::vector<Score> scores(sequences.size());
  int64_t total = 0, done = 0;
  for (size_t s = 0; s < sequences.size(); ++s)
    scores[s].token_logprobs.resize(sequences[s].size());
  std::vector<Window> windows = MakeWindows(sequences, options);
  for (const Window& window : windows) total += window.end - window.begin;
  model::Workspace workspace;
  size_t first_open = 0;  // windows before it are complete
  while (true) {
    if (options.cancelled && options.cancelled()) return absl::CancelledError("cancelled");
    const Batch batch = NextBatch(std::span<Window>(windows).subspan(first_open), sequences, model);
    if (batch.steps.empty()) return scores;
    CRIA_ASSIGN_OR_RETURN(const model::StepLogits logits,
                          model.model().Forward(batch.steps, workspace, pool));
    int64_t row = 0;
    for (size_t i = 0; i < batch.steps.size(); ++i) {
      Window& window = *batch.windows[i];
      const auto rows = static_cast<int64_t>(batch.steps[i].tokens.size());
      TakeLogprobs(window, sequences[window.sequence], rows, row, logits, &scores[window.sequence]);
      row += rows;
      window.done += rows;
      done += rows;
      if (window.begin + window.done == window.end) window.cache.reset();
    }
    while (first_open < windows.size() &&
           windows[first_open].begin + windows[first_open].done == windows[first_open].end)
      ++first_open;
    if (options.progress) options.progress(static_cast<double>(done) / static_cast<double>(total));
  }
}

absl::StatusOr<Score> ScoreSequence(const LoadedModel& model, std::span<const TokenId> ids,
                                    const ScoringOptions& options, base::ThreadPool& pool) {
  const std::vector<std::vector<TokenId>> one = {{ids.begin(), ids.end()}};
  CRIA_ASSIGN_OR_RETURN(std::vector<Score> scores, ScoreBatch(model, one, options, pool));
  return std::move(scores[0]);
}

}  // namespace cria::engine
