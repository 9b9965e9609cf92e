#include "engine/engine.h"

#include <algorithm>
#include <chrono>

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
  constexpr auto kMostActive = static_cast<size_t>(model::Model::kMaxStepTokens);
  options.max_active = std::clamp<size_t>(options.max_active, 1, kMostActive);
  return options;
}

// Tokens that an answer is expected to have, if nothing says that it has fewer.
constexpr int64_t kExpectedAnswer = 256;

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
  // What its keys and values are expected to come to.
  uint64_t kv_bytes() const {
    const int64_t answer = std::min(options.max_tokens.value_or(kExpectedAnswer), kExpectedAnswer);
    const int64_t tokens = std::min(session->context(), session->prompt_tokens() + answer + 1);
    return session->cache().layout().BytesFor(tokens);
  }
  bool running() const { return stream != nullptr; }
  bool answering() const { return !session->prefilling(); }

  int priority = 0;
  // Prompt tokens that it is owed: each step every prompt is owed an equal part of those that are
  // read (Shreedhar, Varghese: "Efficient Fair Queueing Using Deficit Round Robin", 1996).
  double owed = 0;
  bool waits_for_room = false;  // of keys and values, in this step
  Clock::time_point submitted = Clock::now(), started, first_token, last_token;
  bool began = false;
};

// The sequences of one step of one model.
struct Engine::Batch {
  std::vector<model::SequenceStep> steps;
  std::vector<Active*> active;  // of each
  int64_t prompt_tokens = 0;
  int64_t guessed_tokens = 0;
  int64_t answers = 0;  // sequences that are answering
  int64_t rows = 0;     // tokens of all sequences
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

void Engine::Declare(const std::string& id, uint64_t bytes, Opener open) {
  const auto load =
      [this, open = std::move(open)]() -> absl::StatusOr<std::shared_ptr<const LoadedModel>> {
    CRIA_ASSIGN_OR_RETURN(Opening opening, open());
    return LoadedModel::Load(std::move(opening.checkpoint), opening.options, pool_);
  };
  library_.Declare(id, bytes, load);
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
  // Made once a model and slowly: not while the engine's thread waits for the lock.
  if (request.options.grammar != nullptr) (void)model->token_trie();
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
  active->priority = request.priority;
  active->result.prompt_tokens = active->session->prompt_tokens();
  active->result.reused_tokens = active->session->reused_tokens();
  std::shared_ptr<Generation> stream = active->stream;
  busy_.push_back(active->session.get());
  const auto after = std::find_if(queue_.begin(), queue_.end(), [&](const auto& waiting) {
    return waiting->priority < request.priority;
  });
  queue_.insert(after, std::move(active));
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
  const std::lock_guard<std::mutex> lock(mutex_);
  if (forget_) {
    for (auto& [model, state] : states_) state.prefixes.Clear();
    forget_ = false;
    forgotten_.notify_all();
  }
  stats_.running = active_.size();
  stats_.kv_bytes = 0;
  for (const auto& [model, state] : states_)
    if (const auto held = state.model.lock())
      stats_.kv_bytes += held->model().kv_layout().live_bytes();
}

void Engine::ForgetPrefixes() {
  std::unique_lock<std::mutex> lock(mutex_);
  forget_ = true;
  work_.notify_one();
  forgotten_.wait(lock, [this] { return !forget_; });
}

void Engine::Admit() {
  std::vector<std::unique_ptr<Active>> cancelled;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (std::unique_ptr<Active>& waiting : queue_)
      if (waiting->stream->cancelled()) cancelled.push_back(std::move(waiting));
    std::erase(queue_, nullptr);
    while (!queue_.empty() && (stopping_ || Fits(*queue_.front()))) {
      active_.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
  }
  for (const auto& active : cancelled) Finish(*active, absl::CancelledError("cancelled"));
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
  stats.queued = queue_.size();
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
  Answers answers;
  for (const auto& [model, sessions] : by_model) {
    if (std::none_of(sessions.begin(), sessions.end(), [](Active* a) { return a->answering(); }))
      continue;
    answers.running = true;
    answers.seconds += StateOf(*sessions.front()).decode_s;
  }
  for (const auto& [model, sessions] : by_model) StepModel(*model, sessions, answers);
  std::erase_if(active_, [](const std::unique_ptr<Active>& active) { return !active->running(); });
}

// How many prompt tokens a step takes. Beside running answers only so many as they can bear.
int64_t Engine::PromptRoom(const ModelState& state, const Answers& answers) const {
  constexpr int64_t kLeast = 8, kUnknown = 16;
  if (!answers.running) return model::Model::kMaxStepTokens;
  if (answers.seconds == 0 || state.prompt_token_s == 0) return kUnknown;
  const double room = (options_.most_stretch - 1) * answers.seconds / state.prompt_token_s;
  return std::clamp(static_cast<int64_t>(room), kLeast, model::Model::kMaxStepTokens);
}

// Whether another sequence is ahead within the very page that this one needs next: it will be
// shared when it is full.
bool Engine::Follows(const Active& active) const {
  const auto page = active.session->NextPage();
  if (!page) return false;
  bool before = true;  // in active_
  for (const std::unique_ptr<Active>& other : active_) {
    if (other.get() == &active) {
      before = false;
      continue;
    }
    if (!other->running() || other->waits_for_room || other->answering() ||
        &other->session->model() != &active.session->model() || other->session->NextPage() != page)
      continue;
    const int64_t ahead = other->session->cache().length() - active.session->cache().length();
    if (ahead > 0 || (ahead == 0 && before)) return true;
  }
  return false;
}

// Keeps `tokens` more tokens of a sequence under kv_bytes: forgets pages that nobody uses, then
// takes those of the youngest sequences. False if it must wait for older ones.
bool Engine::MakeRoom(const Active& active, int64_t tokens, ModelState& state, const Batch& batch) {
  const model::KvCache& cache = active.session->cache();
  const model::KvLayout& layout = cache.layout();
  const uint64_t wanted = layout.BytesFor(cache.length() + tokens), held = cache.bytes();
  const uint64_t more = wanted > held ? wanted - held : 0;
  const auto gives_way = [&](const std::unique_ptr<Active>& other) {
    return other->running() && &other->session->model() == &active.session->model() &&
           other->session->cache().length() > 0 &&
           std::find(batch.active.begin(), batch.active.end(), other.get()) == batch.active.end();
  };
  while (more > 0 && layout.live_bytes() + more > options_.kv_bytes) {
    if (state.prefixes.Evict()) continue;
    const auto self = std::find_if(active_.begin(), active_.end(),
                                   [&](const auto& other) { return other.get() == &active; });
    const auto youngest =
        std::find_if(active_.rbegin(), std::make_reverse_iterator(self + 1), gives_way);
    if (youngest != std::make_reverse_iterator(self + 1)) {
      (*youngest)->session->Release(&state.prefixes);
      continue;
    }
    return std::none_of(active_.begin(), self, gives_way) && batch.steps.empty();
  }
  return true;
}

// Adds what a session wants next, at most `room` tokens of it. False if it waits: for another
// sequence that computes what it begins with, or for room of keys and values.
bool Engine::AddToBatch(Active& active, int64_t room, ModelState& state, Batch* batch) {
  Session& session = *active.session;
  const bool prefilling = session.prefilling();
  active.waits_for_room = false;
  if (prefilling) {
    session.Share(&state.prefixes);
    active.result.reused_tokens = session.reused_tokens();
    if (Follows(active)) return false;
  }
  const model::SequenceStep step = session.Next(room);
  const auto tokens = static_cast<int64_t>(step.tokens.size());
  if (!MakeRoom(active, tokens, state, *batch)) {
    active.waits_for_room = true;
    session.Settle();
    return false;
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
    active.owed -= static_cast<double>(tokens);
  } else {
    ++batch->answers;
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
    const double others = (batch.answers > 0 ? state->decode_s : 0) +
                          static_cast<double>(batch.guessed_tokens) * state->guess_s;
    const double added = std::max(seconds - others, seconds / 4);
    Blend(added / static_cast<double>(batch.prompt_tokens), &state->prompt_token_s);
  }
}

// Running answers first, one token each; then prompts by priority, and of one priority by what they
// are owed, so that neither a short one waits for a long one nor a long one for ever.
void Engine::StepModel(const LoadedModel& model, const std::vector<Active*>& sessions,
                       const Answers& answers) {
  ModelState& state = StateOf(*sessions.front());
  std::vector<Active*> order(sessions);
  const auto prompts = std::stable_partition(order.begin(), order.end(),
                                             [](Active* active) { return active->answering(); });
  Batch batch;
  int64_t room = PromptRoom(state, answers);
  for (auto prompt = prompts; prompt != order.end(); ++prompt)
    (*prompt)->owed += static_cast<double>(room) / static_cast<double>(order.end() - prompts);
  const auto left = [](const Active* active) {
    return active->session->prompt_tokens() - active->session->cache().length();
  };
  std::stable_sort(prompts, order.end(), [&](Active* a, Active* b) {
    if (a->priority != b->priority) return a->priority > b->priority;
    return a->owed != b->owed ? a->owed > b->owed : left(a) < left(b);
  });
  for (Active* active : order) {
    const bool prefilling = !active->answering();
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
  const Session& session = *active.session;
  // The last token of a prompt is multiplied as the prompt is, not as an answer.
  if (!active.speculation || session.cache().length() < session.prompt_tokens()) return;
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
  const Clock::time_point now = Clock::now();
  if (active.result.completion_tokens == 0) active.first_token = active.last_token = now;
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
  active.last_token = now;
  std::string text;
  if (active.detokenizer) text = active.stop_filter.Feed(active.detokenizer->Feed(token.id));
  active.stream->Push({std::move(token), std::move(text)});
  if (active.stop_filter.stopped()) {
    active.result.stop_reason = StopReason::kStopString;
    active.result.stop_string = active.stop_filter.found();
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
