// The ways in which models write tool calls.
//
// Llama 3 (Meta, llama-models, models/llama3/tool_utils.py; Llama 3.2 text prompt format):
//   {"type": "function", "name": "f", "parameters": {...}}       also without type, "arguments"
//   <function=f>{...}</function>
//   [f(a="x", b=2), g()]                                         Python calls, keywords only
//   brave_search.call(query="...")                               built-in tools
//   <|python_tag|>...                                            before any of them, or code
// Others: {"type": "function", "function": {"name", "arguments"}} (OpenAI), lists of objects,
// <tool_call>...</tool_call> (Hermes, SmolLM2), and any of them inside a ``` fence.
#ifndef CRIA_TEXT_TOOL_CALL_SYNTAX_H_
#define CRIA_TEXT_TOOL_CALL_SYNTAX_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/message.h"

namespace cria::text {

inline constexpr std::string_view kPythonTag = "<|python_tag|>";
inline constexpr std::string_view kEndOfTurnTag = "<|eot_id|>";
inline constexpr std::string_view kEndOfMessageTag = "<|eom_id|>";

// Immutable.
class ToolCallSyntax {
 public:
  // Does a call begin here? kUnsure: the text ends before it could be told.
  enum class Start : uint8_t { kNo, kUnsure, kYes };

  struct Span {
    enum class Kind : uint8_t {
      kCalls,      // maybe none: an empty list in <tool_call> tags
      kOther,      // a whole value, but no call
      kMalformed,  // it begins like a call and is none
    };
    Kind kind = Kind::kMalformed;
    size_t length = 0;  // at least 1: what `calls` came from, or what to take as text
    std::vector<ToolCall> calls;
  };

  explicit ToolCallSyntax(std::vector<ToolDefinition> tools) : tools_(std::move(tools)) {}

  // `text` to its end is what is known, `at` the place inside it. Without tools, only what is
  // marked as a call begins one. Looks at a bounded number of bytes.
  Start StartAt(std::string_view text, size_t at) const;

  // The call or list of calls at the beginning of `text`, where StartAt() said kYes (but for the
  // tags of Llama 3, which are no calls themselves).
  Span Read(std::string_view text) const;

  // The calls that make up the whole of `text`, one or several joined by white space, ; or commas;
  // nullopt if anything else is there.
  std::optional<std::vector<ToolCall>> ReadAll(std::string_view text) const;

  // Every name.call(query="...") of a built-in tool anywhere in `text`.
  std::vector<ToolCall> FindBuiltinCalls(std::string_view text) const;

  // One of the tools, or a built-in one.
  bool Knows(std::string_view name) const;

 private:
  Start BuiltinStart(std::string_view text, size_t at) const;
  Start ListStart(std::string_view rest, bool begins_text) const;
  Start FenceStart(std::string_view rest) const;
  Span ReadFence(std::string_view text) const;
  Span ReadCallTag(std::string_view text) const;
  Span ReadObjects(std::string_view text) const;
  std::optional<std::vector<ToolCall>> CallsOf(const base::json::value& value) const;
  std::optional<ToolCall> CallOf(const base::json::object& object) const;
  const ToolDefinition* Find(std::string_view name) const;
  ToolCall Finished(ToolCall call) const;

  const std::vector<ToolDefinition> tools_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_TOOL_CALL_SYNTAX_H_
