#include "cli/stack_metrics.h"

namespace cria::cli {
namespace {

using Kind = server::Metrics::Kind;

struct EngineMetric {
  Kind kind;
  const char *name, *help;
  double (*value)(const engine::EngineStats& stats);
};

template <auto Field>
double Get(const engine::EngineStats& stats) {
  return static_cast<double>(stats.*Field);
}

using Stats = engine::EngineStats;
constexpr EngineMetric kEngine[] = {
    {Kind::kGauge, "cria_engine_running", "Requests that are being answered", Get<&Stats::running>},
    {Kind::kGauge, "cria_engine_queued", "Requests that wait to begin", Get<&Stats::queued>},
    {Kind::kCounter, "cria_engine_requests_total", "Requests that have ended",
     Get<&Stats::requests>},
    {Kind::kCounter, "cria_engine_queue_seconds_total", "Time that requests waited to begin",
     Get<&Stats::queue_s>},
    {Kind::kCounter, "cria_engine_steps_total", "Steps", Get<&Stats::steps>},
    {Kind::kCounter, "cria_engine_step_sequences_total",
     "Sequences of all steps: by steps the mean batch", Get<&Stats::sequences>},
    {Kind::kCounter, "cria_engine_prompt_tokens_total", "Tokens of prompts that were computed",
     Get<&Stats::prompt_tokens>},
    {Kind::kCounter, "cria_engine_reused_tokens_total",
     "Tokens of prompts that were found in the cache", Get<&Stats::reused_tokens>},
    {Kind::kCounter, "cria_engine_answer_tokens_total", "Tokens of answers",
     Get<&Stats::answer_tokens>},
    {Kind::kCounter, "cria_engine_guessed_tokens_total", "Tokens that were tried ahead",
     Get<&Stats::guessed_tokens>},
    {Kind::kCounter, "cria_engine_guessed_right_tokens_total", "Of these, part of an answer",
     Get<&Stats::guessed_right_tokens>},
    {Kind::kGauge, "cria_engine_kv_bytes", "Keys and values that are kept", Get<&Stats::kv_bytes>},
    {Kind::kGauge, "cria_engine_weight_bytes", "Weights of the models that are loaded",
     Get<&Stats::weight_bytes>}};

}  // namespace

void AddEngineMetrics(const StackProviders& providers, server::Metrics* metrics) {
  if (providers.engine != nullptr)
    for (const EngineMetric& metric : kEngine)
      metrics->AddCallback(metric.kind, metric.name, metric.help, {},
                           [engine = providers.engine.get(), value = metric.value] {
                             return value(engine->stats());
                           });
  if (providers.pool == nullptr) return;
  const provider::HttpPool* pool = providers.pool.get();
  metrics->AddCallback(Kind::kCounter, "cria_remote_requests_total", "Requests to other servers",
                       {}, [pool] { return static_cast<double>(pool->stats().requests); });
  metrics->AddCallback(Kind::kCounter, "cria_remote_connections_total",
                       "Connections to other servers that were opened", {},
                       [pool] { return static_cast<double>(pool->stats().connections); });
  metrics->AddCallback(Kind::kGauge, "cria_remote_running", "Requests to other servers, now", {},
                       [pool] { return static_cast<double>(pool->stats().running); });
}

}  // namespace cria::cli
