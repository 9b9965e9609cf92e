// Finds the tool calls in an assistant's answer, while it streams.
#ifndef CRIA_TEXT_TOOL_PARSER_H_
#define CRIA_TEXT_TOOL_PARSER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/message.h"

namespace cria::text {

// One thread at a time. Feed() takes the answer as it comes (special tokens spelled out, e.g. "<|python_tag|>") and returns the
// text that can be shown already: text that may still turn out to be a call is held back. Finish() decides.
class ToolCallParser {
 public:
  struct Result {
    std::string text;                  // what is left to show
    std::vector<ToolCall> calls;       // all of them, in order
    bool malformed = false;            // it looked like a call but does not parse: it is in `text`
  };

  // `tools`: the functions offered; may be empty (then built-in and python_tag calls are still found).
  explicit ToolCallParser(std::vector<ToolDefinition> tools = {});
  ~ToolCallParser();

  std::string Feed(std::string_view text);
  Result Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_TOOL_PARSER_H_
