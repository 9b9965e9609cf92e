// How a conversation becomes token ids, exactly as the model was trained on.
#ifndef CRIA_TEXT_CHAT_FORMAT_H_
#define CRIA_TEXT_CHAT_FORMAT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/message.h"
#include "text/tokenizer.h"

namespace cria::text {

struct ChatOptions {
  std::vector<ToolDefinition> tools;
  ToolFormat tool_format = ToolFormat::kJson;
  std::optional<std::string> date;   // "YYYY-MM-DD" pins "Today Date" (and asks for the system
                                     // block); "today" is the clock's
  bool generation_header = true;     // end with the assistant's header
  std::string tool_choice = "auto";  // "auto", "required", "none" or a function's name
};

struct EncodedChat {
  std::vector<TokenId> ids;
  std::vector<std::string> images;  // in the order of their image tokens
};

// Immutable; share freely. Keeps a reference to its tokenizer, which must outlive it.
class ChatFormat {
 public:
  virtual ~ChatFormat() = default;
  virtual std::string_view name() const = 0;  // "llama3", "chatml"
  // kInvalidArgument names the message that cannot be written in this format.
  virtual absl::StatusOr<EncodedChat> Encode(const Conversation& conversation,
                                             const ChatOptions& options) const = 0;
  // Ids that end an answer, beside the checkpoint's own, and the reason each gives.
  virtual std::optional<StopReason> StopReasonOf(TokenId id) const = 0;
};

// The tools that take part: none for tool_choice "none", else options.tools. kInvalidArgument if
// tool_choice asks for a call
// ("required" or a name) that the tools can't give.
absl::StatusOr<std::vector<ToolDefinition>> OfferedTools(const ChatOptions& options);

// Chooses by the checkpoint's chat template (`jinja`, may be empty) and by the special tokens that
// the tokenizer has. kUnimplemented, naming the template's beginning, when it is none that Cria
// knows; kDataLoss when the tokenizer lacks the special tokens that the template writes; kNotFound
// when there is no template and no known header tokens (a base model).
absl::StatusOr<std::unique_ptr<const ChatFormat>> MakeChatFormat(std::string_view jinja,
                                                                 const Tokenizer& tokenizer);

}  // namespace cria::text

#endif  // CRIA_TEXT_CHAT_FORMAT_H_
