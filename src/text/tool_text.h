// Tool calls and JSON values as Python writes them: Llama's prompts were made by Python's json,
// Jinja and str().
#ifndef CRIA_TEXT_TOOL_TEXT_H_
#define CRIA_TEXT_TOOL_TEXT_H_

#include <string>

#include "base/json.h"
#include "base/status.h"
#include "text/message.h"

namespace cria::text {

// Python's json.dumps(value): ", " and ": " between, keys in their order, all but ASCII as \uXXXX.
std::string PythonJson(const base::json::value& value);

// Jinja's `tojson` filter: the same with sorted keys, and < > & ' written as \u003c, ...
std::string JinjaJson(const base::json::value& value);

// Python's repr(value): 'text', 1.0, True, None, [..], {'k': v}.
std::string PythonRepr(const base::json::value& value);

// A call as an old assistant message holds it, as ToolUtils.encode_tool_call of Meta's llama-models
// (models/llama3/ tool_utils.py) writes it:
//   brave_search, wolfram_alpha, photogen   name.call(query="...")
//   code_interpreter                        the code
//   kJson                                   {"type": "function", "name": ..., "parameters": {...}}
//   kFunctionTag                            <function=name>{...}</function>
//   kPythonList                             [name(key="text", n=1, flag=True)]
// It differs where Meta's text could not be read back: quotes and backslashes inside strings are
// escaped, and nested objects of kPythonList are Python dicts. kInvalidArgument if a built-in call
// lacks its `query` or `code`.
absl::StatusOr<std::string> ToolCallText(const ToolCall& call, ToolFormat format);

}  // namespace cria::text

#endif  // CRIA_TEXT_TOOL_TEXT_H_
