#include "server/openai_writer.h"

#include <algorithm>

#include "text/utf8.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

object TokenJson(const chat::TokenProbability& token) {
  array bytes;
  for (const char byte : token.bytes) bytes.push_back(static_cast<uint8_t>(byte));
  return {{"token", text::ToValidUtf8(token.bytes)},
          {"logprob", base::FiniteOrNull(token.logprob)},
          {"bytes", std::move(bytes)}};
}

value ChatLogprobs(const std::vector<chat::TokenLogprobs>& tokens, bool wanted) {
  if (!wanted) return nullptr;
  array content;
  for (const chat::TokenLogprobs& token : tokens) {
    object entry = TokenJson(token.chosen);
    array top;
    for (const chat::TokenProbability& other : token.top) top.push_back(TokenJson(other));
    entry["top_logprobs"] = std::move(top);
    content.push_back(std::move(entry));
  }
  return object{{"content", std::move(content)}, {"refusal", nullptr}};
}

// The old shape of /v1/completions: lists beside each other.
value CompletionLogprobs(const std::vector<chat::TokenLogprobs>& tokens, size_t* offset) {
  array texts, logprobs, tops, offsets;
  for (const chat::TokenLogprobs& token : tokens) {
    const std::string text = text::ToValidUtf8(token.chosen.bytes);
    object top;
    for (const chat::TokenProbability& other : token.top)
      top[text::ToValidUtf8(other.bytes)] = base::FiniteOrNull(other.logprob);
    texts.emplace_back(base::json::string(text));
    logprobs.push_back(base::FiniteOrNull(token.chosen.logprob));
    tops.push_back(std::move(top));
    offsets.push_back(*offset);
    *offset += text.size();
  }
  return object{{"tokens", std::move(texts)},
                {"token_logprobs", std::move(logprobs)},
                {"top_logprobs", std::move(tops)},
                {"text_offset", std::move(offsets)}};
}

array ToolCallsJson(const std::vector<text::ToolCall>& calls) {
  array out;
  for (const text::ToolCall& call : calls)
    out.push_back(object{
        {"id", call.id},
        {"type", "function"},
        {"function", {{"name", call.name}, {"arguments", base::json::serialize(call.arguments)}}}});
  return out;
}

array ToolCallDeltas(const std::vector<chat::ToolCallDelta>& deltas) {
  array out;
  for (const chat::ToolCallDelta& delta : deltas) {
    object function{{"arguments", delta.arguments}};
    if (!delta.name.empty()) function["name"] = delta.name;
    object call{{"index", delta.index}, {"function", std::move(function)}};
    if (!delta.id.empty()) {
      call["id"] = delta.id;
      call["type"] = "function";
    }
    out.push_back(std::move(call));
  }
  return out;
}

object Envelope(const AnswerHead& head, std::string_view kind, array choices) {
  return {{"id", head.id},
          {"object", kind},
          {"created", head.created},
          {"model", head.model},
          {"choices", std::move(choices)}};
}

object Chunk(const AnswerHead& head, size_t choice, object delta, value logprobs, value finish) {
  object entry{{"index", choice},
               {"delta", std::move(delta)},
               {"logprobs", std::move(logprobs)},
               {"finish_reason", std::move(finish)}};
  return Envelope(head, "chat.completion.chunk", array{std::move(entry)});
}

}  // namespace

void GatheredAnswer::Add(const chat::Event& event) {
  text += event.text;
  logprobs.insert(logprobs.end(), event.logprobs.begin(), event.logprobs.end());
}

std::string_view FinishReason(const chat::Outcome& outcome) {
  if (!outcome.calls.empty()) return "tool_calls";
  return outcome.stop_reason == text::StopReason::kMaxTokens ? "length" : "stop";
}

object UsageJson(const chat::Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", 0}}}};
}

chat::Usage TotalUsage(const std::vector<chat::Usage>& choices) {
  chat::Usage total;
  for (const chat::Usage& usage : choices) {
    total.prompt_tokens = std::max(total.prompt_tokens, usage.prompt_tokens);
    total.cached_tokens = std::max(total.cached_tokens, usage.cached_tokens);
    total.completion_tokens += usage.completion_tokens;
  }
  return total;
}

object ChatCompletion(const AnswerHead& head, const std::vector<GatheredAnswer>& answers) {
  array choices;
  std::vector<chat::Usage> usages;
  for (const GatheredAnswer& answer : answers) {
    const bool only_calls = answer.text.empty() && !answer.outcome.calls.empty();
    object message{
        {"role", "assistant"},
        {"content", only_calls ? value(nullptr) : value(base::json::string(answer.text))},
        {"refusal", nullptr}};
    if (!answer.outcome.calls.empty()) message["tool_calls"] = ToolCallsJson(answer.outcome.calls);
    choices.push_back(object{{"index", choices.size()},
                             {"message", std::move(message)},
                             {"logprobs", ChatLogprobs(answer.logprobs, head.logprobs)},
                             {"finish_reason", FinishReason(answer.outcome)}});
    usages.push_back(answer.outcome.usage);
  }
  object out = Envelope(head, "chat.completion", std::move(choices));
  out["usage"] = UsageJson(TotalUsage(usages));
  return out;
}

object FirstChatChunk(const AnswerHead& head, size_t choice) {
  return Chunk(head, choice, {{"role", "assistant"}, {"content", ""}}, nullptr, nullptr);
}

object ChatChunk(const AnswerHead& head, size_t choice, const chat::Event& event) {
  object delta;
  if (!event.text.empty() || event.calls.empty()) delta["content"] = event.text;
  if (!event.calls.empty()) delta["tool_calls"] = ToolCallDeltas(event.calls);
  const bool logprobs = head.logprobs && !event.logprobs.empty();
  return Chunk(head, choice, std::move(delta), ChatLogprobs(event.logprobs, logprobs), nullptr);
}

object LastChatChunk(const AnswerHead& head, size_t choice, const chat::Outcome& outcome) {
  return Chunk(head, choice, {}, nullptr, base::json::string(FinishReason(outcome)));
}

object UsageChunk(const AnswerHead& head, std::string_view kind, const chat::Usage& usage) {
  object out = Envelope(head, kind, {});
  out["usage"] = UsageJson(usage);
  return out;
}

object CompletionChoice(size_t index, const GatheredAnswer& answer, const std::string& echo,
                        bool logprobs) {
  size_t offset = echo.size();
  return {{"index", index},
          {"text", echo + answer.text},
          {"logprobs", logprobs ? CompletionLogprobs(answer.logprobs, &offset) : value(nullptr)},
          {"finish_reason", FinishReason(answer.outcome)}};
}

object Completion(const AnswerHead& head, array choices, const chat::Usage& usage) {
  object out = Envelope(head, "text_completion", std::move(choices));
  out["usage"] = UsageJson(usage);
  return out;
}

object CompletionChunk(const AnswerHead& head, size_t choice, const std::string& text,
                       const std::vector<chat::TokenLogprobs>& logprobs, size_t* text_offset) {
  const bool wanted = head.logprobs && !logprobs.empty();
  object entry{{"index", choice},
               {"text", text},
               {"logprobs", wanted ? CompletionLogprobs(logprobs, text_offset) : value(nullptr)},
               {"finish_reason", nullptr}};
  return Envelope(head, "text_completion", array{std::move(entry)});
}

object LastCompletionChunk(const AnswerHead& head, size_t choice, const chat::Outcome& outcome) {
  object entry{{"index", choice},
               {"text", ""},
               {"logprobs", nullptr},
               {"finish_reason", FinishReason(outcome)}};
  return Envelope(head, "text_completion", array{std::move(entry)});
}

}  // namespace cria::server
