// Answers in Llama Stack's own shapes.
#ifndef CRIA_SERVER_NATIVE_WRITER_H_
#define CRIA_SERVER_NATIVE_WRITER_H_

#include <string>
#include <vector>

#include "base/json.h"
#include "chat/stream.h"
#include "server/openai_writer.h"

namespace cria::server {

// The releases differ in their streams: up to 0.0.53 a delta is a string or {"content",
// "parse_status"}, from 0.1 on it has a type.
enum class NativeGeneration : uint8_t { kLaunch, kTyped };

// {"completion_message", "logprobs", "metrics"}.
base::json::object NativeChatAnswer(const GatheredAnswer& answer, bool logprobs);
// {"content", "stop_reason", ...}, and for the first releases "completion_message" too.
base::json::object NativeCompletionAnswer(const GatheredAnswer& answer, bool logprobs,
                                          NativeGeneration generation);

// Events of a chat's stream.
base::json::object NativeStart(NativeGeneration generation);
// Text, then calls: none, one or more chunks.
std::vector<base::json::object> NativeProgress(const chat::Event& event,
                                               NativeGeneration generation, bool logprobs);
// The calls of the outcome, whole: their arguments have come by then.
std::vector<base::json::object> NativeCalls(const chat::Outcome& outcome,
                                            NativeGeneration generation);
base::json::object NativeComplete(const chat::Outcome& outcome, NativeGeneration generation);

// Chunks of a completion's stream; the last has the stop reason.
base::json::object NativeCompletionChunk(const chat::Event& event, bool logprobs);
base::json::object NativeLastCompletionChunk(const chat::Outcome& outcome);

}  // namespace cria::server

#endif  // CRIA_SERVER_NATIVE_WRITER_H_
