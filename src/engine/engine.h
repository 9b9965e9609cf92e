// Turns token requests into token events: one thread that owns all running sessions and steps them
// together.
#ifndef CRIA_ENGINE_ENGINE_H_
#define CRIA_ENGINE_ENGINE_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/generation.h"
#include "engine/generation_options.h"
#include "engine/loaded_model.h"
#include "engine/model_library.h"
#include "engine/prefix_index.h"
#include "engine/session.h"
#include "engine/speculation.h"

namespace cria::engine {

struct EngineOptions {
  int threads = 0;         // 0: every core this process may use
  size_t max_queued = 64;  // requests that wait; one more is refused with kResourceExhausted
  // Sessions that are stepped together, at most model::Model::kMaxStepTokens.
  size_t max_active = 16;
  // Bytes of keys and values of each model, kept ones of ended sessions included; 0: a quarter of
  // the machine's memory. A request waits until what it is expected to need fits beside the running
  // ones. Should they need more than that, the youngest gives up its keys and values and computes
  // them again when there is room. A sequence alone may take more.
  uint64_t kv_bytes = 0;
  // Bytes of the weights of all models, where some are loaded on demand (see Declare); 0: three
  // quarters of the machine's memory.
  uint64_t weight_bytes = 0;
  // While answers run, a step is filled up with prompt tokens until it takes about this many times
  // what it would take without.
  double most_stretch = 2;
};

// What the engine has done since it started.
struct EngineStats {
  uint64_t steps = 0;
  uint64_t sequences = 0;      // summed over the steps: divided by `steps` the mean batch
  uint64_t prompt_tokens = 0;  // computed
  uint64_t reused_tokens = 0;  // of prompts, found in a cache instead
  uint64_t answer_tokens = 0;
  uint64_t guessed_tokens = 0;        // computed on trial (see Speculation)
  uint64_t guessed_right_tokens = 0;  // of these, kept
  uint64_t requests = 0;              // ended, in any way
  double queue_s = 0;                 // summed over the requests that began
  uint64_t kv_bytes = 0;              // keys and values of all models, now
  uint64_t weight_bytes = 0;          // of the models that are loaded, now
  uint64_t queued = 0, running = 0;   // requests, now
};

struct Request {
  std::string model;  // id given to Load
  std::vector<text::TokenId> prompt;
  GenerationOptions options;
  int64_t context = 0;               // of a new session; 0: the model's limit
  std::shared_ptr<Session> session;  // continue this one (its cache is reused); null: a new one
  std::string draft_model;           // id of a smaller model whose guesses are tried; empty: none
  // Higher ones leave the queue first and have their prompts read first.
  int priority = 0;
};

// Any thread may call. The destructor cancels what runs and waits for the engine thread.
class Engine {
 public:
  explicit Engine(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  base::ThreadPool& pool() { return pool_; }

  // Loads a checkpoint under `id`, on the calling thread; replaces a model of the same id (running
  // sessions keep theirs). It stays loaded until Unload.
  absl::StatusOr<std::shared_ptr<const LoadedModel>> Load(
      const std::string& id, std::shared_ptr<const checkpoint::Checkpoint> checkpoint,
      const model::ModelOptions& options);
  // A model that is loaded when a request names it, and makes room for others when nobody uses it.
  // `bytes`: about what its weights take. `open` is called on the thread that submits.
  struct Opening {
    std::shared_ptr<const checkpoint::Checkpoint> checkpoint;
    model::ModelOptions options;
  };
  using Opener = std::function<absl::StatusOr<Opening>()>;
  void Declare(const std::string& id, uint64_t bytes, Opener open);
  void Unload(const std::string& id);
  // The model, loaded on the calling thread if it was declared only. kNotFound: no such id.
  absl::StatusOr<std::shared_ptr<const LoadedModel>> Get(const std::string& id) {
    return library_.Get(id);
  }
  // nullptr if none of that id is loaded.
  std::shared_ptr<const LoadedModel> Find(const std::string& id) const { return library_.Find(id); }

  // Queues a request. What loading a declared model gives; kNotFound: no such model.
  // kInvalidArgument: bad options, prompt, or a session of another model. kResourceExhausted: the
  // queue is full, or the prompt doesn't fit. kFailedPrecondition: the session is still running.
  absl::StatusOr<std::shared_ptr<Generation>> Submit(Request request);

  EngineStats stats() const;

  // Drops the keys and values that are kept for prompts to come; running sequences keep theirs.
  // Returns when it is done.
  void ForgetPrefixes();

 private:
  struct Active;
  // What the engine knows of a model: the pages that its sequences share, and how long steps take.
  struct ModelState {
    std::weak_ptr<const LoadedModel> model;
    PrefixIndex prefixes;
    double decode_s = 0;        // of a step of answers alone, lately
    double prompt_token_s = 0;  // that a token of a prompt adds to a step, lately
    double guess_s = 0;         // that a guessed token adds to a step, lately
  };
  struct Batch;
  // Answers of all models, which wait while prompts are read.
  struct Answers {
    bool running = false;
    double seconds = 0;  // that a step of them takes; 0: not known yet
  };

  absl::StatusOr<std::optional<Speculation>> MakeSpeculation(const Request& request,
                                                             const Session& session);
  void Loop();
  void Tidy();
  void Admit();
  void Step();
  void StepModel(const LoadedModel& model, const std::vector<Active*>& sessions,
                 const Answers& answers);
  ModelState& StateOf(const Active& active);
  bool Fits(const Active& active) const;
  bool AddToBatch(Active& active, int64_t room, ModelState& state, Batch* batch);
  bool Follows(const Active& active) const;
  bool MakeRoom(const Active& active, int64_t tokens, ModelState& state, const Batch& batch);
  int64_t PromptRoom(const ModelState& state, const Answers& answers) const;
  void Learn(const Batch& batch, double seconds, ModelState* state);
  void Guess(Active& active, const ModelState& state, int64_t answers);
  int64_t DeliverRows(Active& active, const model::SequenceStep& step,
                      const model::StepLogits& logits, int64_t row);
  bool Deliver(Active& active, std::span<const float> logits);
  void Finish(Active& active, absl::Status status);

  base::ThreadPool pool_;
  const EngineOptions options_;
  mutable std::mutex mutex_;  // guards what follows up to `stopping_`
  std::condition_variable work_;
  std::deque<std::unique_ptr<Active>> queue_;
  std::vector<const Session*> busy_;  // sessions queued or running
  bool stopping_ = false;
  bool unloaded_ = false;  // a model went: its pages go too
  bool forget_ = false;    // ForgetPrefixes() waits
  std::condition_variable forgotten_;
  EngineStats stats_;
  ModelLibrary library_;
  // Only the engine thread touches these.
  std::vector<std::unique_ptr<Active>> active_;
  model::Workspace workspace_;
  std::map<const LoadedModel*, ModelState> states_;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace cria::engine

#endif  // CRIA_ENGINE_ENGINE_H_
