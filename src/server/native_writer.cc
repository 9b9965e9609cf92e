#include "server/native_writer.h"

#include <utility>

#include "text/utf8.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

std::string_view StopReasonName(const chat::Outcome& outcome) {
  switch (outcome.stop_reason) {
    case text::StopReason::kEndOfMessage:
      return "end_of_message";
    case text::StopReason::kMaxTokens:
      return "out_of_tokens";
    default:
      return "end_of_turn";
  }
}

object CallJson(const text::ToolCall& call) {
  return {{"call_id", call.id},
          {"tool_name", call.name},
          {"arguments", call.arguments},
          {"arguments_json", base::json::serialize(call.arguments)}};
}

object MessageJson(const GatheredAnswer& answer) {
  array calls;
  for (const text::ToolCall& call : answer.outcome.calls) calls.push_back(CallJson(call));
  return {{"role", "assistant"},
          {"content", answer.text},
          {"stop_reason", StopReasonName(answer.outcome)},
          {"tool_calls", std::move(calls)}};
}

value LogprobsJson(const std::vector<chat::TokenLogprobs>& tokens, bool wanted) {
  if (!wanted) return nullptr;
  array out;
  for (const chat::TokenLogprobs& token : tokens) {
    object by_token;
    for (const chat::TokenProbability& other : token.top)
      by_token[text::ToValidUtf8(other.bytes)] = base::FiniteOrNull(other.logprob);
    by_token[text::ToValidUtf8(token.chosen.bytes)] = base::FiniteOrNull(token.chosen.logprob);
    out.push_back(object{{"logprobs_by_token", std::move(by_token)}});
  }
  return out;
}

array MetricsJson(const chat::Usage& usage) {
  const auto metric = [](const char* name, int64_t count) {
    return object{{"metric", name}, {"value", count}, {"unit", "tokens"}};
  };
  return {metric("prompt_tokens", usage.prompt_tokens),
          metric("completion_tokens", usage.completion_tokens),
          metric("total_tokens", usage.prompt_tokens + usage.completion_tokens)};
}

object EventJson(std::string_view type, value delta, value logprobs) {
  object event{{"event_type", type}, {"delta", std::move(delta)}};
  if (!logprobs.is_null()) event["logprobs"] = std::move(logprobs);
  return {{"event", std::move(event)}};
}

value TextDelta(const std::string& text, NativeGeneration generation) {
  if (generation == NativeGeneration::kLaunch) return value(base::json::string(text));
  return object{{"type", "text"}, {"text", text}};
}

// `call`: a piece of its text, or the whole call.
object CallDelta(value call, bool whole, NativeGeneration generation) {
  if (generation == NativeGeneration::kLaunch)
    return {{"content", std::move(call)}, {"parse_status", whole ? "success" : "started"}};
  return {{"type", "tool_call"},
          {"tool_call", std::move(call)},
          {"parse_status", whole ? "succeeded" : "started"}};
}

}  // namespace

object NativeChatAnswer(const GatheredAnswer& answer, bool logprobs) {
  object out{{"completion_message", MessageJson(answer)}};
  if (logprobs) out["logprobs"] = LogprobsJson(answer.logprobs, true);
  out["metrics"] = MetricsJson(answer.outcome.usage);
  return out;
}

object NativeCompletionAnswer(const GatheredAnswer& answer, bool logprobs,
                              NativeGeneration generation) {
  object out{{"content", answer.text}, {"stop_reason", StopReasonName(answer.outcome)}};
  if (logprobs) out["logprobs"] = LogprobsJson(answer.logprobs, true);
  out["metrics"] = MetricsJson(answer.outcome.usage);
  if (generation == NativeGeneration::kLaunch) out["completion_message"] = MessageJson(answer);
  return out;
}

object NativeStart(NativeGeneration generation) {
  return EventJson("start", TextDelta("", generation), nullptr);
}

std::vector<object> NativeProgress(const chat::Event& event, NativeGeneration generation,
                                   bool logprobs) {
  const bool with_logprobs = logprobs && !event.logprobs.empty();
  if (event.text.empty() && !with_logprobs) return {};
  return {EventJson("progress", TextDelta(event.text, generation),
                    LogprobsJson(event.logprobs, with_logprobs))};
}

std::vector<object> NativeCalls(const chat::Outcome& outcome, NativeGeneration generation) {
  std::vector<object> chunks;
  for (const text::ToolCall& call : outcome.calls) {
    chunks.push_back(EventJson("progress", CallDelta("", false, generation), nullptr));
    chunks.push_back(EventJson("progress", CallDelta(CallJson(call), true, generation), nullptr));
  }
  return chunks;
}

object NativeComplete(const chat::Outcome& outcome, NativeGeneration generation) {
  object chunk = EventJson("complete", TextDelta("", generation), nullptr);
  chunk["event"].as_object()["stop_reason"] = StopReasonName(outcome);
  chunk["metrics"] = MetricsJson(outcome.usage);
  return chunk;
}

object NativeCompletionChunk(const chat::Event& event, bool logprobs) {
  object chunk{{"delta", event.text}};
  if (logprobs && !event.logprobs.empty()) chunk["logprobs"] = LogprobsJson(event.logprobs, true);
  return chunk;
}

object NativeLastCompletionChunk(const chat::Outcome& outcome) {
  return {{"delta", ""},
          {"stop_reason", StopReasonName(outcome)},
          {"metrics", MetricsJson(outcome.usage)}};
}

}  // namespace cria::server
