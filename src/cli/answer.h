// Asks the engine and follows the answer: the part that `run` and `chat` share.
#ifndef CRIA_CLI_ANSWER_H_
#define CRIA_CLI_ANSWER_H_

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/open_model.h"
#include "engine/engine.h"
#include "text/tokenizer.h"
#include "text/tool_parser.h"

namespace cria::cli {

struct Answer {
  std::string text;                   // valid UTF-8; without the calls
  std::vector<text::ToolCall> calls;  // that the parser found
  std::vector<engine::SampledToken> tokens;
  engine::GenerationResult result;
  bool interrupted = false;  // the engine may still be at the last step of it
};

// Submits and waits, printing text as it comes if `stream_to_stdout`, and at the end the calls, a
// line of JSON each. `parser`: takes the calls out of the text; may be null. A signal cancels and
// doesn't wait for the engine: then `interrupted` is set, result.status is kCancelled and the rest
// of the result is unknown. What FlushOutput() answers if the text can't be written.
absl::StatusOr<Answer> Ask(engine::Engine& engine, engine::Request request,
                           text::ToolCallParser* parser, bool stream_to_stdout);

struct Speeds {
  double prefill_tokens_per_s = 0;
  double decode_tokens_per_s = 0;
};
Speeds SpeedsOf(const engine::GenerationResult& result);

// The same status with advice that fits: where the context is all that the model takes, no flag
// makes it longer. `remedy`: what the user can do instead, e.g. "shorten the prompt".
absl::Status AdviseOnContext(const absl::Status& status, const OpenedModel& opened, int64_t context,
                             const std::string& remedy);

// Says on stderr that the end of the context cut an answer that no --max-tokens limited.
void NoteFullContext(const OpenedModel& opened, const engine::GenerationOptions& options,
                     const engine::GenerationResult& result, const CliContext& context);

// One line on stderr.
void PrintStats(const OpenedModel& opened, const engine::GenerationResult& result);

// {"token_id", "token", "bytes", "logprob", "top": [...]}; token and bytes are null without a
// tokenizer.
base::json::object LogprobJson(const engine::SampledToken& token, const text::Tokenizer* tokenizer);

}  // namespace cria::cli

#endif  // CRIA_CLI_ANSWER_H_
