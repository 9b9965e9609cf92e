#include "engine/speculation.h"

#include <algorithm>
#include <chrono>

#include "absl/hash/hash.h"

namespace cria::engine {

using text::TokenId;

namespace {

uint64_t HashOf(std::span<const TokenId> ngram) {
  return absl::HashOf(absl::MakeConstSpan(ngram.data(), ngram.size()));
}

}  // namespace

std::vector<TokenId> NgramDrafter::Draft(std::span<const TokenId> tokens, int64_t most) {
  const size_t size = tokens.size();
  if (size < kNgram) return {};
  indexed_ = std::min(indexed_, size);  // a shorter sequence is another one: hits are compared
  for (size_t end = std::max(indexed_, kNgram); end < size; ++end)
    ends_[HashOf(tokens.subspan(end - kNgram, kNgram))] = end;
  indexed_ = size;
  const std::span<const TokenId> last = tokens.subspan(size - kNgram);
  const auto found = ends_.find(HashOf(last));
  if (found == ends_.end() || found->second >= size) return {};
  const size_t end = found->second;
  if (!std::equal(last.begin(), last.end(), tokens.begin() + static_cast<int64_t>(end - kNgram)))
    return {};
  std::vector<TokenId> draft;
  for (size_t i = 0; i < static_cast<size_t>(most); ++i)  // a loop goes on into the guess itself
    draft.push_back(end + i < size ? tokens[end + i] : draft[end + i - size]);
  return draft;
}

absl::StatusOr<std::unique_ptr<ModelDrafter>> ModelDrafter::Create(
    std::shared_ptr<const LoadedModel> draft, const LoadedModel& target, int64_t context,
    base::ThreadPool& pool) {
  if (draft->config().vocab != target.config().vocab)
    return absl::InvalidArgumentError(absl::StrCat(
        "the draft model has ", draft->config().vocab, " tokens, the model it drafts for ",
        target.config().vocab, ": expected models of one family"));
  const int64_t most = std::min(context, draft->config().max_context);
  return std::unique_ptr<ModelDrafter>(new ModelDrafter(std::move(draft), most, pool));
}

std::optional<TokenId> ModelDrafter::Step(std::span<const TokenId> tokens) {
  const model::SequenceStep step{&cache_, tokens, model::LogitsWanted::kLast};
  const auto logits = model_->model().Forward({&step, 1}, workspace_, pool_);
  if (!logits.ok()) {
    cache_.Truncate(0);
    known_.clear();
    return std::nullopt;
  }
  known_.insert(known_.end(), tokens.begin(), tokens.end());
  const std::span<const float> row = logits->row(0);
  return static_cast<TokenId>(std::max_element(row.begin(), row.end()) - row.begin());
}

bool ModelDrafter::Read(std::span<const TokenId> tokens) {
  const auto same = std::mismatch(known_.begin(), known_.end(), tokens.begin(), tokens.end());
  const size_t kept = std::min(static_cast<size_t>(same.first - known_.begin()), tokens.size() - 1);
  cache_.Truncate(static_cast<int64_t>(kept));
  known_.resize(kept);
  const size_t count = std::min<size_t>(tokens.size() - 1 - kept, kReadAtOnce);
  if (count > 0 && !Step(tokens.subspan(kept, count))) return false;
  return kept + count == tokens.size() - 1;
}

std::vector<TokenId> ModelDrafter::Draft(std::span<const TokenId> tokens, int64_t most) {
  std::vector<TokenId> draft;
  const auto room = cache_.max_tokens() - static_cast<int64_t>(tokens.size());
  if (tokens.empty() || room <= 0 || !Read(tokens)) return draft;
  std::optional<TokenId> next = Step(tokens.last(1));
  while (next) {
    draft.push_back(*next);
    if (static_cast<int64_t>(draft.size()) >= std::min(most, room)) break;
    next = Step({&draft.back(), 1});
  }
  return draft;
}

std::vector<TokenId> Speculation::Guess(std::span<const TokenId> tokens, int64_t most,
                                        double token_s, double answer_s) {
  constexpr int64_t kProbeAfter = 32;  // steps
  constexpr double kUsualPrice = 0.3;
  const double price = token_s > 0 && answer_s > 0 ? (token_s + draft_s_) / answer_s : kUsualPrice;
  int64_t count = 0;
  for (double chance = chance_; count < std::min(most, kMost) && chance > price; ++count)
    chance *= chance_;
  if (count == 0 && ++idle_ >= kProbeAfter) count = std::min<int64_t>(most, 1);
  if (count == 0) return {};
  const auto start = std::chrono::steady_clock::now();
  std::vector<TokenId> guess = drafter_->Draft(tokens, count);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (guess.empty()) return guess;
  idle_ = 0;
  const double each = taken.count() / static_cast<double>(guess.size());
  // The first draft of all also reads the end of the prompt.
  if (++drafts_ > 1) draft_s_ = draft_s_ == 0 ? each : 0.8 * draft_s_ + 0.2 * each;
  return guess;
}

void Speculation::Judge(int64_t guessed, int64_t right) {
  constexpr double kNewest = 0.2;  // what the newest outcome counts
  for (int64_t i = 0; i < right; ++i) chance_ += kNewest * (1 - chance_);
  if (right < guessed) chance_ -= kNewest * chance_;
  guessed_ += guessed;
  right_ += right;
}

}  // namespace cria::engine
