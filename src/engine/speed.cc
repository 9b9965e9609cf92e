#include "engine/speed.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "base/rng.h"

namespace cria::engine {
namespace {

using Clock = std::chrono::steady_clock;
using model::KvCache;
using model::Model;
using model::SequenceStep;

std::vector<int32_t> RandomTokens(int64_t count, int64_t vocab) {
  base::Rng rng(1);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens)
    token = static_cast<int32_t>(rng.Uniform() * static_cast<double>(vocab));
  return tokens;
}

absl::StatusOr<std::unique_ptr<KvCache>> FilledCache(const Model& model, int64_t context,
                                                     int64_t more) {
  auto cache = std::make_unique<KvCache>(model.kv_layout(), context + more);
  CRIA_RETURN_IF_ERROR(cache->Reserve(context + more));
  cache->Commit(context);
  return cache;
}

absl::Status RunPrefill(const Model& model, std::span<const int32_t> prompt, KvCache& cache,
                        model::Workspace& workspace, base::ThreadPool& pool) {
  for (size_t begin = 0; begin < prompt.size();) {
    const size_t count = std::min<size_t>(prompt.size() - begin, Model::kMaxStepTokens);
    SequenceStep step{&cache, prompt.subspan(begin, count), model::LogitsWanted::kNone,
                      static_cast<int64_t>(prompt.size())};
    begin += count;
    if (begin == prompt.size()) step.logits = model::LogitsWanted::kLast;
    CRIA_RETURN_IF_ERROR(model.Forward({&step, 1}, workspace, pool).status());
  }
  return absl::OkStatus();
}

// Operations of one token in all layers' matrices, in seconds of the machine's peak.
double MatrixSeconds(const model::Linear& linear, const MachineLimits& limits) {
  const double operations =
      2 * static_cast<double>(linear.rows()) * static_cast<double>(linear.cols());
  switch (linear.weights().kind) {
    case kernels::WeightKind::kF32:
    case kernels::WeightKind::kF16:
      return operations / limits.f32_ops_per_s;
    case kernels::WeightKind::kBf16:
      return operations / limits.bf16_ops_per_s;
    default:
      return operations / limits.int8_ops_per_s;
  }
}

double LayerSeconds(const Model& model, const MachineLimits& limits) {
  double seconds = 0;
  for (const model::DecoderLayer& layer : model.layers())
    for (const model::Linear* linear :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
      seconds += MatrixSeconds(*linear, limits);
  return seconds;
}

// Scores and weighted sums of one token over `context` tokens, in all layers.
double AttentionSeconds(const Model& model, double context, const MachineLimits& limits) {
  double heads = 0;
  for (const model::DecoderLayer& layer : model.layers())
    heads += static_cast<double>(layer.config.num_heads);
  return 4 * heads * static_cast<double>(model.config().head_dim) * context / limits.f32_ops_per_s;
}

}  // namespace

absl::StatusOr<double> TimeCase(const Model& model, const SpeedCase& speed_case,
                                model::Workspace& workspace, base::ThreadPool& pool) {
  const bool prefill = speed_case.kind == SpeedCase::Kind::kPrefill;
  const int64_t more = prefill ? speed_case.prompt : speed_case.generate;
  if (speed_case.context + more > model.config().max_context)
    return absl::InvalidArgumentError(absl::StrCat(more, " tokens after ", speed_case.context,
                                                   ": the model's context is ",
                                                   model.config().max_context));
  std::vector<std::unique_ptr<KvCache>> caches;
  for (int64_t i = 0; i < (prefill ? 1 : speed_case.sessions); ++i) {
    CRIA_ASSIGN_OR_RETURN(auto cache, FilledCache(model, speed_case.context, more));
    caches.push_back(std::move(cache));
  }
  const std::vector<int32_t> tokens = RandomTokens(speed_case.tokens(), model.config().vocab);
  const Clock::time_point start = Clock::now();
  if (prefill) {
    CRIA_RETURN_IF_ERROR(RunPrefill(model, tokens, *caches[0], workspace, pool));
  } else {
    std::vector<SequenceStep> steps(caches.size());
    for (int64_t t = 0; t < speed_case.generate; ++t) {
      for (size_t s = 0; s < steps.size(); ++s) {
        const size_t at = static_cast<size_t>(t) * steps.size() + s;
        steps[s] = {caches[s].get(), {&tokens[at], 1}, model::LogitsWanted::kLast};
      }
      CRIA_RETURN_IF_ERROR(model.Forward(steps, workspace, pool).status());
    }
  }
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double LeastSeconds(const Model& model, const SpeedCase& speed_case, const MachineLimits& limits) {
  const bool prefill = speed_case.kind == SpeedCase::Kind::kPrefill;
  const auto tokens = static_cast<double>(speed_case.tokens());
  const auto grown = static_cast<double>(prefill ? speed_case.prompt : speed_case.generate);
  const double context = static_cast<double>(speed_case.context) + grown / 2;  // on average
  const double heads = prefill ? 1 : tokens;  // how often the output head is needed
  const double arithmetic = tokens * LayerSeconds(model, limits) +
                            heads * MatrixSeconds(model.head(), limits) +
                            tokens * AttentionSeconds(model, context, limits);
  const double steps = prefill ? 1 : static_cast<double>(speed_case.generate);
  const double caches = prefill ? 1 : static_cast<double>(speed_case.sessions);
  const auto cache_bytes =
      static_cast<double>(model.kv_layout().BytesFor(static_cast<int64_t>(context)));
  const double bytes = steps * (static_cast<double>(model.packed_bytes()) + caches * cache_bytes);
  return std::max(arithmetic, bytes / limits.read_bytes_per_s);
}

}  // namespace cria::engine
