// The texts that tell a Llama 3 model its environment, the date and its tools.
//
// Wording and layout are those of meta-llama/llama-models at 364ed4e,
// models/llama3/prompt_templates/system_prompts.py, put together in the order of
// LLama31Interface.system_messages (models/llama3/api/interface.py). Where those templates print a
// description that holds quotes or line breaks raw, the text is escaped here, so that the list of
// tools stays JSON; a missing description is empty.
#ifndef CRIA_TEXT_SYSTEM_PROMPT_H_
#define CRIA_TEXT_SYSTEM_PROMPT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/message.h"

namespace cria::text {

// "24 September 2024" of "2024-09-24", or of the clock's local day for "today". kInvalidArgument if
// it is no such day.
absl::StatusOr<std::string> LongDate(std::string_view date);

// The custom tools in `tools`, as a user message (kJson, kFunctionTag) or a part of the system
// message (kPythonList) lists them. `tools` must hold custom tools only.
std::string CustomToolsText(const std::vector<ToolDefinition>& tools, ToolFormat format);

struct SystemPrompt {
  std::string date;                   // as LongDate() gives it
  std::vector<ToolDefinition> tools;  // all of them; built-in ones are known by their names
  ToolFormat tool_format = ToolFormat::kJson;
  std::string_view instruction;      // the caller's system message, may be empty
  std::string tool_choice = "auto";  // "required" and a function's name add a sentence
};

// The whole system message: environment and built-in tools, dates, tools of kPythonList,
// instruction, sentence on the choice.
std::string SystemPromptText(const SystemPrompt& prompt);

// The sentence for "required" and for a function's name, as Llama Stack 0.2 words it
// (llama_stack/providers/utils/inference/prompt_adapter.py); empty for "auto" and "none".
std::string ToolChoiceSentence(std::string_view tool_choice);

// `tools` without the built-in ones.
std::vector<ToolDefinition> CustomTools(const std::vector<ToolDefinition>& tools);

}  // namespace cria::text

#endif  // CRIA_TEXT_SYSTEM_PROMPT_H_
