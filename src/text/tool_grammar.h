// The grammar that makes a model call a tool: what tool_choice "required" or a name asks for.
#ifndef CRIA_TEXT_TOOL_GRAMMAR_H_
#define CRIA_TEXT_TOOL_GRAMMAR_H_

#include <memory>

#include "base/status.h"
#include "text/chat_format.h"
#include "text/grammar.h"

namespace cria::text {

// An answer that is a call of one of options.tools, or of the one that options.tool_choice names,
// written the way `format` and options.tool_format have the model write it, with arguments that the
// tool's parameters allow; lists ([f(..), g(..)] and ChatML's) may hold several calls unless one
// tool is named. ToolCallParser reads all of it. Null for tool_choice "auto" and "none".
// kInvalidArgument and kUnimplemented name the tool whose name or parameters can't be held to.
absl::StatusOr<std::shared_ptr<const Grammar>> ToolCallGrammar(const ChatFormat& format,
                                                               const ChatOptions& options);

}  // namespace cria::text

#endif  // CRIA_TEXT_TOOL_GRAMMAR_H_
