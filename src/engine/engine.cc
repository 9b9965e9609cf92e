#include "engine/engine.h"

#include <algorithm>
#include <chrono>

#include "text/detokenizer.h"
#include "text/stop_strings.h"

namespace cria::engine {
namespace {

using Clock = std::chrono::steady_clock;
using text::StopReason;

double Seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

// A request from Submit to its end.
struct Engine::Active {
  Active(std::shared_ptr<Session> owned_session, GenerationOptions generation_options)
      : session(std::move(owned_session)),
        options(std::move(generation_options)),
        stream(std::make_shared<Generation>()),
        stop_filter(options.stop) {
    const text::Tokenizer* tokenizer = session->model().tokenizer();
    if (tokenizer == nullptr) return;
    const std::vector<text::TokenId>& prompt = session->tokens();
    const bool begins_text = prompt.size() == 1 && tokenizer->bos() == prompt.front();
    detokenizer.emplace(*tokenizer, /*special=*/false, begins_text, options.spelled_tokens);
  }

  std::shared_ptr<Session> session;
  GenerationOptions options;
  std::shared_ptr<Generation> stream;
  std::optional<text::StreamDetokenizer> detokenizer;  // none without a tokenizer
  text::StopStringFilter stop_filter;
  GenerationResult result;
  Clock::time_point submitted = Clock::now(), started, first_token, last_token;
  bool began = false;
};

Engine::Engine(const EngineOptions& options)
    : pool_(options.threads > 0 ? options.threads : base::UsableCores()),
      options_(options),
      thread_([this] { Loop(); }) {}

Engine::~Engine() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  thread_.join();
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> Engine::Load(
    const std::string& id, std::shared_ptr<const checkpoint::Checkpoint> checkpoint,
    const model::ModelOptions& options) {
  CRIA_ASSIGN_OR_RETURN(std::shared_ptr<const LoadedModel> model,
                        LoadedModel::Load(std::move(checkpoint), options, pool_));
  const std::lock_guard<std::mutex> lock(mutex_);
  models_[id] = model;
  return model;
}

void Engine::Unload(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  models_.erase(id);
}

std::shared_ptr<const LoadedModel> Engine::Find(const std::string& id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = models_.find(id);
  return found == models_.end() ? nullptr : found->second;
}

absl::StatusOr<std::shared_ptr<Generation>> Engine::Submit(Request request) {
  const std::shared_ptr<const LoadedModel> model = Find(request.model);
  if (model == nullptr)
    return absl::NotFoundError(absl::StrCat("model '", request.model, "' is not loaded"));
  std::shared_ptr<Session> session = std::move(request.session);
  if (session == nullptr) {
    CRIA_ASSIGN_OR_RETURN(session, Session::Create(model, request.context));
  } else if (&session->model() != model.get()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the session belongs to another model than '", request.model, "'"));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (std::find(busy_.begin(), busy_.end(), session.get()) != busy_.end())
    return absl::FailedPreconditionError(
        "the session is still answering: wait for it or cancel it");
  if (queue_.size() >= options_.max_queued)
    return absl::ResourceExhaustedError(
        absl::StrCat("the queue is full: ", queue_.size(), " requests wait; try again later"));
  CRIA_RETURN_IF_ERROR(session->Begin(request.prompt, request.options));
  auto active = std::make_unique<Active>(std::move(session), std::move(request.options));
  active->result.prompt_tokens = active->session->prompt_tokens();
  active->result.reused_tokens = active->session->reused_tokens();
  std::shared_ptr<Generation> stream = active->stream;
  busy_.push_back(active->session.get());
  queue_.push_back(std::move(active));
  work_.notify_one();
  return stream;
}

void Engine::Loop() {
  while (true) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || !queue_.empty() || !active_.empty(); });
      if (stopping_) break;
    }
    Admit();
    Step();
  }
  Admit();
  for (const std::unique_ptr<Active>& active : active_)
    Finish(*active, absl::CancelledError("the engine is stopping"));
  active_.clear();
}

void Engine::Admit() {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (!queue_.empty() && (active_.size() < options_.max_active || stopping_)) {
    active_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

// One step of every model that has running sessions.
void Engine::Step() {
  std::map<const LoadedModel*, std::vector<Active*>> by_model;
  for (const std::unique_ptr<Active>& active : active_) {
    if (active->stream->cancelled()) {
      Finish(*active, absl::CancelledError("cancelled"));
    } else if (active->options.max_tokens == 0) {
      Finish(*active, absl::OkStatus());
    } else {
      by_model[&active->session->model()].push_back(active.get());
    }
  }
  for (const auto& [model, sessions] : by_model) StepModel(*model, sessions);
  std::erase_if(active_,
                [](const std::unique_ptr<Active>& active) { return active->stream == nullptr; });
}

// Running answers first, one token each; what is left of the step's room goes to prompts, in order
// of arrival.
void Engine::StepModel(const LoadedModel& model, const std::vector<Active*>& sessions) {
  std::vector<Active*> order(sessions);
  std::stable_partition(order.begin(), order.end(),
                        [](Active* active) { return !active->session->prefilling(); });
  std::vector<model::SequenceStep> steps;
  std::vector<Active*> stepped;
  int64_t room = model::Model::kMaxStepTokens;
  for (Active* active : order) {
    if (room == 0) break;
    const model::SequenceStep step = active->session->Next(room);
    // Room for each alone, so that one full cache fails one request and not the whole batch.
    if (absl::Status status = step.cache->Reserve(static_cast<int64_t>(step.tokens.size()));
        !status.ok()) {
      active->session->Poison(status);
      Finish(*active, std::move(status));
      continue;
    }
    if (!active->began) active->started = Clock::now();
    active->began = true;
    room -= static_cast<int64_t>(step.tokens.size());
    steps.push_back(step);
    stepped.push_back(active);
  }
  if (steps.empty()) return;
  const auto logits = model.model().Forward(steps, workspace_, pool_);
  int64_t row = 0;
  for (size_t i = 0; i < stepped.size(); ++i) {
    if (!logits.ok()) {
      stepped[i]->session->Poison(logits.status());
      Finish(*stepped[i], logits.status());
    } else if (steps[i].logits == model::LogitsWanted::kLast) {
      Deliver(*stepped[i], logits->row(row++));
    }
  }
}

// Samples from a session's logits, passes the token on, and ends the generation when it is
// complete.
void Engine::Deliver(Active& active, std::span<const float> logits) {
  auto sampled = active.session->Advance(logits);
  if (!sampled.ok()) return Finish(active, sampled.status());
  active.last_token = Clock::now();
  if (active.result.completion_tokens == 0) active.first_token = active.last_token;
  const LoadedModel& model = active.session->model();
  if (!sampled->has_value()) {  // the grammar's end
    active.result.stop_reason = StopReason::kEndOfTurn;
    return Finish(active, absl::OkStatus());
  }
  SampledToken token = std::move(**sampled);
  const auto& stops = model.stop_ids();
  if (!active.options.ignore_eos && std::binary_search(stops.begin(), stops.end(), token.id)) {
    active.result.stop_reason = model.StopReasonOf(token.id);
    active.result.stop_token_id = token.id;
    return Finish(active, absl::OkStatus());
  }
  ++active.result.completion_tokens;
  std::string text;
  if (active.detokenizer) text = active.stop_filter.Feed(active.detokenizer->Feed(token.id));
  active.stream->Push({std::move(token), std::move(text)});
  if (active.stop_filter.stopped()) {
    active.result.stop_reason = StopReason::kStopString;
    return Finish(active, absl::OkStatus());
  }
  if (active.options.max_tokens && active.result.completion_tokens >= *active.options.max_tokens)
    return Finish(active, absl::OkStatus());
  if (active.session->room() > 0) return;
  if (!active.options.max_tokens) return Finish(active, absl::OkStatus());
  Finish(active, absl::ResourceExhaustedError(
                     absl::StrCat("the context is full after ", active.result.completion_tokens,
                                  " of ", *active.options.max_tokens, " tokens (it holds ",
                                  active.session->context(), "): raise --context")));
}

// Flushes held-back text, closes the stream and frees the session. The Active is removed at the end
// of the step.
void Engine::Finish(Active& active, absl::Status status) {
  if (active.detokenizer && !active.stop_filter.stopped()) {
    std::string rest = active.stop_filter.Feed(active.detokenizer->Finish());
    rest += active.stop_filter.Finish();
    if (!rest.empty()) active.stream->Push({std::nullopt, std::move(rest)});
  }
  GenerationResult& result = active.result;
  result.status = std::move(status);
  if (active.began) result.queue_s = Seconds(active.submitted, active.started);
  if (active.first_token != Clock::time_point()) {
    result.ttft_s = Seconds(active.submitted, active.first_token);
    result.prefill_s = Seconds(active.started, active.first_token);
    result.decode_s = Seconds(active.first_token, active.last_token);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::erase(busy_, active.session.get());
  }
  active.stream->Close(std::move(result));
  active.stream = nullptr;
}

}  // namespace cria::engine
