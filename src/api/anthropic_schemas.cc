// https://docs.anthropic.com/en/api/messages. Blocks and tools that only Anthropic's own servers
// can serve are named here too, so that they are refused by their names.
#include "api/schemas.h"

namespace cria::api {

std::string_view AnthropicSchemas() {
  return R"(
AnthropicTextBlock {type:{text}, text:string, cache_control?:object}
AnthropicImageSource {type:{base64}, media_type:string<1..128>, data:string}|{type:{url}, url:string}|{type:{file}, file_id:string}
AnthropicImageBlock {type:{image}, source:AnthropicImageSource, cache_control?:object}
AnthropicToolUseBlock {type:{tool_use}, id:string<1..256>, name:string<1..128>, input:object, cache_control?:object}
AnthropicOtherBlock {type:{document,search_result,server_tool_use,web_search_tool_result,web_fetch_tool_result,code_execution_tool_result,bash_code_execution_tool_result,text_editor_code_execution_tool_result,tool_search_tool_result,tool_reference,mcp_tool_use,mcp_tool_result,container_upload,compaction}}
AnthropicResultPart AnthropicTextBlock|AnthropicImageBlock|AnthropicOtherBlock
AnthropicToolResultBlock {type:{tool_result}, tool_use_id:string<1..256>, content?:string|AnthropicResultPart[], is_error?:bool, cache_control?:object}
AnthropicThinkingBlock {type:{thinking}, thinking:string, signature?:string}|{type:{redacted_thinking}, data?:string}
AnthropicBlock AnthropicTextBlock|AnthropicImageBlock|AnthropicToolUseBlock|AnthropicToolResultBlock|AnthropicThinkingBlock|AnthropicOtherBlock
AnthropicMessage {role:{user,assistant,system}, content:string|AnthropicBlock[]}
AnthropicTool {name:string<1..128>, type?:string, description?:string, input_schema?:object, cache_control?:object, strict?:bool}
AnthropicToolChoice {type:{auto,any,none}, disable_parallel_tool_use?:bool}|{type:{tool}, name:string<1..128>, disable_parallel_tool_use?:bool}
AnthropicThinkingConfig {type:{enabled,disabled,adaptive}, budget_tokens?:int}
AnthropicOutputFormat {type:{json_schema}, schema:object}
AnthropicOutputConfig {format?:AnthropicOutputFormat, effort?:string}
AnthropicMessageRequest {model:string<1..512>, messages:AnthropicMessage[], max_tokens:int<1..2147483647>, system?:string|AnthropicTextBlock[], stop_sequences?:string[], stream?:bool=false, temperature?:number<0..2>, top_p?:number<0..1>, top_k?:int<0..>, tools?:AnthropicTool[], tool_choice?:AnthropicToolChoice, thinking?:AnthropicThinkingConfig, output_config?:AnthropicOutputConfig, metadata?:object, service_tier?:string, container?:any, mcp_servers?:object[]}
AnthropicCountTokensRequest {model:string<1..512>, messages:AnthropicMessage[], system?:string|AnthropicTextBlock[], tools?:AnthropicTool[], tool_choice?:AnthropicToolChoice, thinking?:AnthropicThinkingConfig, output_config?:AnthropicOutputConfig, mcp_servers?:object[]}
AnthropicStopReason {end_turn,max_tokens,stop_sequence,tool_use}
AnthropicUsage {input_tokens:int, output_tokens:int, cache_creation_input_tokens?:int, cache_read_input_tokens?:int}
AnthropicAnswerBlock AnthropicTextBlock|AnthropicToolUseBlock
AnthropicMessageResponse {id:string, type:{message}, role:{assistant}, model:string, content:AnthropicAnswerBlock[], stop_reason?:AnthropicStopReason, stop_sequence?:string, usage:AnthropicUsage}
AnthropicCountTokensResponse {input_tokens:int}
AnthropicErrorBody {type:{error}, error:{type:string, message:string}}
)";
}

}  // namespace cria::api
