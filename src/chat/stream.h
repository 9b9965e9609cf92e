// An answer on its way: what providers produce and the server passes on.
#ifndef CRIA_CHAT_STREAM_H_
#define CRIA_CHAT_STREAM_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "text/message.h"
#include "text/tokenizer.h"

namespace cria::chat {

// A token and the natural logarithm of its probability in the unmodified distribution.
struct TokenProbability {
  std::optional<text::TokenId> id;  // unknown to some remote providers
  std::string bytes;                // perhaps a part of a UTF-8 character
  double logprob = 0;
};

struct TokenLogprobs {
  TokenProbability chosen;
  std::vector<TokenProbability> top;  // the likeliest first
};

// Calls come in the order of their index. The first delta of a call has its id and name; the
// arguments of all its deltas, joined, are one JSON object.
struct ToolCallDelta {
  int index = 0;
  std::string id, name;
  std::string arguments;
};

struct Event {
  std::string text;  // whole UTF-8 characters; may be empty
  std::vector<ToolCallDelta> calls;
  std::vector<TokenLogprobs> logprobs;  // of the tokens since the last event, where asked for
};

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt
};

struct Outcome {
  absl::Status status;  // an error leaves the rest as far as it got
  text::StopReason stop_reason = text::StopReason::kMaxTokens;
  std::string stop_string;            // the one that ended the answer, if one did
  std::vector<text::ToolCall> calls;  // all of them, each with an id
  Usage usage;
  double queue_s = 0, ttft_s = 0;  // where known
};

// One thread at a time takes; Cancel and Notify may be called from any. Destroying a stream
// cancels what still runs, and doesn't wait for it.
class Stream {
 public:
  virtual ~Stream() = default;
  // Appends what has come since the last call, and never waits. False when nothing will come any
  // more: then outcome() is there.
  virtual bool Take(std::vector<Event>* events) = 0;
  virtual const Outcome& outcome() const = 0;
  // Calls `wake` once, on any thread and perhaps within this call, when Take has something to tell.
  // `wake` must be quick and must not call the stream. A later Notify replaces it.
  virtual void Notify(std::function<void()> wake) = 0;
  // The end comes soon, with kCancelled.
  virtual void Cancel() = 0;
};

// Waits for the end of `stream`. Blocks; for commands and tests.
struct WholeAnswer {
  std::string text;
  std::vector<TokenLogprobs> logprobs;
  Outcome outcome;
};
WholeAnswer WaitForAnswer(Stream& stream);

}  // namespace cria::chat

#endif  // CRIA_CHAT_STREAM_H_
