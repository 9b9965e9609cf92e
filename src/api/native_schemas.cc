// Llama Stack's own bodies, from its launch (0.0.36) to 0.2.23: what every one of those releases
// sends is accepted, under all names that a field has had.
#include "api/schemas.h"

namespace cria::api {

std::string_view NativeSchemas() {
  return R"(
NativeUrl string|{uri:string}
NativeTextItem {type:{text}, text:string}
NativeImageItem {type?:{image}, image:string|{url?:NativeUrl, uri?:string, data?:string, format?:string}}
NativeItem string|NativeTextItem|NativeImageItem
NativeContent string|NativeTextItem|NativeImageItem|NativeItem[]
NativeToolCall {call_id:string, tool_name:string, arguments:object|string, arguments_json?:string}
NativeStopReason {end_of_turn,end_of_message,out_of_tokens}
NativeUserMessage {role:{user}, content:NativeContent, context?:NativeContent}
NativeSystemMessage {role:{system}, content:NativeContent}
NativeToolMessage {role:{ipython,tool}, call_id?:string, tool_name?:string, content:NativeContent}
NativeAssistantMessage {role:{assistant}, content?:NativeContent, stop_reason?:NativeStopReason, tool_calls?:NativeToolCall[]}
NativeMessage NativeUserMessage|NativeSystemMessage|NativeToolMessage|NativeAssistantMessage
NativeStrategy {greedy,top_p,top_k}|{type:{greedy}}|{type:{top_p}, temperature?:number<0..2>, top_p?:number<0..1>=0.95}|{type:{top_k}, top_k:int<1..>}
NativeSamplingParams {strategy?:NativeStrategy, temperature?:number<0..2>, top_p?:number<0..1>, top_k?:int<0..>, max_tokens?:int<0..2147483647>=0, repetition_penalty?:number<0..>=1.0, stop?:string[]}
NativeParam {param_type:string, description?:string, required?:bool=true, default?:any}
NativeTool {tool_name:string, description?:string, parameters?:map<NativeParam>}
NativeToolFormat {json,function_tag,python_list}
NativeToolConfig {tool_choice?:string, tool_prompt_format?:NativeToolFormat, system_message_behavior?:{append,replace}="append"}
NativeResponseFormat {type:{json_schema}, json_schema:object}|{type:{grammar}, bnf:object|string}
NativeLogprobsConfig {top_k?:int<0..20>=0}
NativeChatRequest {model?:string, model_id?:string, messages:NativeMessage[], sampling_params?:NativeSamplingParams, tools?:NativeTool[], tool_choice?:string, tool_prompt_format?:NativeToolFormat, tool_config?:NativeToolConfig, response_format?:NativeResponseFormat, stream?:bool=false, logprobs?:NativeLogprobsConfig}
NativeCompletionRequest {model?:string, model_id?:string, content:NativeContent, sampling_params?:NativeSamplingParams, response_format?:NativeResponseFormat, stream?:bool=false, logprobs?:NativeLogprobsConfig}
NativeBatchChatRequest {model?:string, model_id?:string, messages_batch:NativeMessage[][], sampling_params?:NativeSamplingParams, tools?:NativeTool[], tool_choice?:string, tool_prompt_format?:NativeToolFormat, tool_config?:NativeToolConfig, response_format?:NativeResponseFormat, logprobs?:NativeLogprobsConfig}
NativeBatchCompletionRequest {model?:string, model_id?:string, content_batch:NativeContent[], sampling_params?:NativeSamplingParams, response_format?:NativeResponseFormat, logprobs?:NativeLogprobsConfig}
NativeEmbeddingsRequest {model?:string, model_id?:string, contents:NativeItem[], text_truncation?:{none,start,end}, output_dimension?:int<1..65536>, task_type?:{query,document}}
NativeEmbeddingsResponse {embeddings:number[][]}
NativeTokenLogprobs {logprobs_by_token:map<number>}
NativeMetric {metric:string, value:number, unit?:string}
NativeCompletionMessage {role:{assistant}, content:NativeContent, stop_reason:NativeStopReason, tool_calls:NativeToolCall[]}
NativeChatResponse {completion_message:NativeCompletionMessage, logprobs?:NativeTokenLogprobs[], metrics?:NativeMetric[]}
NativeDelta string|{type:{text}, text:string}|{type:{tool_call}, tool_call:string|NativeToolCall, parse_status:string}|{content:string|NativeToolCall, parse_status:string}
NativeChatChunk {event:{event_type:{start,progress,complete}, delta:NativeDelta, logprobs?:NativeTokenLogprobs[], stop_reason?:NativeStopReason}, metrics?:NativeMetric[]}
NativeCompletionResponse {content:string, stop_reason:NativeStopReason, logprobs?:NativeTokenLogprobs[], metrics?:NativeMetric[]}
LaunchCompletionResponse {completion_message:NativeCompletionMessage, logprobs?:NativeTokenLogprobs[]}
NativeCompletionChunk {delta:string, stop_reason?:NativeStopReason, logprobs?:NativeTokenLogprobs[], metrics?:NativeMetric[]}
NativeBatchChatResponse {batch:NativeChatResponse[], completion_message_batch?:NativeCompletionMessage[]}
NativeBatchCompletionResponse {batch:NativeCompletionResponse[], completion_message_batch?:NativeCompletionMessage[]}
LaunchModelQuery {core_model_id?:string, identifier?:string, model_id?:string}
LaunchModels LaunchModel[]
LaunchModel {llama_model:any, provider_config:{provider_id:string, config:object}}
)";
}

}  // namespace cria::api
