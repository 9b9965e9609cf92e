// Shared by the tool-call parser's test and its fuzz target.
#ifndef CRIA_TEXT_TOOL_PARSER_TESTING_H_
#define CRIA_TEXT_TOOL_PARSER_TESTING_H_

#include <string>
#include <string_view>
#include <vector>

#include "text/tool_parser.h"

namespace cria::text {

// What the parser makes of an answer that comes in pieces of `piece` bytes; the text is all that
// was shown.
inline ToolCallParser::Result ParseInPieces(std::string_view answer, size_t piece,
                                            const std::vector<ToolDefinition>& tools) {
  ToolCallParser parser(tools);
  std::string shown;
  for (size_t at = 0; at < answer.size(); at += piece)
    shown += parser.Feed(answer.substr(at, piece));
  ToolCallParser::Result result = parser.Finish();
  result.text = shown + result.text;
  return result;
}

}  // namespace cria::text

#endif  // CRIA_TEXT_TOOL_PARSER_TESTING_H_
