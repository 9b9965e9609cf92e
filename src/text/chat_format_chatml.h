// ChatML (OpenAI, 2023), SmolLM2's format: <|im_start|>role, newline, content, <|im_end|>, newline.
//
// "role\ncontent" is encoded as one plain text, as a rendered template is that a tokenizer splits
// at its special tokens. A conversation that doesn't start with a system message gets the one that
// the model's template holds, if it holds one.
//
// Tools are offered in the words of SmolLM2's own documents (HuggingFaceTB/SmolLM2-1.7B-Instruct,
// instructions_function_calling.md): a list between <tools> tags at the end of the system message,
// and calls as <tool_call>[{"name": ..., "arguments": {...}}, ...]</tool_call>. Other tool formats,
// pictures and dates are refused.
#ifndef CRIA_TEXT_CHAT_FORMAT_CHATML_H_
#define CRIA_TEXT_CHAT_FORMAT_CHATML_H_

#include <memory>
#include <string>
#include <string_view>

#include "text/chat_format.h"

namespace cria::text {

// `jinja`: the model's template; may be empty. kDataLoss if the tokenizer lacks <|im_start|> or
// <|im_end|>.
absl::StatusOr<std::unique_ptr<const ChatFormat>> MakeChatMlFormat(std::string_view jinja,
                                                                   const Tokenizer& tokenizer);

// The text of the system message that a template writes by itself: the string literal that holds it
// from <|im_start|>system to <|im_end|>. Empty if there is none.
std::string DefaultSystemText(std::string_view jinja);

}  // namespace cria::text

#endif  // CRIA_TEXT_CHAT_FORMAT_CHATML_H_
