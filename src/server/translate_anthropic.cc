#include "server/translate_anthropic.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/quote.h"
#include "text/tool_definition_json.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;
using text::ContentPart;

std::string Text(const object& from, std::string_view key) {
  return std::string(from.at(key).as_string());
}

std::string At(const std::string& where, size_t index) {
  return absl::StrCat(where, "[", index, "]");
}

absl::Status NotHere(const std::string& where, std::string_view what) {
  return absl::UnimplementedError(absl::StrCat(where, ": this server has no ",
                                               absl::string_view(what.data(), what.size()),
                                               ": leave it out"));
}

absl::Status RefuseBlock(const object& block, const std::string& where) {
  return NotHere(where + ".type", "blocks of type " + base::Quote(Text(block, "type")));
}

ContentPart TextPart(std::string text) { return {ContentPart::Type::kText, std::move(text), ""}; }

absl::StatusOr<ContentPart> ImagePart(const object& block, const std::string& where) {
  const object& source = block.at("source").as_object();
  const std::string type = Text(source, "type");
  if (type == "file") return NotHere(where + ".source.type", "pictures kept as files ('file')");
  std::string url = type == "url" ? Text(source, "url")
                                  : absl::StrCat("data:", Text(source, "media_type"), ";base64,",
                                                 Text(source, "data"));
  return ContentPart{ContentPart::Type::kImage, "", std::move(url)};
}

// Text and pictures, which messages and tools' answers have in common.
absl::StatusOr<ContentPart> Part(const object& block, const std::string& where) {
  const std::string type = Text(block, "type");
  if (type == "text") return TextPart(Text(block, "text"));
  if (type == "image") return ImagePart(block, where);
  return RefuseBlock(block, where);
}

absl::StatusOr<std::vector<ContentPart>> Parts(const value& content, const std::string& where) {
  std::vector<ContentPart> parts;
  if (content.is_string()) {
    if (!content.get_string().empty()) parts.push_back(TextPart(std::string(content.get_string())));
    return parts;
  }
  const array& blocks = content.get_array();
  for (size_t i = 0; i < blocks.size(); ++i) {
    CRIA_ASSIGN_OR_RETURN(parts.emplace_back(), Part(blocks[i].get_object(), At(where, i)));
  }
  return parts;
}

// Reads messages one after another.
class MessageReader {
 public:
  absl::Status Read(const object& message, const std::string& where) {
    const std::string role = Text(message, "role");
    role_ = role == "user"        ? text::Role::kUser
            : role == "assistant" ? text::Role::kAssistant
                                  : text::Role::kSystem;
    const value& content = message.at("content");
    if (content.is_string()) {
      CRIA_ASSIGN_OR_RETURN(Open()->content, Parts(content, where));
    } else {
      const array& blocks = content.get_array();
      for (size_t i = 0; i < blocks.size(); ++i)
        CRIA_RETURN_IF_ERROR(ReadBlock(blocks[i].get_object(), At(where + ".content", i)));
    }
    open_ = false;
    return absl::OkStatus();
  }

  text::Conversation Take() { return std::move(conversation_); }

 private:
  // The message that the next part belongs to.
  text::Message* Open() {
    if (!open_) conversation_.emplace_back().role = role_;
    open_ = true;
    return &conversation_.back();
  }

  absl::Status ReadBlock(const object& block, const std::string& where) {
    const std::string type = Text(block, "type");
    if (type == "tool_result") return ReadToolResult(block, where);
    if (type == "tool_use") return ReadToolUse(block, where);
    if (type == "thinking" || type == "redacted_thinking") return absl::OkStatus();
    CRIA_ASSIGN_OR_RETURN(ContentPart part, Part(block, where));
    Open()->content.push_back(std::move(part));
    return absl::OkStatus();
  }

  absl::Status ReadToolUse(const object& block, const std::string& where) {
    if (role_ != text::Role::kAssistant)
      return absl::InvalidArgumentError(
          where + ": only an assistant's message has tool_use blocks: expected tool_result");
    text::ToolCall call{Text(block, "id"), Text(block, "name"), block.at("input").as_object()};
    names_[call.id] = call.name;
    Open()->tool_calls.push_back(std::move(call));
    return absl::OkStatus();
  }

  absl::Status ReadToolResult(const object& block, const std::string& where) {
    if (role_ != text::Role::kUser)
      return absl::InvalidArgumentError(where +
                                        ": only a user's message has tool_result blocks: "
                                        "expected role user");
    text::Message answer;
    answer.role = text::Role::kTool;
    answer.tool_call_id = Text(block, "tool_use_id");
    const auto call = names_.find(answer.tool_call_id);
    if (call == names_.end())
      return absl::InvalidArgumentError(
          absl::StrCat(where, ".tool_use_id: no tool_use block before it has the id ",
                       base::Quote(answer.tool_call_id), ": send the call with its answer"));
    answer.tool_name = call->second;
    CRIA_ASSIGN_OR_RETURN(const auto failed, base::GetBool(block, "is_error"));
    if (failed.value_or(false)) answer.content.push_back(TextPart("Error: "));
    if (const value* content = base::Find(block, "content"); content != nullptr) {
      CRIA_ASSIGN_OR_RETURN(auto parts, Parts(*content, where + ".content"));
      for (ContentPart& part : parts) answer.content.push_back(std::move(part));
    }
    conversation_.push_back(std::move(answer));
    open_ = false;  // text behind it is a message of its own
    return absl::OkStatus();
  }

  text::Conversation conversation_;
  text::Role role_ = text::Role::kUser;
  bool open_ = false;
  std::map<std::string, std::string> names_;  // of tools, by the ids of their calls
};

absl::StatusOr<text::Conversation> ConversationFrom(const object& body) {
  const array& messages = body.at("messages").as_array();
  if (messages.empty())
    return absl::InvalidArgumentError("messages: expected at least one message, found none");
  if (messages.back().at("role").as_string() == "assistant")
    return absl::InvalidArgumentError(
        "messages: an answer that was begun can't be continued: expected a user's message at the "
        "end, found an assistant's");
  text::Conversation conversation;
  if (const value* system = base::Find(body, "system"); system != nullptr) {
    text::Message message;
    message.role = text::Role::kSystem;
    CRIA_ASSIGN_OR_RETURN(message.content, Parts(*system, "system"));
    if (!message.content.empty()) conversation.push_back(std::move(message));
  }
  MessageReader reader;
  for (size_t i = 0; i < messages.size(); ++i)
    CRIA_RETURN_IF_ERROR(reader.Read(messages[i].get_object(), At("messages", i)));
  for (text::Message& message : reader.Take()) conversation.push_back(std::move(message));
  return conversation;
}

absl::StatusOr<chat::SamplingParams> SamplingFrom(const object& body) {
  chat::SamplingParams sampling;
  CRIA_ASSIGN_OR_RETURN(sampling.max_tokens, base::GetInt(body, "max_tokens"));
  CRIA_ASSIGN_OR_RETURN(sampling.temperature, base::GetDouble(body, "temperature"));
  CRIA_ASSIGN_OR_RETURN(sampling.top_p, base::GetDouble(body, "top_p"));
  CRIA_ASSIGN_OR_RETURN(sampling.top_k, base::GetInt(body, "top_k"));
  const array* stops = base::FindArray(body, "stop_sequences");
  if (stops == nullptr) return sampling;
  for (size_t i = 0; i < stops->size(); ++i) {
    sampling.stop.emplace_back((*stops)[i].as_string());
    if (sampling.stop.back().empty())
      return absl::InvalidArgumentError(At("stop_sequences", i) +
                                        ": expected a text of at least one character");
  }
  return sampling;
}

// In OpenAI's shape, whose reader checks the names.
absl::StatusOr<std::vector<text::ToolDefinition>> ToolsFrom(const array& tools) {
  array definitions;
  for (size_t i = 0; i < tools.size(); ++i) {
    const object& tool = tools[i].get_object();
    CRIA_ASSIGN_OR_RETURN(const auto type, base::GetString(tool, "type"));
    if (type && *type != "custom")
      return NotHere(At("tools", i) + ".type", "tools of type " + base::Quote(*type));
    const object* schema = base::FindObject(tool, "input_schema");
    if (schema == nullptr)
      return absl::InvalidArgumentError(At("tools", i) +
                                        ".input_schema: expected a JSON Schema, found nothing");
    CRIA_ASSIGN_OR_RETURN(const auto description, base::GetString(tool, "description"));
    definitions.push_back(object{{"name", tool.at("name")},
                                 {"description", description.value_or("")},
                                 {"parameters", *schema}});
  }
  return text::ToolsFromJson(definitions);
}

absl::Status ReadTools(const object& body, chat::ChatRequest* request) {
  if (const array* tools = base::FindArray(body, "tools"); tools != nullptr) {
    CRIA_ASSIGN_OR_RETURN(request->tools, ToolsFrom(*tools));
  }
  const object* choice = base::FindObject(body, "tool_choice");
  if (choice == nullptr) return absl::OkStatus();
  const std::string type = Text(*choice, "type");
  request->tool_choice = type == "any" ? "required" : type == "tool" ? Text(*choice, "name") : type;
  CRIA_ASSIGN_OR_RETURN(const auto single, base::GetBool(*choice, "disable_parallel_tool_use"));
  request->parallel_tool_calls = !single.value_or(false);
  return absl::OkStatus();
}

absl::StatusOr<chat::AnswerFormat> FormatFrom(const object& body) {
  chat::AnswerFormat format;
  const object* config = base::FindObject(body, "output_config");
  const object* wanted = config == nullptr ? nullptr : base::FindObject(*config, "format");
  if (wanted == nullptr) return format;
  format.kind = chat::AnswerFormat::Kind::kJsonSchema;
  format.schema = wanted->at("schema");
  return format;
}

absl::Status RefuseOthers(const object& body) {
  if (const object* thinking = base::FindObject(body, "thinking");
      thinking != nullptr && Text(*thinking, "type") == "enabled")
    return absl::InvalidArgumentError(
        "thinking.type: answers come without thinking: expected 'disabled' or 'adaptive', found "
        "'enabled'");
  if (base::Find(body, "container") != nullptr) return NotHere("container", "containers");
  const array* servers = base::FindArray(body, "mcp_servers");
  if (servers != nullptr && !servers->empty())
    return NotHere("mcp_servers", "tools of MCP servers in messages");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<chat::ChatRequest> MessagesRequestFrom(const object& body) {
  CRIA_RETURN_IF_ERROR(RefuseOthers(body));
  chat::ChatRequest request;
  CRIA_ASSIGN_OR_RETURN(request.messages, ConversationFrom(body));
  CRIA_ASSIGN_OR_RETURN(request.sampling, SamplingFrom(body));
  CRIA_RETURN_IF_ERROR(ReadTools(body, &request));
  CRIA_ASSIGN_OR_RETURN(request.format, FormatFrom(body));
  return request;
}

}  // namespace cria::server
