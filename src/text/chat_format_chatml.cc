#include "text/chat_format_chatml.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "text/system_prompt.h"
#include "text/tool_text.h"

namespace cria::text {
namespace {

namespace json = base::json;

constexpr std::string_view kStart = "<|im_start|>";
constexpr std::string_view kEnd = "<|im_end|>";

constexpr std::string_view kToolsBefore =
    "You are an expert in composing functions. You are given a question and a set of possible "
    "functions. \n"
    "Based on the question, you will need to make one or more function/tool calls to achieve the "
    "purpose. \n"
    "If none of the functions can be used, point it out and refuse to answer. \n"
    "If the given question lacks the parameters required by the function, also point it out.\n\n"
    "You have access to the following tools:\n<tools>";
constexpr std::string_view kToolsAfter =
    "</tools>\n\n"
    "The output MUST strictly adhere to the following format, and NO other text MUST be "
    "included.\n"
    "The example format is as follows. Please make sure the parameter type is correct. If no "
    "function call is needed, please make the tool calls an empty list '[]'.\n"
    "<tool_call>[\n"
    "{\"name\": \"func_name1\", \"arguments\": {\"argument1\": \"value1\", \"argument2\": "
    "\"value2\"}},\n"
    "... (more tool calls as required)\n"
    "]</tool_call>";

std::string ToolsText(const std::vector<ToolDefinition>& tools, std::string_view tool_choice) {
  json::array list;
  for (const ToolDefinition& tool : tools) {
    json::object function;
    function["name"] = tool.name;
    function["description"] = tool.description;
    function["parameters"] = tool.parameters;
    list.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  const std::string sentence = ToolChoiceSentence(tool_choice);
  std::string text(kToolsBefore);
  absl::StrAppend(&text, PythonJson(list), std::string(kToolsAfter));
  if (!sentence.empty()) absl::StrAppend(&text, "\n", sentence);
  return text;
}

std::string CallsText(const std::vector<ToolCall>& calls) {
  json::array list;
  for (const ToolCall& call : calls) {
    json::object object;
    object["name"] = call.name;
    object["arguments"] = call.arguments;
    list.push_back(std::move(object));
  }
  return absl::StrCat("<tool_call>", PythonJson(list), "</tool_call>");
}

// The value of the Jinja string literal whose opening quote is at `begin`; nullopt if it doesn't
// end.
std::optional<std::string> StringLiteral(std::string_view jinja, size_t begin) {
  std::string value;
  for (size_t i = begin + 1; i < jinja.size(); ++i) {
    if (jinja[i] == jinja[begin]) return value;
    if (jinja[i] == '\\' && i + 1 < jinja.size()) {
      ++i;
      value += jinja[i] == 'n' ? '\n' : jinja[i] == 't' ? '\t' : jinja[i];
    } else {
      value += jinja[i];
    }
  }
  return std::nullopt;
}

class ChatMlFormat : public ChatFormat {
 public:
  ChatMlFormat(std::string_view jinja, const Tokenizer& tokenizer, TokenId start, TokenId end)
      : tokenizer_(tokenizer), start_(start), end_(end), default_system_(DefaultSystemText(jinja)) {
    if (jinja.find("bos_token") != std::string_view::npos) bos_ = tokenizer.bos();
    end_of_text_ = tokenizer.SpecialId("<|endoftext|>");
  }

  std::string_view name() const override { return "chatml"; }

  absl::StatusOr<EncodedChat> Encode(const Conversation& conversation,
                                     const ChatOptions& options) const override {
    CRIA_ASSIGN_OR_RETURN(const std::vector<ToolDefinition> tools, OfferedTools(options));
    if (options.date.has_value())
      return absl::InvalidArgumentError(
          "date: the ChatML format has no place for one; write it into a system message");
    if (!tools.empty() && options.tool_format != ToolFormat::kJson)
      return absl::InvalidArgumentError("tool format: ChatML models take tools as json only");
    EncodedChat chat;
    if (bos_.has_value()) chat.ids.push_back(*bos_);
    const bool has_system = !conversation.empty() && conversation[0].role == Role::kSystem;
    std::string system = tools.empty() ? default_system_ : ToolsText(tools, options.tool_choice);
    if (!has_system && !conversation.empty() && !system.empty())
      CRIA_RETURN_IF_ERROR(Append("system", system, &chat.ids));
    for (size_t i = 0; i < conversation.size(); ++i) {
      auto body = Body(conversation[i]);
      if (!body.ok()) return base::Annotate(body.status(), "messages[" + std::to_string(i) + "]");
      if (i == 0 && has_system && !tools.empty())
        absl::StrAppend(&*body, body->empty() ? "" : "\n\n", system);
      CRIA_RETURN_IF_ERROR(Append(Name(conversation[i].role), *body, &chat.ids));
    }
    if (!options.generation_header) return chat;
    chat.ids.push_back(start_);
    CRIA_RETURN_IF_ERROR(tokenizer_.Encode("assistant\n", SpecialText::kPlain, &chat.ids));
    return chat;
  }

  std::optional<StopReason> StopReasonOf(TokenId id) const override {
    if (id == end_) return StopReason::kEndOfTurn;
    if (end_of_text_ == id) return StopReason::kEndOfText;
    return std::nullopt;
  }

 private:
  static absl::StatusOr<std::string> Body(const Message& message) {
    for (const ContentPart& part : message.content)
      if (part.type == ContentPart::Type::kImage)
        return absl::InvalidArgumentError(
            "it holds a picture, which the model's chat format (ChatML) has no place for");
    std::string body = message.Text();
    if (message.role == Role::kUser && !message.context.empty()) body += "\n\n" + message.context;
    if (message.role == Role::kAssistant && !message.tool_calls.empty())
      absl::StrAppend(&body, body.empty() ? "" : "\n", CallsText(message.tool_calls));
    return body;
  }

  absl::Status Append(std::string_view role, std::string_view body,
                      std::vector<TokenId>* ids) const {
    ids->push_back(start_);
    const std::string text = absl::StrCat(std::string(role), "\n", std::string(body));
    CRIA_RETURN_IF_ERROR(tokenizer_.Encode(text, SpecialText::kPlain, ids));
    ids->push_back(end_);
    return tokenizer_.Encode("\n", SpecialText::kPlain, ids);
  }

  const Tokenizer& tokenizer_;
  const TokenId start_, end_;
  std::optional<TokenId> bos_, end_of_text_;
  const std::string default_system_;
};

}  // namespace

std::string DefaultSystemText(std::string_view jinja) {
  const std::string begin = std::string(kStart) + "system\n";
  for (size_t at = jinja.find(kStart); at != std::string_view::npos;
       at = jinja.find(kStart, at + 1)) {
    if (at == 0 || (jinja[at - 1] != '\'' && jinja[at - 1] != '"')) continue;
    const auto literal = StringLiteral(jinja, at - 1);
    if (!literal.has_value() || literal->rfind(begin, 0) != 0) continue;
    const size_t end = literal->find(kEnd);
    if (end != std::string::npos) return literal->substr(begin.size(), end - begin.size());
  }
  return "";
}

absl::StatusOr<std::unique_ptr<const ChatFormat>> MakeChatMlFormat(std::string_view jinja,
                                                                   const Tokenizer& tokenizer) {
  const auto start = tokenizer.SpecialId(kStart), end = tokenizer.SpecialId(kEnd);
  if (!start.has_value() || !end.has_value())
    return absl::DataLossError(
        "the tokenizer has no <|im_start|> and <|im_end|>, which ChatML dialogs need");
  return std::make_unique<ChatMlFormat>(jinja, tokenizer, *start, *end);
}

}  // namespace cria::text
