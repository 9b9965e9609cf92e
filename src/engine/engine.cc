#include "engine/engine.h"

#include <algorithm>
#include <chrono>

#include "absl/container/flat_hash_set.h"
#include "base/memory.h"
#include "text/detokenizer.h"
#include "text/stop_strings.h"

namespace cria::engine {
namespace {

using Clock = std::chrono::steady_clock;
using text::StopReason;

double Seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

EngineOptions WithDefaults(EngineOptions options) {
  const uint64_t memory = base::PhysicalMemoryBytes();
  if (options.kv_bytes == 0) options.kv_bytes = memory / 4;
  if (options.weight_bytes == 0) options.weight_bytes = memory / 4 * 3;
  return options;
}

// An average that forgets: the newest value counts a fifth.
void Blend(double value, double* average) {
  *average = *average == 0 ? value : 0.8 * *average + 0.2 * value;
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
  std::optional<Speculation> speculation;
  GenerationResult result;
  // The most that its keys and values may come to.
  uint64_t kv_bytes() const {
    const int64_t longest =
        std::min(session->context(), session->prompt_tokens() + options.max_tokens.value_or(0) + 1);
    return session->cache().layout().BytesFor(longest);
  }

  Clock::time_point submitted = Clock::now(), started, first_token, last_token;
  bool began = false;
};

// The sequences of one step of one model.
struct Engine::Batch {
  std::vector<model::SequenceStep> steps;
  std::vector<Active*> active;  // of each
  int64_t prompt_tokens = 0;
  int64_t guessed_tokens = 0;
  int64_t rows = 0;                             // tokens of all sequences
  absl::flat_hash_set<PrefixIndex::Key> pages;  // that the step fills
};

Engine::Engine(const EngineOptions& options)
    : pool_(options.threads > 0 ? options.threads : base::UsableCores()),
      options_(WithDefaults(options)),
      library_(options_.weight_bytes,
               [this] {
                 const std::lock_guard<std::mutex> lock(mutex_);
                 unloaded_ = true;
                 work_.notify_one();
               }),
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
  library_.Put(id, model);
  return model;
}

void Engine::Declare(const std::string& id, uint64_t bytes, Opener open,
                     const model::ModelOptions& options) {
  library_.Declare(id, bytes,
                   [this, open = std::move(open),
                    options]() -> absl::StatusOr<std::shared_ptr<const LoadedModel>> {
                     CRIA_ASSIGN_OR_RETURN(auto checkpoint, open());
                     return LoadedModel::Load(std::move(checkpoint), options, pool_);
                   });
}

void Engine::Unload(const std::string& id) { library_.Remove(id); }

absl::StatusOr<std::optional<Speculation>> Engine::MakeSpeculation(const Request& request,
                                                                   const Session& session) {
  if (!request.draft_model.empty()) {
    CRIA_ASSIGN_OR_RETURN(const auto draft, library_.Get(request.draft_model));
    CRIA_ASSIGN_OR_RETURN(auto drafter,
                          ModelDrafter::Create(draft, session.model(), session.context(), pool_));
    return Speculation(std::move(drafter));
  }
  if (!request.options.speculate) return std::optional<Speculation>();
  return Speculation(std::make_unique<NgramDrafter>());
}

absl::StatusOr<std::shared_ptr<Generation>> Engine::Submit(Request request) {
  CRIA_ASSIGN_OR_RETURN(const auto model, library_.Get(request.model));
  std::shared_ptr<Session> session = std::move(request.session);
  if (session == nullptr) {
    CRIA_ASSIGN_OR_RETURN(session, Session::Create(model, request.context));
  } else if (&session->model() != model.get()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the session belongs to another model than '", request.model, "'"));
  }
  CRIA_ASSIGN_OR_RETURN(std::optional<Speculation> speculation, MakeSpeculation(request, *session));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (std::find(busy_.begin(), busy_.end(), session.get()) != busy_.end())
    return absl::FailedPreconditionError(
        "the session is still answering: wait for it or cancel it");
  if (queue_.size() >= options_.max_queued)
    return absl::ResourceExhaustedError(
        absl::StrCat("the queue is full: ", queue_.size(), " requests wait; try again later"));
  CRIA_RETURN_IF_ERROR(session->Begin(request.prompt, request.options));
  auto active = std::make_unique<Active>(std::move(session), std::move(request.options));
  active->speculation = std::move(speculation);
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
      work_.wait(lock, [this] {
        return stopping_ || unloaded_ || forget_ || !queue_.empty() || !active_.empty();
      });
      if (stopping_) break;
      unloaded_ = false;
    }
    Admit();
    Step();
    Tidy();
  }
  Admit();
  for (const std::unique_ptr<Active>& active : active_)
    Finish(*active, absl::CancelledError("the engine is stopping"));
  active_.clear();
  states_.clear();
  Tidy();
}

// Drops the pages of models that are gone, and all if somebody asked for it.
void Engine::Tidy() {
  std::erase_if(states_, [](const auto& state) { return state.second.model.expired(); });
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!forget_) return;
    for (auto& [model, state] : states_) state.prefixes.Clear();
    forget_ = false;
  }
  forgotten_.notify_all();
}

void Engine::ForgetPrefixes() {
  std::unique_lock<std::mutex> lock(mutex_);
  forget_ = true;
  work_.notify_one();
  forgotten_.wait(lock, [this] { return !forget_; });
}

void Engine::Admit() {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (!queue_.empty() && (stopping_ || Fits(*queue_.front()))) {
    active_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

// Whether a request may join the running ones. Alone it always may.
bool Engine::Fits(const Active& active) const {
  if (active_.empty()) return true;
  if (active_.size() >= options_.max_active) return false;
  uint64_t bytes = active.kv_bytes();
  for (const std::unique_ptr<Active>& other : active_)
    if (&other->session->model() == &active.session->model()) bytes += other->kv_bytes();
  return bytes <= options_.kv_bytes;
}

Engine::ModelState& Engine::StateOf(const Active& active) {
  ModelState& state = states_[&active.session->model()];
  if (state.model.lock() != active.session->shared_model()) {
    state = ModelState();  // of a model that is gone
    state.model = active.session->shared_model();
  }
  return state;
}

EngineStats Engine::stats() const {
  const uint64_t weight_bytes = library_.bytes();
  const std::lock_guard<std::mutex> lock(mutex_);
  EngineStats stats = stats_;
  stats.weight_bytes = weight_bytes;
  return stats;
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

// How many prompt tokens a step takes. Beside running answers only so many as they can bear.
int64_t Engine::PromptRoom(const ModelState& state, bool answers) const {
  constexpr int64_t kLeast = 8, kUnknown = 16;
  if (!answers) return model::Model::kMaxStepTokens;
  if (state.decode_s == 0 || state.prompt_token_s == 0) return kUnknown;
  const double room = (options_.most_stretch - 1) * state.decode_s / state.prompt_token_s;
  return std::clamp(static_cast<int64_t>(room), kLeast, model::Model::kMaxStepTokens);
}

// Adds what a session wants next, at most `room` tokens of it. False if it waits: another sequence
// computes in this very step what it begins with.
bool Engine::AddToBatch(Active& active, int64_t room, ModelState& state, Batch* batch) {
  Session& session = *active.session;
  const bool prefilling = session.prefilling();
  if (prefilling) {
    session.Share(&state.prefixes);
    active.result.reused_tokens = session.reused_tokens();
  }
  const model::SequenceStep step = session.Next(room);
  const auto tokens = static_cast<int64_t>(step.tokens.size());
  if (prefilling) {
    const auto pages = session.NextPages(tokens);
    if (!pages.empty() && batch->pages.contains(pages.front())) return false;
    batch->pages.insert(pages.begin(), pages.end());
  }
  const model::KvLayout& layout = step.cache->layout();
  while (layout.live_bytes() + layout.BytesFor(tokens) > options_.kv_bytes &&
         state.prefixes.Evict()) {
  }
  // Room for each alone, so that one full cache fails one request and not the whole batch.
  if (absl::Status status = step.cache->Reserve(tokens); !status.ok()) {
    session.Poison(status);
    Finish(active, std::move(status));
    return false;
  }
  if (!active.began) active.started = Clock::now();
  active.began = true;
  if (prefilling) {
    batch->prompt_tokens += tokens;
  } else {
    batch->guessed_tokens += tokens - 1;
    active.result.guessed_tokens += tokens - 1;
  }
  batch->rows += tokens;
  batch->steps.push_back(step);
  batch->active.push_back(&active);
  return true;
}

void Engine::Learn(const Batch& batch, double seconds, ModelState* state) {
  if (batch.prompt_tokens == 0 && batch.guessed_tokens == 0) {
    Blend(seconds, &state->decode_s);
  } else if (batch.prompt_tokens == 0) {
    const double added = std::max(seconds - state->decode_s, seconds / 100);
    Blend(added / static_cast<double>(batch.guessed_tokens), &state->guess_s);
  } else if (batch.prompt_tokens >= 16) {
    const bool answers = batch.steps.size() > 1 && state->decode_s > 0;
    const double added = std::max(seconds - (answers ? state->decode_s : 0), seconds / 4);
    Blend(added / static_cast<double>(batch.prompt_tokens), &state->prompt_token_s);
  }
}

// Running answers first, one token each; then prompts, those first of which least was computed so
// far, so that a short one doesn't wait for a long one.
void Engine::StepModel(const LoadedModel& model, const std::vector<Active*>& sessions) {
  ModelState& state = StateOf(*sessions.front());
  std::vector<Active*> order(sessions);
  const auto prompts = std::stable_partition(
      order.begin(), order.end(), [](Active* active) { return !active->session->prefilling(); });
  const bool answers = prompts != order.begin();
  std::stable_sort(prompts, order.end(), [](Active* a, Active* b) {
    return a->session->cache().length() < b->session->cache().length();
  });
  Batch batch;
  int64_t room = PromptRoom(state, answers);
  for (Active* active : order) {
    const bool prefilling = active->session->prefilling();
    room = std::min(room, model::Model::kMaxStepTokens - batch.rows);
    if (prefilling && room == 0) break;
    if (!prefilling) Guess(*active, state, prompts - order.begin());
    if (AddToBatch(*active, prefilling ? room : 1, state, &batch) && prefilling)
      room -= static_cast<int64_t>(batch.steps.back().tokens.size());
  }
  if (batch.steps.empty()) return;
  const Clock::time_point start = Clock::now();
  const auto logits = model.model().Forward(batch.steps, workspace_, pool_);
  Learn(batch, Seconds(start, Clock::now()), &state);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++stats_.steps;
    stats_.sequences += batch.steps.size();
    stats_.prompt_tokens += static_cast<uint64_t>(batch.prompt_tokens);
    stats_.guessed_tokens += static_cast<uint64_t>(batch.guessed_tokens);
    stats_.kv_bytes = model.model().kv_layout().live_bytes();
  }
  int64_t row = 0;
  for (size_t i = 0; i < batch.active.size(); ++i) {
    Active& active = *batch.active[i];
    if (!logits.ok()) {
      active.session->Poison(logits.status());
      Finish(active, logits.status());
      continue;
    }
    row = DeliverRows(active, batch.steps[i], *logits, row);
    if (active.stream == nullptr) continue;  // Finish has done what follows
    active.session->Settle();
    active.session->Publish(&state.prefixes);
  }
}

// Lets the next step also try tokens that are likely to follow, as many as pay: beside `answers`
// running ones, a step's time is shared by that many.
void Engine::Guess(Active& active, const ModelState& state, int64_t answers) {
  if (!active.speculation) return;
  const Session& session = *active.session;
  int64_t most = std::min(session.room() - 1, model::Model::kMaxStepTokens / (4 * answers));
  if (active.options.max_tokens)
    most = std::min(most, *active.options.max_tokens - active.result.completion_tokens - 1);
  if (most <= 0) return;
  active.session->Guess(active.speculation->Guess(session.tokens(), most, state.guess_s,
                                                  state.decode_s / static_cast<double>(answers)));
}

// Samples from a session's rows, which begin at row `row`, as long as each was guessed right.
// Returns the row after them.
int64_t Engine::DeliverRows(Active& active, const model::SequenceStep& step,
                            const model::StepLogits& logits, int64_t row) {
  if (step.logits == model::LogitsWanted::kNone) return row;
  if (step.logits == model::LogitsWanted::kLast) {
    Deliver(active, logits.row(row));
    return row + 1;
  }
  const auto rows = static_cast<int64_t>(step.tokens.size());
  int64_t right = 0;
  while (Deliver(active, logits.row(row + right))) ++right;
  if (active.stream != nullptr) active.speculation->Judge(rows - 1, right);
  return row + rows;
}

// Samples from a session's logits, passes the token on, and ends the generation when it is
// complete. True if the token was guessed and the generation goes on.
bool Engine::Deliver(Active& active, std::span<const float> logits) {
  auto sampled = active.session->Advance(logits);
  const auto finish = [&](absl::Status status) {
    Finish(active, std::move(status));
    return false;
  };
  if (!sampled.ok()) return finish(sampled.status());
  const bool right = active.session->guessed_right();
  if (right) ++active.result.guessed_right;
  active.last_token = Clock::now();
  if (active.result.completion_tokens == 0) active.first_token = active.last_token;
  const LoadedModel& model = active.session->model();
  if (!sampled->has_value()) {  // the grammar's end
    active.result.stop_reason = StopReason::kEndOfTurn;
    return finish(absl::OkStatus());
  }
  SampledToken token = std::move(**sampled);
  const auto& stops = model.stop_ids();
  if (!active.options.ignore_eos && std::binary_search(stops.begin(), stops.end(), token.id)) {
    active.result.stop_reason = model.StopReasonOf(token.id);
    active.result.stop_token_id = token.id;
    return finish(absl::OkStatus());
  }
  ++active.result.completion_tokens;
  std::string text;
  if (active.detokenizer) text = active.stop_filter.Feed(active.detokenizer->Feed(token.id));
  active.stream->Push({std::move(token), std::move(text)});
  if (active.stop_filter.stopped()) {
    active.result.stop_reason = StopReason::kStopString;
    return finish(absl::OkStatus());
  }
  if (active.options.max_tokens && active.result.completion_tokens >= *active.options.max_tokens)
    return finish(absl::OkStatus());
  if (active.session->room() > 0) return right;
  if (!active.options.max_tokens) return finish(absl::OkStatus());
  return finish(absl::ResourceExhaustedError(
      absl::StrCat("the context is full after ", active.result.completion_tokens, " of ",
                   *active.options.max_tokens, " tokens (it holds ", active.session->context(),
                   "): raise --context")));
}

// Flushes held-back text, closes the stream and frees the session. The Active is removed at the end
// of the step.
void Engine::Finish(Active& active, absl::Status status) {
  if (active.detokenizer && !active.stop_filter.stopped()) {
    std::string rest = active.stop_filter.Feed(active.detokenizer->Finish());
    rest += active.stop_filter.Finish();
    if (!rest.empty()) active.stream->Push({std::nullopt, std::move(rest)});
  }
  active.session->Settle();
  if (active.began) active.session->Publish(&StateOf(active).prefixes);
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
    ++stats_.requests;
    stats_.queue_s += result.queue_s;
    stats_.guessed_right_tokens += static_cast<uint64_t>(result.guessed_right);
    stats_.answer_tokens += static_cast<uint64_t>(result.completion_tokens);
    if (active.began) stats_.reused_tokens += static_cast<uint64_t>(result.reused_tokens);
  }
  active.stream->Close(std::move(result));
  active.stream = nullptr;
}

}  // namespace cria::engine
