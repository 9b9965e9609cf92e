#include "text/message_json.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "text/message_error.h"

namespace cria::text {
namespace {

namespace json = base::json;

std::string ToString(const json::string& text) { return {text.data(), text.size()}; }

// The first of `keys` that is there and not null, with the key it was found under.
std::pair<const json::value*, std::string> FindAny(const json::object& object,
                                                   std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys)
    if (const json::value* value = base::Find(object, key)) return {value, std::string(key)};
  return {nullptr, std::string(*keys.begin())};
}

// A string under one of `keys`; nullopt if none of them is there.
absl::StatusOr<std::optional<std::string>> StringUnder(const json::object& object,
                                                       std::initializer_list<std::string_view> keys,
                                                       const std::string& where) {
  const auto [value, key] = FindAny(object, keys);
  if (value == nullptr) return std::optional<std::string>();
  const json::string* text = value->if_string();
  if (text == nullptr) return WrongType(where + "." + key, "a string", value);
  return std::optional<std::string>(ToString(*text));
}

// "url", {"url": ...} (OpenAI), {"uri": ...} or {"url": {"uri": ...}} (Llama Stack), {"data":
// base64}.
absl::StatusOr<std::string> ImageUrl(const json::value& image, const std::string& where) {
  const json::value* value = &image;
  for (int depth = 0; depth < 3; ++depth) {
    if (const json::string* url = value->if_string()) return ToString(*url);
    const json::object* object = value->if_object();
    if (object == nullptr) break;
    if (const json::value* data = base::Find(*object, "data")) {
      const json::string* base64 = data->if_string();
      if (base64 == nullptr) return WrongType(where + ".data", "a base64 string", data);
      return "data:application/octet-stream;base64," + ToString(*base64);
    }
    const json::value* inner = FindAny(*object, {"url", "uri"}).first;
    if (inner == nullptr) break;
    value = inner;
  }
  return Expected(where, "a picture's url or base64 data", base::JsonTypeName(*value));
}

absl::StatusOr<ContentPart> PartFromObject(const json::object& object, const std::string& where) {
  CRIA_ASSIGN_OR_RETURN(const std::optional<std::string> type,
                        StringUnder(object, {"type"}, where));
  const json::value* image = FindAny(object, {"image_url", "image"}).first;
  ContentPart part;
  if (type == "image_url" || type == "image" || (!type.has_value() && image != nullptr)) {
    part.type = ContentPart::Type::kImage;
    // Early Llama Stack keeps `url` or `data` in the part itself.
    const json::value whole = image == nullptr ? json::value(object) : json::value();
    CRIA_ASSIGN_OR_RETURN(part.image_url, ImageUrl(image == nullptr ? whole : *image, where));
    return part;
  }
  if (type == "refusal") {  // what an assistant says instead of an answer
    const json::value* refusal = base::Find(object, "refusal");
    if (refusal == nullptr || !refusal->is_string())
      return WrongType(where + ".refusal", "a string", refusal);
    part.text = ToString(refusal->get_string());
    return part;
  }
  if (type.has_value() && *type != "text")
    return Expected(where + ".type", "text, image_url, image or refusal", base::Quote(*type));
  const json::value* text = base::Find(object, "text");
  if (text == nullptr || !text->is_string()) return WrongType(where + ".text", "a string", text);
  part.text = ToString(text->get_string());
  return part;
}

absl::Status AppendPart(const json::value& value, const std::string& where,
                        std::vector<ContentPart>* parts) {
  if (const json::string* text = value.if_string()) {
    if (!text->empty()) parts->push_back({ContentPart::Type::kText, ToString(*text), ""});
    return absl::OkStatus();
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return WrongType(where, "a string or a part", &value);
  CRIA_ASSIGN_OR_RETURN(ContentPart part, PartFromObject(*object, where));
  parts->push_back(std::move(part));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ContentPart>> ContentFromJson(const json::value& content,
                                                         const std::string& where) {
  std::vector<ContentPart> parts;
  const json::array* list = content.if_array();
  if (list == nullptr) {
    if (!content.is_string() && !content.is_object())
      return WrongType(where, "a string or a list of parts", &content);
    CRIA_RETURN_IF_ERROR(AppendPart(content, where, &parts));
    return parts;
  }
  for (size_t i = 0; i < list->size(); ++i)
    CRIA_RETURN_IF_ERROR(AppendPart((*list)[i], where + "[" + std::to_string(i) + "]", &parts));
  return parts;
}

// An object, or a string that holds one (OpenAI). An empty string is an empty object.
absl::StatusOr<json::object> ArgumentsFromJson(const json::value* value, const std::string& where) {
  if (value == nullptr) return json::object();
  if (const json::object* object = value->if_object()) return *object;
  const json::string* text = value->if_string();
  if (text == nullptr) return WrongType(where, "an object or a string of JSON", value);
  if (text->empty()) return json::object();
  const auto parsed = base::ParseJson({text->data(), text->size()}, where);
  if (!parsed.ok()) return absl::InvalidArgumentError(parsed.status().message());
  if (!parsed->is_object()) return WrongType(where, "a JSON object in the string", &*parsed);
  return parsed->get_object();
}

absl::StatusOr<ToolCall> ToolCallFromJson(const json::value& value, const std::string& where) {
  const json::object* object = value.if_object();
  if (object == nullptr) return WrongType(where, "an object", &value);
  ToolCall call;
  CRIA_ASSIGN_OR_RETURN(const auto id, StringUnder(*object, {"id", "call_id"}, where));
  call.id = id.value_or("");
  std::string inner = where;
  if (const json::object* function = base::FindObject(*object, "function")) {
    object = function;
    inner += ".function";
  }
  CRIA_ASSIGN_OR_RETURN(const auto name, StringUnder(*object, {"name", "tool_name"}, inner));
  if (!name.has_value() || name->empty())
    return Expected(inner + ".name", "the function's name", "nothing");
  call.name = *name;
  const auto [arguments, key] = FindAny(*object, {"arguments", "parameters"});
  CRIA_ASSIGN_OR_RETURN(call.arguments, ArgumentsFromJson(arguments, inner + "." + key));
  return call;
}

absl::StatusOr<std::vector<ToolCall>> ToolCallsFromJson(const json::object& object,
                                                        const std::string& where) {
  std::vector<ToolCall> calls;
  if (const json::value* single = base::Find(object, "function_call")) {
    CRIA_ASSIGN_OR_RETURN(calls.emplace_back(),
                          ToolCallFromJson(*single, where + ".function_call"));
  }
  const json::value* value = base::Find(object, "tool_calls");
  if (value == nullptr) return calls;
  const json::array* list = value->if_array();
  if (list == nullptr) return WrongType(where + ".tool_calls", "a list", value);
  for (size_t i = 0; i < list->size(); ++i) {
    CRIA_ASSIGN_OR_RETURN(
        calls.emplace_back(),
        ToolCallFromJson((*list)[i], where + ".tool_calls[" + std::to_string(i) + "]"));
  }
  return calls;
}

absl::StatusOr<Role> RoleFromJson(const json::object& object, const std::string& where) {
  CRIA_ASSIGN_OR_RETURN(const auto role, StringUnder(object, {"role"}, where));
  if (role == "system" || role == "developer") return Role::kSystem;
  if (role == "user") return Role::kUser;
  if (role == "assistant") return Role::kAssistant;
  if (role == "tool" || role == "ipython" || role == "function") return Role::kTool;
  return Expected(where + ".role", "system, user, assistant or tool",
                  role.has_value() ? base::Quote(*role) : "nothing");
}

absl::StatusOr<StopReason> StopReasonFromJson(const json::object& object,
                                              const std::string& where) {
  CRIA_ASSIGN_OR_RETURN(const auto name, StringUnder(object, {"stop_reason"}, where));
  if (!name.has_value()) return StopReason::kEndOfTurn;
  if (*name == "out_of_tokens") return StopReason::kMaxTokens;  // Llama Stack's name
  for (StopReason reason :
       {StopReason::kEndOfTurn, StopReason::kEndOfMessage, StopReason::kEndOfText,
        StopReason::kStopString, StopReason::kMaxTokens})
    if (*name == Name(reason)) return reason;
  return Expected(where + ".stop_reason", "end_of_turn or end_of_message", base::Quote(*name));
}

absl::StatusOr<std::string> ContextFromJson(const json::object& object, const std::string& where) {
  const json::value* value = base::Find(object, "context");
  if (value == nullptr) return std::string();
  CRIA_ASSIGN_OR_RETURN(const auto parts, ContentFromJson(*value, where + ".context"));
  std::string text;
  for (const ContentPart& part : parts) {
    if (part.type != ContentPart::Type::kText)
      return Expected(where + ".context", "text", "a picture");
    text += part.text;
  }
  return text;
}

absl::StatusOr<Message> MessageFromJson(const json::value& value, const std::string& where) {
  const json::object* object = value.if_object();
  if (object == nullptr) return WrongType(where, "an object", &value);
  Message message;
  CRIA_ASSIGN_OR_RETURN(message.role, RoleFromJson(*object, where));
  const json::value* content = object->if_contains("content");
  if (content != nullptr && !content->is_null()) {
    CRIA_ASSIGN_OR_RETURN(message.content, ContentFromJson(*content, where + ".content"));
  } else if (message.role != Role::kAssistant) {
    return WrongType(where + ".content", "a string or a list of parts", content);
  }
  if (message.role == Role::kAssistant) {
    CRIA_ASSIGN_OR_RETURN(message.tool_calls, ToolCallsFromJson(*object, where));
    CRIA_ASSIGN_OR_RETURN(message.stop_reason, StopReasonFromJson(*object, where));
  } else if (base::Find(*object, "tool_calls") != nullptr) {
    return Expected(where + ".tool_calls", "none, as only an assistant calls tools",
                    "a " + std::string(Name(message.role)) + " message with calls");
  }
  if (message.role == Role::kUser) {
    CRIA_ASSIGN_OR_RETURN(message.context, ContextFromJson(*object, where));
  }
  if (message.role == Role::kTool) {
    CRIA_ASSIGN_OR_RETURN(const auto id, StringUnder(*object, {"tool_call_id", "call_id"}, where));
    CRIA_ASSIGN_OR_RETURN(const auto name, StringUnder(*object, {"name", "tool_name"}, where));
    message.tool_call_id = id.value_or("");
    message.tool_name = name.value_or("");
  }
  return message;
}

json::value ContentToJson(const Message& message) {
  const auto& parts = message.content;
  if (parts.empty())
    return message.role == Role::kAssistant ? json::value(nullptr) : json::value("");
  if (parts.size() == 1 && parts[0].type == ContentPart::Type::kText)
    return json::value(parts[0].text);
  json::array list;
  for (const ContentPart& part : parts) {
    if (part.type == ContentPart::Type::kText) {
      list.push_back({{"type", "text"}, {"text", part.text}});
    } else {
      list.push_back({{"type", "image_url"}, {"image_url", {{"url", part.image_url}}}});
    }
  }
  return list;
}

json::array OpenAiCalls(const std::vector<ToolCall>& calls) {
  json::array list;
  for (const ToolCall& call : calls) {
    json::object function;
    function["name"] = call.name;
    function["arguments"] = json::serialize(call.arguments);
    list.push_back({{"id", call.id}, {"type", "function"}, {"function", std::move(function)}});
  }
  return list;
}

json::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::StatusOr<Conversation> ConversationFromJson(const json::value& messages) {
  const json::array* list = messages.if_array();
  if (list == nullptr) return WrongType("messages", "a list of messages", &messages);
  Conversation conversation;
  for (size_t i = 0; i < list->size(); ++i) {
    CRIA_ASSIGN_OR_RETURN(conversation.emplace_back(),
                          MessageFromJson((*list)[i], "messages[" + std::to_string(i) + "]"));
  }
  return conversation;
}

json::array ConversationToJson(const Conversation& conversation) {
  json::array list;
  for (const Message& message : conversation) {
    json::object object;
    object["role"] = View(Name(message.role));
    object["content"] = ContentToJson(message);
    if (!message.tool_calls.empty()) object["tool_calls"] = OpenAiCalls(message.tool_calls);
    if (message.stop_reason != StopReason::kEndOfTurn)
      object["stop_reason"] = View(Name(message.stop_reason));
    if (!message.context.empty()) object["context"] = message.context;
    if (!message.tool_call_id.empty()) object["tool_call_id"] = message.tool_call_id;
    if (!message.tool_name.empty()) object["name"] = message.tool_name;
    list.push_back(std::move(object));
  }
  return list;
}

json::array ToolCallsToJson(const std::vector<ToolCall>& calls) {
  json::array list;
  for (const ToolCall& call : calls) {
    json::object object;
    if (!call.id.empty()) object["id"] = call.id;
    object["name"] = call.name;
    object["arguments"] = call.arguments;
    list.push_back(std::move(object));
  }
  return list;
}

}  // namespace cria::text
