// One request on its way through the engine, seen from both ends: a bounded, closable stream of
// tokens.
#ifndef CRIA_ENGINE_GENERATION_H_
#define CRIA_ENGINE_GENERATION_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/sampler.h"
#include "text/message.h"

namespace cria::engine {

// A token, and the text that can be shown since the last event: whole UTF-8 characters, no part of
// a stop string. Text that was held back comes with a later token or with a last event that has no
// token.
struct TokenEvent {
  std::optional<SampledToken> token;
  std::string text;
};

struct GenerationResult {
  absl::Status status;  // an error leaves the other fields as far as they got
  text::StopReason stop_reason = text::StopReason::kMaxTokens;
  std::optional<text::TokenId> stop_token_id;
  std::string stop_string;  // the one that ended the answer, if one did
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;      // prompt tokens found in the session's cache
  int64_t completion_tokens = 0;  // without the stop token
  int64_t guessed_tokens = 0;     // tried by speculation
  int64_t guessed_right = 0;      // of these, part of the answer
  double queue_s = 0;             // from Submit to the first step
  double ttft_s = 0;              // from Submit to the first token
  double prefill_s = 0;           // from the first step to the first token
  double decode_s = 0;            // from the first token to the last
};

// Any thread may Cancel; one thread consumes. The engine thread produces and never waits: the
// stream is bounded by the number of tokens of the generation.
class Generation {
 public:
  // Waits for the next event; nullopt when there is none any more: then result() is there.
  std::optional<TokenEvent> Next();
  // Waits until Next() has something to tell, at most `timeout`; false if it hasn't.
  bool WaitFor(std::chrono::milliseconds timeout);
  // The next event if there is one already, else nullopt; `ended` tells whether none will come.
  std::optional<TokenEvent> TryNext(bool* ended);
  // Calls `wake` once, on the engine's thread or within this call, when TryNext has something to
  // tell. It must be quick and must not call the generation. Replaces an earlier one.
  void Notify(std::function<void()> wake);
  // Waits for the end (events that nobody took are dropped).
  const GenerationResult& Wait();
  const GenerationResult& result() const { return result_; }  // after Next() gave nullopt

  // Stops at the next token; the stream ends with kCancelled.
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  // The engine's end.
  void Push(TokenEvent event);
  void Close(GenerationResult result);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TokenEvent> events_;
  std::function<void()> wake_;  // of Notify
  bool closed_ = false;
  GenerationResult result_;  // written before closed_
  std::atomic<bool> cancelled_{false};
};

}  // namespace cria::engine

#endif  // CRIA_ENGINE_GENERATION_H_
