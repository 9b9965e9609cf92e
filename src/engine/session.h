// One sequence of a model: its KV cache, its tokens, its sampler.
#ifndef CRIA_ENGINE_SESSION_H_
#define CRIA_ENGINE_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/generation_options.h"
#include "engine/loaded_model.h"
#include "engine/prefix_index.h"
#include "engine/sampler.h"
#include "model/model.h"

namespace cria::engine {

// One thread at a time. A generation is: Begin(), then steps (Next, the model's Forward, Advance,
// Settle) until it is done; Decode() does one step alone. After an error the session is poisoned:
// every call but Reset() returns that error again.
class Session {
 public:
  // `context`: the most tokens it may hold; at most the model's own limit, which 0 stands for.
  static absl::StatusOr<std::shared_ptr<Session>> Create(std::shared_ptr<const LoadedModel> model,
                                                         int64_t context);

  const LoadedModel& model() const { return *model_; }
  const std::shared_ptr<const LoadedModel>& shared_model() const { return model_; }
  int64_t context() const { return cache_.max_tokens(); }
  const std::vector<text::TokenId>& tokens() const { return tokens_; }  // prompt and answer so far
  const model::KvCache& cache() const { return cache_; }

  // Starts a generation after `prompt`. What the cache holds of the same beginning is kept (the
  // last prompt token is always computed again, for its logits). kInvalidArgument for an empty
  // prompt or a bad option; kResourceExhausted when the prompt leaves no room for an answer. The
  // session is unchanged on these errors.
  absl::Status Begin(std::span<const text::TokenId> prompt, const GenerationOptions& options);

  // Takes over what other sequences of the model have computed of this prompt.
  void Share(PrefixIndex* index);
  // Tells the index of the pages that were filled since the last call.
  void Publish(PrefixIndex* index);
  // The key of the page that the next token goes to; none if the tokens don't fill it.
  std::optional<PrefixIndex::Key> NextPage() const;
  // Gives up its keys and values, after the index was told of them: the next steps compute again
  // what the index has lost by then.
  void Release(PrefixIndex* index);

  // Lets the next step also compute tokens that may follow; of use while an answer is running.
  // They must fit the room().
  void Guess(std::vector<text::TokenId> guess) { guess_ = std::move(guess); }

  // What this session wants computed next, at most `budget` >= 1 tokens and the guess. The span
  // lives until Settle.
  model::SequenceStep Next(int64_t budget);

  // Takes the next logits row of the step that Next described; empty if it wanted none. Returns
  // the token that was sampled, or nullopt while the prompt is still being read or when a grammar
  // has come to its end; prefilling() tells which.
  absl::StatusOr<std::optional<SampledToken>> Advance(std::span<const float> logits);
  // Whether the token that Advance returned was guessed: then the step's next row is valid too.
  bool guessed_right() const { return guessed_right_; }
  // Ends a step: forgets what was guessed wrong.
  void Settle();

  // One whole step alone: Next, Forward, Advance, Settle.
  absl::StatusOr<std::optional<SampledToken>> Decode(model::Workspace& workspace,
                                                     base::ThreadPool& pool);

  bool prefilling() const { return cache_.length() + 1 < static_cast<int64_t>(tokens_.size()); }
  int64_t prompt_tokens() const { return prompt_tokens_; }
  int64_t reused_tokens() const { return reused_tokens_; }  // of the prompt, found in the cache
  // How many more tokens fit after what is there.
  int64_t room() const { return context() - static_cast<int64_t>(tokens_.size()); }

  void Poison(absl::Status status) { poison_ = std::move(status); }
  void Reset();  // forgets everything

 private:
  Session(std::shared_ptr<const LoadedModel> model, int64_t context)
      : model_(std::move(model)), cache_(model_->model().kv_layout(), context) {}

  std::shared_ptr<const LoadedModel> model_;
  model::KvCache cache_;
  std::vector<text::TokenId> tokens_;
  std::unique_ptr<Sampler> sampler_;
  std::vector<PrefixIndex::Key> page_keys_;  // of tokens_, as far as they are known
  int64_t published_ = 0;                    // pages that the index was told of
  std::vector<text::TokenId> guess_;         // that the running step computes
  std::vector<text::TokenId> step_tokens_;   // with a guess: the last token and the guess
  size_t guesses_right_ = 0;                 // of this step
  bool guessed_right_ = false;               // the last token that Advance returned
  int64_t prompt_tokens_ = 0;
  int64_t reused_tokens_ = 0;
  absl::Status poison_;
};

}  // namespace cria::engine

#endif  // CRIA_ENGINE_SESSION_H_
