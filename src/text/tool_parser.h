// Finds the tool calls in an assistant's answer, while it streams.
#ifndef CRIA_TEXT_TOOL_PARSER_H_
#define CRIA_TEXT_TOOL_PARSER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/message.h"

namespace cria::text {

// One thread at a time. Feed() takes the answer as it comes (special tokens spelled out, e.g.
// "<|python_tag|>") and returns the text that can be shown already; text that may turn out to be a
// call is held back. Finish() decides. How the answer is cut into pieces changes nothing: all that
// Feed() returned, then Result::text, is the answer without its calls.
//
// tool_call_syntax.h lists the forms of a call. An answer that is calls from end to end is taken at
// its word, whatever they name. Between other text only calls of the tools offered (and of the
// built-in ones) count. After <|python_tag|> whatever is no call is code for the code interpreter.
class ToolCallParser {
 public:
  struct Result {
    std::string text;             // what is left to show
    std::vector<ToolCall> calls;  // all of them, in order; without ids
    bool malformed = false;  // something looked like a call but does not parse: it is in the text
  };

  // `tools`: the functions offered. Without any, only what Llama 3 marks as a call is one:
  // <|python_tag|> and the calls of built-in tools.
  explicit ToolCallParser(std::vector<ToolDefinition> tools = {});
  ~ToolCallParser();

  std::string Feed(std::string_view text);
  // The end of the answer. Call it once, and nothing after it.
  Result Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_TOOL_PARSER_H_
