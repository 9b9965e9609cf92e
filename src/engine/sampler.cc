#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "base/check.h"

namespace cria::engine {
namespace {

using text::TokenId;

constexpr float kNever = -std::numeric_limits<float>::infinity();

uint64_t SeedOf(const GenerationOptions& options) {
  if (options.seed) return *options.seed;
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

// log(sum(exp(logits))) in double; NaN counts as nothing.
double LogSumExp(std::span<const float> logits) {
  float largest = kNever;
  for (const float logit : logits) largest = logit > largest ? logit : largest;
  double sum = 0;
  for (const float logit : logits)
    if (logit > kNever) sum += std::exp(static_cast<double>(logit) - static_cast<double>(largest));
  return static_cast<double>(largest) + std::log(sum);
}

}  // namespace

std::vector<double> LogProbabilities(std::span<const float> logits, std::span<const TokenId> ids) {
  const double log_sum = LogSumExp(logits);
  std::vector<double> result;
  result.reserve(ids.size());
  for (const TokenId id : ids)
    result.push_back(static_cast<double>(logits[static_cast<size_t>(id)]) - log_sum);
  return result;
}

std::vector<TokenLogprob> TopLogprobs(std::span<const float> logits, int64_t count) {
  std::vector<TokenId> order(logits.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
  const auto wanted =
      static_cast<std::ptrdiff_t>(std::min<int64_t>(count, static_cast<int64_t>(order.size())));
  const auto value = [&](TokenId id) {
    const float logit = logits[static_cast<size_t>(id)];
    return std::isnan(logit) ? kNever : logit;
  };
  std::partial_sort(order.begin(), order.begin() + wanted, order.end(), [&](TokenId a, TokenId b) {
    return value(a) != value(b) ? value(a) > value(b) : a < b;
  });
  order.resize(static_cast<size_t>(wanted));
  const std::vector<double> logprobs = LogProbabilities(logits, order);
  std::vector<TokenLogprob> top;
  for (size_t i = 0; i < order.size(); ++i) top.push_back({order[i], logprobs[i]});
  return top;
}

Sampler::Sampler(const GenerationOptions& options, std::span<const TokenId> prompt,
                 std::span<const TokenId> stop_ids, std::shared_ptr<const text::TokenTrie> trie)
    : options_(options), rng_(SeedOf(options)), stop_ids_(stop_ids.begin(), stop_ids.end()) {
  if (options_.repetition_penalty != 1) seen_.insert(prompt.begin(), prompt.end());
  if (options_.grammar != nullptr) {
    CRIA_CHECK(trie != nullptr);
    matcher_ = text::MakeGrammarMatcher(options_.grammar, std::move(trie));
  }
}

Sampler::~Sampler() = default;

absl::StatusOr<std::optional<SampledToken>> Sampler::Sample(std::span<const float> logits) {
  logits_.assign(logits.begin(), logits.end());
  for (float& logit : logits_)
    if (std::isnan(logit)) logit = kNever;
  ApplyBiasAndPenalties();
  if (matcher_ != nullptr && !ApplyGrammar()) {
    if (matcher_->CanEnd()) return std::optional<SampledToken>();
    CRIA_RETURN_IF_ERROR(matcher_->status());
    return absl::FailedPreconditionError(
        "the grammar allows no token of this vocabulary here: it cannot be spelled with the "
        "model's tokens");
  }
  SampledToken sampled;
  while (true) {
    auto chosen = options_.temperature == 0 ? Greedy() : Draw();
    if (!chosen.ok() && matcher_ != nullptr) CRIA_RETURN_IF_ERROR(matcher_->status());
    CRIA_ASSIGN_OR_RETURN(sampled.id, std::move(chosen));
    if (Count(sampled.id)) break;
    logits_[static_cast<size_t>(sampled.id)] = kNever;  // the mask was too generous: choose again
  }
  if (options_.logprobs >= 0) {
    sampled.logprob = LogProbabilities(logits, {&sampled.id, 1})[0];
    sampled.top = TopLogprobs(logits, options_.logprobs);
  }
  return std::optional<SampledToken>(std::move(sampled));
}

void Sampler::ApplyBiasAndPenalties() {
  for (const auto& [id, bias] : options_.logit_bias) logits_[static_cast<size_t>(id)] += bias;
  if (options_.repetition_penalty != 1) {  // Keskar et al., "CTRL", 2019
    const auto penalty = static_cast<float>(options_.repetition_penalty);
    for (const TokenId id : seen_) {
      float& logit = logits_[static_cast<size_t>(id)];
      logit = logit > 0 ? logit / penalty : logit * penalty;
    }
  }
  if (options_.frequency_penalty == 0 && options_.presence_penalty == 0) return;
  for (const auto& [id, count] : counts_)
    logits_[static_cast<size_t>(id)] -= static_cast<float>(
        options_.frequency_penalty * static_cast<double>(count) + options_.presence_penalty);
}

bool Sampler::ApplyGrammar() {
  mask_.assign((logits_.size() + 63) / 64, 0);
  matcher_->FillMask(mask_);
  if (matcher_->CanEnd()) {
    for (const TokenId id : stop_ids_)
      if (static_cast<size_t>(id) < logits_.size())
        mask_[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
  }
  bool any = false;
  for (size_t word = 0; word < mask_.size(); ++word) {
    const size_t end = std::min(logits_.size(), word * 64 + 64);
    const size_t unused = word * 64 + 64 - end;  // of the last word: no logits stand for them
    const uint64_t bits = mask_[word] & (~uint64_t{0} >> unused);
    any = any || bits != 0;
    if (bits == ~uint64_t{0}) continue;
    for (size_t i = word * 64; i < end; ++i)
      if (((bits >> (i % 64)) & 1) == 0) logits_[i] = kNever;
  }
  return any;
}

absl::StatusOr<TokenId> Sampler::Greedy() const {
  const auto best = std::max_element(logits_.begin(), logits_.end());
  if (*best == kNever)
    return absl::DataLossError(
        "no token has a finite logit: the model's weights are damaged (verify-download checks "
        "them), or the logit bias rules every token out");
  return static_cast<TokenId>(best - logits_.begin());
}

// The tokens that top-k and top-p leave, most likely first. Only as many are sorted as are needed.
std::vector<Sampler::Candidate> Sampler::Nucleus(double largest, double total) const {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < logits_.size(); ++i) {
    if (logits_[i] == kNever) continue;
    const double probability =
        std::exp((static_cast<double>(logits_[i]) - largest) / options_.temperature) / total;
    if (probability > 0) candidates.push_back({static_cast<TokenId>(i), logits_[i], probability});
  }
  const auto more_likely = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  const auto limit = options_.top_k > 0
                         ? std::min(candidates.size(), static_cast<size_t>(options_.top_k))
                         : candidates.size();
  // Renormalise over the top k first: top-p is defined on what top-k leaves.
  double kept_mass = 1;
  const auto at = [&](size_t n) { return candidates.begin() + static_cast<std::ptrdiff_t>(n); };
  if (limit < candidates.size()) {
    std::partial_sort(candidates.begin(), at(limit), candidates.end(), more_likely);
    candidates.resize(limit);
    kept_mass = 0;
    for (const Candidate& candidate : candidates) kept_mass += candidate.probability;
  }
  double before = 0;  // mass in front of the next candidate
  size_t taken = 0, sorted = 0;
  while (taken < candidates.size()) {
    if (taken == sorted) {
      const size_t next = std::min(candidates.size(), std::max<size_t>(64, 4 * sorted));
      std::partial_sort(at(sorted), at(next), candidates.end(), more_likely);
      sorted = next;
    }
    if (before > options_.top_p)
      break;  // Meta: zero those whose cumulative mass before them exceeds p
    before += candidates[taken++].probability / kept_mass;
  }
  candidates.resize(taken);
  return candidates;
}

absl::StatusOr<TokenId> Sampler::Draw() {
  CRIA_ASSIGN_OR_RETURN(const TokenId best, Greedy());
  const auto largest = static_cast<double>(logits_[static_cast<size_t>(best)]);
  if (std::isinf(largest)) return best;  // a bias of +inf forces its token
  double total = 0;
  for (const float logit : logits_)
    if (logit > kNever)
      total += std::exp((static_cast<double>(logit) - largest) / options_.temperature);
  std::vector<Candidate> candidates = Nucleus(largest, total);
  if (options_.min_p > 0) {
    const double threshold = options_.min_p * candidates.front().probability;
    std::erase_if(candidates, [&](const Candidate& c) { return c.probability < threshold; });
  }
  double mass = 0;
  for (const Candidate& candidate : candidates) mass += candidate.probability;
  double point = rng_.Uniform() * mass;
  for (const Candidate& candidate : candidates) {
    point -= candidate.probability;
    if (point < 0) return candidate.id;
  }
  return candidates.back().id;
}

bool Sampler::Count(TokenId id) {
  const bool stop = std::find(stop_ids_.begin(), stop_ids_.end(), id) != stop_ids_.end();
  if (matcher_ != nullptr && !stop && !matcher_->Accept(id)) return false;
  if (options_.repetition_penalty != 1) seen_.insert(id);
  if (options_.frequency_penalty != 0 || options_.presence_penalty != 0) ++counts_[id];
  return true;
}

}  // namespace cria::engine
