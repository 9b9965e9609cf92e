// From what is asked to what the engine is given.
#ifndef CRIA_CHAT_OPTIONS_H_
#define CRIA_CHAT_OPTIONS_H_

#include <memory>

#include "base/status.h"
#include "chat/request.h"
#include "checkpoint/config.h"
#include "engine/generation_options.h"
#include "text/chat_format.h"
#include "text/grammar.h"
#include "text/tool_parser.h"

namespace cria::chat {

// The sampler's options: what `params` leaves open is the checkpoint's recommendation, else the
// default. Not validated: the engine does that.
engine::GenerationOptions MakeGenerationOptions(const SamplingParams& params,
                                                const checkpoint::ModelConfig& config);

// Null for kText. kInvalidArgument or kUnimplemented names what can't be held to.
absl::StatusOr<std::shared_ptr<const text::Grammar>> MakeGrammar(const AnswerFormat& format);

// What a chat adds to `options`: the grammar that tool_choice asks for, and the token that
// announces a tool's call in the text. kInvalidArgument if another grammar is there already.
absl::Status SetToolOptions(const text::ChatFormat& format, const text::ChatOptions& chat,
                            const text::Tokenizer& tokenizer, engine::GenerationOptions* options);

// Finds the calls in answers of that chat; null where the answer is to be shaped by a grammar
// alone.
std::unique_ptr<text::ToolCallParser> MakeToolCallParser(const text::ChatOptions& chat,
                                                         const engine::GenerationOptions& options);

}  // namespace cria::chat

#endif  // CRIA_CHAT_OPTIONS_H_
