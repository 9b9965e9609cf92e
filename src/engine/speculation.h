// Guesses how an answer goes on, so that one step may confirm several tokens at once. Only guesses
// that the sampler would have chosen anyway are kept: the answer is the same, token for token.
//
// Speculative decoding: Leviathan et al., "Fast Inference from Transformers via Speculative
// Decoding", 2023. Guessing by what followed the same words before: Saxena, "Prompt Lookup
// Decoding", 2023.
#ifndef CRIA_ENGINE_SPECULATION_H_
#define CRIA_ENGINE_SPECULATION_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/loaded_model.h"
#include "text/tokenizer.h"

namespace cria::engine {

// Where guesses come from. One thread at a time, one sequence.
class Drafter {
 public:
  virtual ~Drafter() = default;
  // At most `most` tokens that may follow `tokens`; none where nothing is known. `tokens` goes on
  // from call to call as the answer does.
  virtual std::vector<text::TokenId> Draft(std::span<const text::TokenId> tokens, int64_t most) = 0;
};

// Guesses that what followed the last kNgram tokens before follows them again. Free.
class NgramDrafter : public Drafter {
 public:
  static constexpr size_t kNgram = 3;
  std::vector<text::TokenId> Draft(std::span<const text::TokenId> tokens, int64_t most) override;

 private:
  // By hash of kNgram tokens: where they ended last.
  absl::flat_hash_map<uint64_t, size_t> ends_;
  size_t indexed_ = 0;  // tokens whose n-grams are in ends_
};

// Asks a smaller model of the same vocabulary for its likeliest tokens.
class ModelDrafter : public Drafter {
 public:
  // `pool` must outlive the drafter. kInvalidArgument when the vocabularies differ in size.
  static absl::StatusOr<std::unique_ptr<ModelDrafter>> Create(
      std::shared_ptr<const LoadedModel> draft, const LoadedModel& target, int64_t context,
      base::ThreadPool& pool);
  // No guess until the whole prompt has been read, a part at each call.
  std::vector<text::TokenId> Draft(std::span<const text::TokenId> tokens, int64_t most) override;

 private:
  ModelDrafter(std::shared_ptr<const LoadedModel> draft, int64_t context, base::ThreadPool& pool)
      : model_(std::move(draft)), pool_(pool), cache_(model_->model().kv_layout(), context) {}
  // Of a prompt at most this many tokens are read at each call, so that other answers don't wait
  // for the whole of it.
  static constexpr int64_t kReadAtOnce = 64;
  // Reads what comes before the last token; false if some of it is left for the next call.
  bool Read(std::span<const text::TokenId> tokens);
  // Computes `tokens` and returns the likeliest token after them; nullopt on an error.
  std::optional<text::TokenId> Step(std::span<const text::TokenId> tokens);

  std::shared_ptr<const LoadedModel> model_;
  base::ThreadPool& pool_;
  model::KvCache cache_;
  std::vector<text::TokenId> known_;  // that the cache holds
  model::Workspace workspace_;
};

// How much guessing pays for one answer. One thread at a time.
class Speculation {
 public:
  static constexpr int64_t kMost = 16;  // guesses of a step

  explicit Speculation(std::unique_ptr<Drafter> drafter) : drafter_(std::move(drafter)) {}

  // Guesses to try after `tokens`, at most `most`. `token_s`: what one more token adds to a step;
  // `answer_s`: what a token costs without guessing. A guess pays if it is right more often than
  // its cost is to what it saves. Zeros: not known yet.
  std::vector<text::TokenId> Guess(std::span<const text::TokenId> tokens, int64_t most,
                                   double token_s, double answer_s);
  // Of the last guesses the first `right` were right.
  void Judge(int64_t guessed, int64_t right);

  int64_t guessed() const { return guessed_; }
  int64_t right() const { return right_; }

 private:
  std::unique_ptr<Drafter> drafter_;
  double chance_ = 0.5;  // that a guess is right, lately
  double draft_s_ = 0;   // of making a guess, lately
  int64_t drafts_ = 0;   // made
  int64_t idle_ = 0;     // steps without a guess because none would pay
  int64_t guessed_ = 0, right_ = 0;
};

}  // namespace cria::engine

#endif  // CRIA_ENGINE_SPECULATION_H_
