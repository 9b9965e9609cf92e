#include "text/message.h"

namespace cria::text {

std::string_view Name(StopReason reason) {
  switch (reason) {
    case StopReason::kEndOfTurn:
      return "end_of_turn";
    case StopReason::kEndOfMessage:
      return "end_of_message";
    case StopReason::kEndOfText:
      return "end_of_text";
    case StopReason::kStopString:
      return "stop_string";
    case StopReason::kMaxTokens:
      return "max_tokens";
  }
  return "unknown";
}

std::string_view Name(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  return "unknown";
}

std::string Message::Text() const {
  std::string text;
  for (const ContentPart& part : content)
    if (part.type == ContentPart::Type::kText) text += part.text;
  return text;
}

bool IsBuiltinTool(std::string_view name) {
  return name == "brave_search" || name == "wolfram_alpha" || name == "photogen" ||
         name == kCodeInterpreter;
}

std::string_view BuiltinArgument(std::string_view tool) {
  return tool == kCodeInterpreter ? "code" : "query";
}

std::optional<ToolFormat> ToolFormatFromName(std::string_view name) {
  if (name == "json") return ToolFormat::kJson;
  if (name == "function_tag") return ToolFormat::kFunctionTag;
  if (name == "python_list") return ToolFormat::kPythonList;
  return std::nullopt;
}

}  // namespace cria::text
