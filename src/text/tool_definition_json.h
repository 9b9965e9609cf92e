// Tool definitions from JSON: OpenAI's tools array, with Llama Stack's shapes understood too.
#ifndef CRIA_TEXT_TOOL_DEFINITION_JSON_H_
#define CRIA_TEXT_TOOL_DEFINITION_JSON_H_

#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/message.h"

namespace cria::text {

// A list of
//   {"type":"function","function":{"name","description","parameters":{JSON Schema of an object}}}
//   OpenAI
//   {"name","description","parameters"} the same, bare
//   {"tool_name","description","parameters":{NAME:{"param_type","description","required","default"}}}
//   Llama Stack
//   {"name","description","parameters":[{"name","parameter_type","description","required","default"}]}
//   Llama Stack
//   {"type":"brave_search"}, {"tool_name":"code_interpreter"}, ... a built-in tool
// Names are letters, digits and _ - . : /, at most 128 of them, each once. `parameters` of the
// result always has "type" and "properties". kInvalidArgument names the place:
// "tools[1].function.name: expected ...".
absl::StatusOr<std::vector<ToolDefinition>> ToolsFromJson(const base::json::value& tools);

// What the models know a built-in tool to take: one string.
base::json::object BuiltinSchema(std::string_view name);

}  // namespace cria::text

#endif  // CRIA_TEXT_TOOL_DEFINITION_JSON_H_
