// Messages and tool calls in JSON: OpenAI's chat messages, with Llama Stack's spellings understood
// too.
#ifndef CRIA_TEXT_MESSAGE_JSON_H_
#define CRIA_TEXT_MESSAGE_JSON_H_

#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/message.h"

namespace cria::text {

// A list of messages:
//   role          system (developer), user, assistant, tool (ipython, function)
//   content       a string, a part or a list of strings and parts: {"type":"text","text":...},
//                 {"type":"refusal","refusal":...}, whose text counts as any other,
//                 {"type":"image_url","image_url":{"url":...}}, Llama Stack's {"type":"image",...}
//                 with a `url` or base64 `data`; null or absent for an assistant
//   tool_calls    {"id","type":"function","function":{"name","arguments":"<json>"}},
//   {"name","arguments":{...}} or Llama
//                 Stack's {"call_id","tool_name","arguments"}; also the old single `function_call`
//   tool_call_id (call_id), name (tool_name)      of a tool's answer
//   stop_reason   end_of_turn, end_of_message, ... of an old assistant message
//   context       Llama Stack's retrieved text of a user message
// Other keys say nothing to a model and are ignored. kInvalidArgument names the place:
// "messages[2].content: expected ...".
absl::StatusOr<Conversation> ConversationFromJson(const base::json::value& messages);

// The same messages in OpenAI's shape; reading them again gives an equal conversation.
base::json::array ConversationToJson(const Conversation& conversation);

// [{"name": ..., "arguments": {...}}], with "id" where the call has one.
base::json::array ToolCallsToJson(const std::vector<ToolCall>& calls);

}  // namespace cria::text

#endif  // CRIA_TEXT_MESSAGE_JSON_H_
