#include "engine/session.h"

#include <algorithm>

namespace cria::engine {

using text::TokenId;

absl::StatusOr<std::shared_ptr<Session>> Session::Create(std::shared_ptr<const LoadedModel> model,
                                                         int64_t context) {
  const int64_t limit = model->config().max_context;
  if (context < 0 || context > limit)
    return absl::InvalidArgumentError(
        absl::StrCat("context of ", context, " tokens: the model takes 1 to ", limit));
  return std::shared_ptr<Session>(new Session(std::move(model), context == 0 ? limit : context));
}

absl::Status Session::Begin(std::span<const TokenId> prompt, const GenerationOptions& options) {
  CRIA_RETURN_IF_ERROR(poison_);
  const int64_t vocab = model_->config().vocab;
  CRIA_RETURN_IF_ERROR(Validate(options, vocab));
  if (prompt.empty())
    return absl::InvalidArgumentError("the prompt is empty: expected at least one token");
  for (const TokenId id : prompt)
    if (id < 0 || id >= vocab)
      return absl::InvalidArgumentError(
          absl::StrCat("token id ", id, " is outside the model's vocabulary [0, ", vocab, ")"));
  const bool wants_answer = options.max_tokens.value_or(1) > 0;
  const auto length = static_cast<int64_t>(prompt.size());
  if (length + (wants_answer ? 1 : 0) > context())
    return absl::ResourceExhaustedError(absl::StrCat("the prompt has ", length,
                                                     " tokens, the context holds ", context(),
                                                     ": shorten the prompt or raise --context"));
  if (options.grammar != nullptr && model_->token_trie() == nullptr)
    return absl::InvalidArgumentError("a grammar needs a tokenizer, and the model has none");

  const auto common =
      std::mismatch(prompt.begin(), prompt.end(), tokens_.begin(), tokens_.end()).first;
  reused_tokens_ =
      std::min({static_cast<int64_t>(common - prompt.begin()), cache_.length(), length - 1});
  cache_.Truncate(reused_tokens_);
  tokens_.assign(prompt.begin(), prompt.end());
  const int64_t kept_pages = reused_tokens_ / model::KvLayout::kPageTokens;
  page_keys_.resize(std::min(page_keys_.size(), static_cast<size_t>(kept_pages)));
  published_ = std::min(published_, kept_pages);
  prompt_tokens_ = length;
  const std::vector<TokenId> no_stops;
  sampler_ =
      std::make_unique<Sampler>(options, prompt, options.ignore_eos ? no_stops : model_->stop_ids(),
                                options.grammar != nullptr ? model_->token_trie() : nullptr);
  return absl::OkStatus();
}

void Session::Share(PrefixIndex* index) {
  constexpr int64_t kPage = model::KvLayout::kPageTokens;
  PrefixIndex::ExtendKeys(tokens_, &page_keys_);
  const int64_t first = cache_.length() / kPage;
  // The last token is computed in any case, for its logits.
  const int64_t end = (static_cast<int64_t>(tokens_.size()) - 1) / kPage;
  const auto pages = index->Find(tokens_, page_keys_, first, end);
  if (pages.empty()) return;
  const int64_t computed = cache_.length() - first * kPage;  // in vain
  cache_.Truncate(first * kPage);
  cache_.Adopt(pages);
  published_ = std::max(published_, cache_.length() / kPage);
  const int64_t adopted = static_cast<int64_t>(pages.size()) * kPage - computed;
  reused_tokens_ = std::min(reused_tokens_ + std::max<int64_t>(adopted, 0), prompt_tokens_ - 1);
}

void Session::Publish(PrefixIndex* index) {
  const int64_t full = cache_.length() / model::KvLayout::kPageTokens;
  if (published_ == full) return;
  PrefixIndex::ExtendKeys(tokens_, &page_keys_);
  for (; published_ < full; ++published_)
    index->Insert(tokens_, page_keys_, published_, cache_.full_page(published_));
}

std::optional<PrefixIndex::Key> Session::NextPage() const {
  const auto page = static_cast<size_t>(cache_.length() / model::KvLayout::kPageTokens);
  if (page >= page_keys_.size()) return std::nullopt;
  return page_keys_[page];
}

void Session::Release(PrefixIndex* index) {
  Publish(index);
  cache_.Truncate(0);
  published_ = 0;
}

model::SequenceStep Session::Next(int64_t budget) {
  const int64_t done = cache_.length();
  int64_t count = std::min(budget, static_cast<int64_t>(tokens_.size()) - done);
  if (!guess_.empty() && !prefilling()) {
    step_tokens_.assign(1, tokens_.back());
    step_tokens_.insert(step_tokens_.end(), guess_.begin(), guess_.end());
    return {&cache_, step_tokens_, model::LogitsWanted::kAll, 0};
  }
  guess_.clear();
  // Tokens of an answer that are computed again are multiplied as they were.
  count = std::min(
      count, done < prompt_tokens_ ? prompt_tokens_ - done : model::SequenceStep::kShortPrompt);
  const bool reaches_end = done + count == static_cast<int64_t>(tokens_.size());
  return {&cache_,
          {tokens_.data() + done, static_cast<size_t>(count)},
          reaches_end ? model::LogitsWanted::kLast : model::LogitsWanted::kNone,
          done < prompt_tokens_ ? prompt_tokens_ : 0};
}

absl::StatusOr<std::optional<SampledToken>> Session::Advance(std::span<const float> logits) {
  CRIA_RETURN_IF_ERROR(poison_);
  if (logits.empty()) return std::optional<SampledToken>();
  auto sampled = sampler_->Sample(logits);
  if (!sampled.ok()) {
    Poison(sampled.status());
    return sampled.status();
  }
  guessed_right_ = false;
  if (!sampled->has_value()) return sampled;
  const TokenId id = (*sampled)->id;
  tokens_.push_back(id);
  if (guesses_right_ < guess_.size() && guess_[guesses_right_] == id) {
    ++guesses_right_;
    guessed_right_ = true;
  }
  return sampled;
}

void Session::Settle() {
  if (guess_.empty()) return;
  guess_.clear();
  guesses_right_ = 0;
  guessed_right_ = false;
  const auto known = static_cast<int64_t>(tokens_.size());
  if (cache_.length() >= known && known > 0) cache_.Truncate(known - 1);
}

absl::StatusOr<std::optional<SampledToken>> Session::Decode(model::Workspace& workspace,
                                                            base::ThreadPool& pool) {
  CRIA_RETURN_IF_ERROR(poison_);
  const model::SequenceStep step = Next(model::Model::kMaxStepTokens);
  auto logits = model_->model().Forward({&step, 1}, workspace, pool);
  if (!logits.ok()) {
    Poison(logits.status());
    return logits.status();
  }
  auto sampled = Advance(logits->rows > 0 ? logits->row(0) : std::span<const float>());
  Settle();
  return sampled;
}

void Session::Reset() {
  cache_.Truncate(0);
  tokens_.clear();
  page_keys_.clear();
  published_ = 0;
  sampler_.reset();
  guess_.clear();
  guesses_right_ = 0;
  guessed_right_ = false;
  prompt_tokens_ = reused_tokens_ = 0;
  poison_ = absl::OkStatus();
}

}  // namespace cria::engine
