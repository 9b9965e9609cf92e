#include "provider/openai_messages.h"

#include <deque>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/quote.h"
#include "text/tool_definition_json.h"

namespace cria::provider {
namespace {

namespace json = base::json;

using text::ContentPart;
using text::Message;
using text::Role;

json::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status CheckImage(const std::string& url, size_t message) {
  if (absl::StartsWithIgnoreCase(url, "https://") || absl::StartsWithIgnoreCase(url, "http://") ||
      absl::StartsWithIgnoreCase(url, "data:"))
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("messages[", message, "]: the image ", base::Quote(url),
                   " can't be sent to a remote provider: expected an http(s) or a data: URL"));
}

json::value TextOf(const Message& message, const json::storage_ptr& storage) {
  json::string text(storage);
  for (const ContentPart& part : message.content) text.append(View(part.text));
  if (!message.context.empty()) text.append("\n\n").append(View(message.context));
  if (text.empty() && message.role == Role::kAssistant) return json::value(nullptr, storage);
  return json::value(std::move(text));
}

absl::StatusOr<json::value> ContentOf(const Message& message, size_t index,
                                      const json::storage_ptr& storage) {
  bool only_text = message.content.size() <= 1;
  for (const ContentPart& part : message.content)
    only_text = only_text && part.type == ContentPart::Type::kText;
  if (only_text) return TextOf(message, storage);
  json::array parts(storage);
  const auto add_text = [&](std::string_view text) {
    parts.push_back({{"type", "text"}, {"text", View(text)}});
  };
  for (const ContentPart& part : message.content) {
    if (part.type == ContentPart::Type::kText) {
      add_text(part.text);
      continue;
    }
    CRIA_RETURN_IF_ERROR(CheckImage(part.image_url, index));
    parts.push_back({{"type", "image_url"}, {"image_url", {{"url", View(part.image_url)}}}});
  }
  if (!message.context.empty()) add_text(absl::StrCat("\n\n", message.context));
  return json::value(std::move(parts));
}

// Ids of the calls that no tool message has answered yet.
class CallIds {
 public:
  std::string Call(const std::string& id) {
    open_.push_back(id.empty() ? absl::StrCat("call_", ++made_) : id);
    return open_.back();
  }
  std::string Answer(const std::string& id) {
    if (id.empty() && open_.empty()) return "";
    const std::string answered = id.empty() ? open_.front() : id;
    std::erase(open_, answered);
    return answered;
  }

 private:
  std::deque<std::string> open_;
  int made_ = 0;
};

json::array CallsOf(const Message& message, CallIds* ids, const json::storage_ptr& storage) {
  json::array calls(storage);
  for (const text::ToolCall& call : message.tool_calls) {
    json::object function(storage);
    function["name"] = View(call.name);
    function["arguments"] = json::serialize(call.arguments);
    json::object object(storage);
    object["id"] = View(ids->Call(call.id));
    object["type"] = "function";
    object["function"] = std::move(function);
    calls.push_back(std::move(object));
  }
  return calls;
}

}  // namespace

absl::StatusOr<json::array> RemoteMessages(const text::Conversation& conversation,
                                           json::storage_ptr storage) {
  json::array messages(storage);
  CallIds ids;
  for (size_t i = 0; i < conversation.size(); ++i) {
    const Message& message = conversation[i];
    json::object object(storage);
    object["role"] = View(Name(message.role));
    CRIA_ASSIGN_OR_RETURN(object["content"], ContentOf(message, i, storage));
    if (!message.tool_calls.empty()) object["tool_calls"] = CallsOf(message, &ids, storage);
    if (message.role == Role::kTool) {
      const std::string id = ids.Answer(message.tool_call_id);
      if (!id.empty()) object["tool_call_id"] = View(id);
    }
    messages.push_back(std::move(object));
  }
  return messages;
}

json::array RemoteTools(const std::vector<text::ToolDefinition>& tools, json::storage_ptr storage) {
  json::array list(storage);
  for (const text::ToolDefinition& tool : tools) {
    json::object function(storage);
    function["name"] = View(tool.name);
    if (!tool.description.empty()) function["description"] = View(tool.description);
    if (!tool.parameters.empty()) {
      function["parameters"] = json::object(tool.parameters, storage);
    } else if (text::IsBuiltinTool(tool.name)) {  // a remote doesn't know what it takes
      function["parameters"] = text::BuiltinSchema(tool.name);
    }
    json::object object(storage);
    object["type"] = "function";
    object["function"] = std::move(function);
    list.push_back(std::move(object));
  }
  return list;
}

json::value RemoteToolChoice(std::string_view choice, json::storage_ptr storage) {
  if (choice == "auto" || choice == "none" || choice == "required")
    return json::value(View(choice), storage);
  return json::value({{"type", "function"}, {"function", {{"name", View(choice)}}}}, storage);
}

}  // namespace cria::provider
