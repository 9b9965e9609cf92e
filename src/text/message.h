// A conversation as the whole system understands it: roles, text and image parts, tool calls, tool
// definitions.
#ifndef CRIA_TEXT_MESSAGE_H_
#define CRIA_TEXT_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace cria::text {

enum class Role : uint8_t { kSystem, kUser, kAssistant, kTool };

// One piece of a message body, in order.
struct ContentPart {
  enum class Type : uint8_t { kText, kImage };
  Type type = Type::kText;
  std::string text;       // kText
  std::string image_url;  // kImage: a path, an http(s) URL or a data: URL, as the caller wrote it
};

struct ToolCall {
  std::string id;  // may be empty
  std::string name;
  base::json::object arguments;
};

// Why the model stopped: also how an old assistant message is closed (eom or eot).
enum class StopReason : uint8_t { kEndOfTurn, kEndOfMessage, kEndOfText, kStopString, kMaxTokens };
std::string_view Name(StopReason reason);  // "end_of_turn", ...
std::string_view Name(Role role);          // "system", "user", "assistant", "tool"

struct Message {
  Role role = Role::kUser;
  std::vector<ContentPart> content;
  std::vector<ToolCall> tool_calls;     // assistant
  std::string tool_call_id, tool_name;  // tool
  std::string context;  // user: Llama Stack's `context`, appended after a blank line
  StopReason stop_reason = StopReason::kEndOfTurn;  // assistant

  std::string Text() const;  // the text parts, joined
};

// A function that the model may call: OpenAI's shape, parameters as JSON Schema.
struct ToolDefinition {
  std::string name;
  std::string description;
  base::json::object parameters;  // {"type": "object", "properties": {...}, "required": [...]}
};

// The tools that Llama 3 knows by name: brave_search, wolfram_alpha, photogen (their argument is
// `query`) and code_interpreter (its argument is `code`). A definition with one of these names is a
// built-in tool, whatever else it says, as in Llama Stack.
bool IsBuiltinTool(std::string_view name);
inline constexpr std::string_view kCodeInterpreter = "code_interpreter";
std::string_view BuiltinArgument(std::string_view tool);  // "query" or "code"

enum class ToolFormat : uint8_t { kJson, kFunctionTag, kPythonList };
std::optional<ToolFormat> ToolFormatFromName(
    std::string_view name);  // "json", "function_tag", "python_list"

using Conversation = std::vector<Message>;

}  // namespace cria::text

#endif  // CRIA_TEXT_MESSAGE_H_
