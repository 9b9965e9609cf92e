#include "text/chat_format.h"

#include "text/chat_format_chatml.h"
#include "text/chat_format_llama3.h"

namespace cria::text {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The beginning of a template in one printable line.
std::string Beginning(std::string_view jinja) {
  constexpr size_t kShown = 60;
  std::string line;
  for (char c : jinja.substr(0, kShown)) line += c >= 0x20 && c < 0x7f ? c : ' ';
  return jinja.size() > kShown ? line + "..." : line;
}

}  // namespace

absl::StatusOr<std::vector<ToolDefinition>> OfferedTools(const ChatOptions& options) {
  const std::string& choice = options.tool_choice;
  if (choice == "none") return std::vector<ToolDefinition>();
  if (choice == "auto") return options.tools;
  if (options.tools.empty())
    return absl::InvalidArgumentError("tool choice '" + choice +
                                      "' asks for a call, but no tools are offered");
  if (choice == "required") return options.tools;
  for (const ToolDefinition& tool : options.tools)
    if (tool.name == choice) return options.tools;
  return absl::InvalidArgumentError(
      "tool choice: expected auto, required, none or the name of an offered tool, found '" +
      choice + "'");
}

absl::StatusOr<std::unique_ptr<const ChatFormat>> MakeChatFormat(std::string_view jinja,
                                                                 const Tokenizer& tokenizer) {
  if (jinja.empty()) {  // Meta's own files carry no template: their header tokens say what they are
    if (tokenizer.SpecialId("<|start_header_id|>").has_value()) return MakeLlama3Format(tokenizer);
    if (tokenizer.SpecialId("<|im_start|>").has_value()) return MakeChatMlFormat(jinja, tokenizer);
    return absl::NotFoundError(
        "the model has no chat template and no header tokens: it continues text; use --raw");
  }
  const bool guard = Contains(jinja, "UNSAFE CONTENT CATEGORIES") ||
                     Contains(jinja, "UNSAFECONTENT CATEGORIES");  // as the vision guard spells it
  if (!guard && Contains(jinja, "<|start_header_id|>")) return MakeLlama3Format(tokenizer);
  if (!guard && Contains(jinja, "<|im_start|>")) return MakeChatMlFormat(jinja, tokenizer);
  return absl::UnimplementedError(
      std::string(guard ? "the chat template of Llama Guard, which judges conversations: \""
                        : "unknown chat template: \"") +
      Beginning(jinja) + "\"; the formats of Llama 3 and ChatML are known; use --raw");
}

}  // namespace cria::text
