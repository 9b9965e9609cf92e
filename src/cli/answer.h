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
};

// Submits and waits, printing text as it comes if `stream_to_stdout`, and at the end the calls, a
// line of JSON each. `parser`: takes the calls out of the text; may be null. Ctrl-C cancels: then
// result.status is kCancelled.
absl::StatusOr<Answer> Ask(engine::Engine& engine, engine::Request request,
                           text::ToolCallParser* parser, bool stream_to_stdout);

struct Speeds {
  double prefill_tokens_per_s = 0;
  double decode_tokens_per_s = 0;
};
Speeds SpeedsOf(const engine::GenerationResult& result);

// One line on stderr.
void PrintStats(const OpenedModel& opened, const engine::GenerationResult& result);

// {"token_id", "token", "bytes", "logprob", "top": [...]}; token and bytes are null without a
// tokenizer.
base::json::object LogprobJson(const engine::SampledToken& token, const text::Tokenizer* tokenizer);

}  // namespace cria::cli

#endif  // CRIA_CLI_ANSWER_H_
