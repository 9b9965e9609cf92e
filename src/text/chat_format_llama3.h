// Llama 3's dialogs as Meta's ChatFormat writes them (meta-llama/llama-models at a9c89c4,
// models/llama3/chat_format.py):
//
//   <|begin_of_text|>, then for each message <|start_header_id|> role <|end_header_id|> "\n\n" body
//   <|eot_id|>
//
// Role, "\n\n" and every piece of a body are encoded on their own, so nothing merges across them,
// and always as plain text. An assistant message that stopped at end_of_message ends with
// <|eom_id|>. A tool's answer has the role "ipython".
//
// With tools or a date the conversation starts with the system block of system_prompt.h, which
// takes up the caller's first system message; custom tools of kJson and kFunctionTag follow as a
// user message of their own.
#ifndef CRIA_TEXT_CHAT_FORMAT_LLAMA3_H_
#define CRIA_TEXT_CHAT_FORMAT_LLAMA3_H_

#include <memory>

#include "text/chat_format.h"

namespace cria::text {

// kDataLoss if the tokenizer lacks one of the format's special tokens.
absl::StatusOr<std::unique_ptr<const ChatFormat>> MakeLlama3Format(const Tokenizer& tokenizer);

}  // namespace cria::text

#endif  // CRIA_TEXT_CHAT_FORMAT_LLAMA3_H_
