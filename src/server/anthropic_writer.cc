#include "server/anthropic_writer.h"

#include <algorithm>
#include <utility>

#include "server/sse.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

object TextBlock(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

object ToolUseBlock(const std::string& id, const std::string& name, object input) {
  return {{"type", "tool_use"}, {"id", id}, {"name", name}, {"input", std::move(input)}};
}

object Message(const MessageHead& head, array content, value stop_reason, value stop_sequence,
               const chat::Usage& usage) {
  return {{"id", head.id},
          {"type", "message"},
          {"role", "assistant"},
          {"model", head.model},
          {"content", std::move(content)},
          {"stop_reason", std::move(stop_reason)},
          {"stop_sequence", std::move(stop_sequence)},
          {"usage", AnthropicUsage(usage)}};
}

value StopReasonJson(const chat::Outcome& outcome) {
  return base::json::string(AnthropicStopReason(outcome));
}

value StopSequenceJson(const chat::Outcome& outcome) {
  if (AnthropicStopReason(outcome) != "stop_sequence") return nullptr;
  return base::json::string(outcome.stop_string);
}

// Every event names its type twice: in the frame and in its JSON.
std::string Frame(std::string_view type, object rest) {
  object event{{"type", type}};
  for (auto& [key, item] : rest) event[key] = std::move(item);
  return EventFrame(type, value(std::move(event)));
}

}  // namespace

std::string_view AnthropicStopReason(const chat::Outcome& outcome) {
  if (!outcome.calls.empty()) return "tool_use";
  switch (outcome.stop_reason) {
    case text::StopReason::kMaxTokens:
      return "max_tokens";
    case text::StopReason::kStopString:
      return "stop_sequence";
    case text::StopReason::kEndOfTurn:
    case text::StopReason::kEndOfMessage:
    case text::StopReason::kEndOfText:
      break;
  }
  return "end_turn";
}

object AnthropicUsage(const chat::Usage& usage) {
  return {{"input_tokens", std::max<int64_t>(0, usage.prompt_tokens - usage.cached_tokens)},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", usage.cached_tokens},
          {"output_tokens", usage.completion_tokens}};
}

object AnthropicMessage(const MessageHead& head, const GatheredAnswer& answer) {
  array content;
  if (!answer.text.empty()) content.push_back(TextBlock(answer.text));
  for (const text::ToolCall& call : answer.outcome.calls)
    content.push_back(ToolUseBlock(call.id, call.name, call.arguments));
  return Message(head, std::move(content), StopReasonJson(answer.outcome),
                 StopSequenceJson(answer.outcome), answer.outcome.usage);
}

std::string MessageFrames::Start(int64_t prompt_tokens) const {
  chat::Usage usage;
  usage.prompt_tokens = prompt_tokens;
  return Frame("message_start", {{"message", Message(head_, {}, nullptr, nullptr, usage)}});
}

std::string MessageFrames::Add(const chat::Event& event) {
  std::string frames;
  if (!event.text.empty()) {
    if (call_) frames += CloseBlock();
    if (!open_) frames += OpenBlock(TextBlock(""));
    frames += Delta({{"type", "text_delta"}, {"text", event.text}});
  }
  for (const chat::ToolCallDelta& call : event.calls) frames += AddCall(call);
  return frames;
}

std::string MessageFrames::AddCall(const chat::ToolCallDelta& call) {
  std::string frames;
  if (call_ != call.index) {
    frames += CloseBlock();
    frames += OpenBlock(ToolUseBlock(call.id, call.name, {}));
    call_ = call.index;
  }
  if (!call.arguments.empty())
    frames += Delta({{"type", "input_json_delta"}, {"partial_json", call.arguments}});
  return frames;
}

std::string MessageFrames::End(const chat::Outcome& outcome) {
  object delta{{"stop_reason", StopReasonJson(outcome)},
               {"stop_sequence", StopSequenceJson(outcome)}};
  return CloseBlock() +
         Frame("message_delta",
               {{"delta", std::move(delta)}, {"usage", AnthropicUsage(outcome.usage)}}) +
         Frame("message_stop", {});
}

std::string MessageFrames::OpenBlock(object block) {
  open_ = true;
  return Frame("content_block_start", {{"index", blocks_++}, {"content_block", std::move(block)}});
}

std::string MessageFrames::CloseBlock() {
  call_.reset();
  if (!std::exchange(open_, false)) return "";
  return Frame("content_block_stop", {{"index", blocks_ - 1}});
}

std::string MessageFrames::Delta(object delta) const {
  return Frame("content_block_delta", {{"index", blocks_ - 1}, {"delta", std::move(delta)}});
}

}  // namespace cria::server
