#include "text/chat_format_llama3.h"

#include <utility>

#include "text/system_prompt.h"
#include "text/tool_text.h"

namespace cria::text {
namespace {

// Meta's tokenizer calls the image token 128011, the models know it as the first row behind the
// vocabulary, 128256, which is also its id in Hugging Face's tokenizers.
constexpr TokenId kMetaImageId = 128011;
constexpr TokenId kModelImageId = 128256;

std::string_view RoleName(Role role) { return role == Role::kTool ? "ipython" : Name(role); }

Message TextMessage(Role role, std::string text) {
  Message message;
  message.role = role;
  message.content.push_back({ContentPart::Type::kText, std::move(text), ""});
  return message;
}

class Llama3Format : public ChatFormat {
 public:
  explicit Llama3Format(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  absl::Status Init() {
    const std::pair<const char*, TokenId*> needed[] = {{"<|begin_of_text|>", &begin_of_text_},
                                                       {"<|start_header_id|>", &start_header_},
                                                       {"<|end_header_id|>", &end_header_},
                                                       {"<|eot_id|>", &end_of_turn_}};
    for (const auto& [name, id] : needed) {
      const auto found = tokenizer_.SpecialId(name);
      if (!found.has_value())
        return absl::DataLossError("the tokenizer has no " + std::string(name) +
                                   ", which Llama 3 dialogs need");
      *id = *found;
    }
    end_of_message_ = tokenizer_.SpecialId("<|eom_id|>");
    end_of_text_ = tokenizer_.SpecialId("<|end_of_text|>");
    python_tag_ = tokenizer_.SpecialId("<|python_tag|>");
    image_ = tokenizer_.SpecialId("<|image|>");
    if (image_ == kMetaImageId) image_ = kModelImageId;
    return absl::OkStatus();
  }

  std::string_view name() const override { return "llama3"; }

  absl::StatusOr<EncodedChat> Encode(const Conversation& conversation,
                                     const ChatOptions& options) const override {
    CRIA_ASSIGN_OR_RETURN(const std::vector<ToolDefinition> tools, OfferedTools(options));
    EncodedChat chat;
    chat.ids.push_back(begin_of_text_);
    size_t first = 0;
    if (!tools.empty() || options.date.has_value()) {
      CRIA_RETURN_IF_ERROR(AppendSystemBlock(conversation, options, tools, &chat));
      first = StartsWithSystem(conversation) ? 1 : 0;
    }
    for (size_t i = first; i < conversation.size(); ++i) {
      const absl::Status status = AppendMessage(conversation[i], options.tool_format, &chat);
      if (!status.ok()) return base::Annotate(status, "messages[" + std::to_string(i) + "]");
    }
    if (options.generation_header) CRIA_RETURN_IF_ERROR(AppendHeader("assistant", &chat.ids));
    return chat;
  }

  std::optional<StopReason> StopReasonOf(TokenId id) const override {
    if (id == end_of_turn_) return StopReason::kEndOfTurn;
    if (end_of_message_ == id) return StopReason::kEndOfMessage;
    if (end_of_text_ == id) return StopReason::kEndOfText;
    return std::nullopt;
  }

 private:
  static bool StartsWithSystem(const Conversation& conversation) {
    return !conversation.empty() && conversation[0].role == Role::kSystem;
  }

  absl::Status AppendText(std::string_view text, std::vector<TokenId>* ids) const {
    return tokenizer_.Encode(text, SpecialText::kPlain, ids);
  }

  absl::Status AppendHeader(std::string_view role, std::vector<TokenId>* ids) const {
    ids->push_back(start_header_);
    CRIA_RETURN_IF_ERROR(AppendText(role, ids));
    ids->push_back(end_header_);
    return AppendText("\n\n", ids);
  }

  // The block, with the caller's leading system message as its instruction, and the message that
  // lists the tools.
  absl::Status AppendSystemBlock(const Conversation& conversation, const ChatOptions& options,
                                 const std::vector<ToolDefinition>& tools,
                                 EncodedChat* chat) const {
    SystemPrompt prompt;
    CRIA_ASSIGN_OR_RETURN(prompt.date, LongDate(options.date.value_or("today")));
    prompt.tools = tools;
    prompt.tool_format = options.tool_format;
    prompt.tool_choice = options.tool_choice;
    std::string instruction;
    if (StartsWithSystem(conversation)) {
      for (const ContentPart& part : conversation[0].content)
        if (part.type != ContentPart::Type::kText)
          return absl::InvalidArgumentError(
              "messages[0]: a system message with tools or a date holds text only, found a "
              "picture");
      instruction = conversation[0].Text();
      prompt.instruction = instruction;
    }
    CRIA_RETURN_IF_ERROR(AppendMessage(TextMessage(Role::kSystem, SystemPromptText(prompt)),
                                       options.tool_format, chat));
    const std::vector<ToolDefinition> custom = CustomTools(tools);
    if (custom.empty() || options.tool_format == ToolFormat::kPythonList) return absl::OkStatus();
    return AppendMessage(TextMessage(Role::kUser, CustomToolsText(custom, options.tool_format)),
                         options.tool_format, chat);
  }

  absl::Status AppendContent(const Message& message, EncodedChat* chat) const {
    for (const ContentPart& part : message.content) {
      if (part.type == ContentPart::Type::kText) {
        CRIA_RETURN_IF_ERROR(AppendText(part.text, &chat->ids));
        continue;
      }
      if (!image_.has_value())
        return absl::InvalidArgumentError(
            "it holds a picture, but the model's tokenizer has no image token: use a vision model");
      chat->ids.push_back(*image_);
      chat->images.push_back(part.image_url);
    }
    return absl::OkStatus();
  }

  absl::Status AppendMessage(const Message& message, ToolFormat tool_format,
                             EncodedChat* chat) const {
    CRIA_RETURN_IF_ERROR(AppendHeader(RoleName(message.role), &chat->ids));
    const bool assistant = message.role == Role::kAssistant;
    // Meta's rule: the tag stands before code only, though the models also write it before built-in
    // calls.
    if (assistant && !message.tool_calls.empty() &&
        message.tool_calls[0].name == kCodeInterpreter) {
      if (!python_tag_.has_value())
        return absl::InvalidArgumentError(
            "it calls code_interpreter, but the tokenizer has no <|python_tag|>");
      chat->ids.push_back(*python_tag_);
    }
    CRIA_RETURN_IF_ERROR(AppendContent(message, chat));
    if (message.role == Role::kUser && !message.context.empty()) {
      CRIA_RETURN_IF_ERROR(AppendText("\n\n", &chat->ids));
      CRIA_RETURN_IF_ERROR(AppendText(message.context, &chat->ids));
    }
    if (assistant) CRIA_RETURN_IF_ERROR(AppendCalls(message, tool_format, &chat->ids));
    if (!assistant || message.stop_reason != StopReason::kEndOfMessage) {
      chat->ids.push_back(end_of_turn_);
    } else if (end_of_message_.has_value()) {
      chat->ids.push_back(*end_of_message_);
    } else {
      return absl::InvalidArgumentError(
          "its stop_reason is end_of_message, but the tokenizer has no <|eom_id|>");
    }
    return absl::OkStatus();
  }

  absl::Status AppendCalls(const Message& message, ToolFormat tool_format,
                           std::vector<TokenId>* ids) const {
    for (size_t i = 0; i < message.tool_calls.size(); ++i) {
      const auto text = ToolCallText(message.tool_calls[i], tool_format);
      if (!text.ok()) return base::Annotate(text.status(), "tool_calls[" + std::to_string(i) + "]");
      CRIA_RETURN_IF_ERROR(AppendText(*text, ids));
    }
    return absl::OkStatus();
  }

  const Tokenizer& tokenizer_;
  TokenId begin_of_text_ = 0, start_header_ = 0, end_header_ = 0, end_of_turn_ = 0;
  std::optional<TokenId> end_of_message_, end_of_text_, python_tag_, image_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const ChatFormat>> MakeLlama3Format(const Tokenizer& tokenizer) {
  auto format = std::make_unique<Llama3Format>(tokenizer);
  CRIA_RETURN_IF_ERROR(format->Init());
  return format;
}

}  // namespace cria::text
