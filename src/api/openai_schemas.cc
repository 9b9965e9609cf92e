// https://platform.openai.com/docs/api-reference, and what Llama Stack adds to it. Limits are those
// of that reference; where it has none, ours.
#include "api/schemas.h"

namespace cria::api {

std::string_view OpenAiSchemas() {
  return R"(
TextPart {type:{text,input_text,output_text}, text:string}
RefusalPart {type:{refusal}, refusal:string}
ImageUrlPart {type:{image_url}, image_url:{url:string, detail?:{auto,low,high}}|string}
FilePart {type:{file}, file:object}
AudioPart {type:{input_audio}, input_audio:object}
ContentPart TextPart|RefusalPart|ImageUrlPart|FilePart|AudioPart|string
MessageContent string|ContentPart[]
ToolCall {id?:string, type?:{function}, index?:int, function:{name:string, arguments?:string|object}}
SystemMessage {role:{system,developer}, content:MessageContent, name?:string}
UserMessage {role:{user}, content:MessageContent, name?:string}
AssistantMessage {role:{assistant}, content?:MessageContent, name?:string, tool_calls?:ToolCall[], function_call?:object, refusal?:string}
ToolMessage {role:{tool,function,ipython}, content?:MessageContent, tool_call_id?:string, name?:string}
ChatMessage UserMessage|AssistantMessage|SystemMessage|ToolMessage
FunctionDefinition {name:string<1..128>, description?:string, parameters?:object, strict?:bool}
FunctionTool {type:{function}, function:FunctionDefinition}
NamedToolChoice {type?:{function}, function:{name:string}}
ToolChoice {none,auto,required}
JsonSchemaFormat {name?:string, description?:string, schema?:object, strict?:bool}
OpenAiResponseFormat {type:{text}}|{type:{json_object}}|{type:{json_schema}, json_schema:JsonSchemaFormat}
StreamOptions {include_usage?:bool, include_obfuscation?:bool}
ChatCompletionRequest {model:string<1..512>, messages:ChatMessage[], frequency_penalty?:number<-2..2>, function_call?:string|object, functions?:FunctionDefinition[], logit_bias?:map<number<-100..100>>, logprobs?:bool, max_completion_tokens?:int<0..2147483647>, max_tokens?:int<0..2147483647>, metadata?:object, n?:int<1..16>=1, parallel_tool_calls?:bool=true, presence_penalty?:number<-2..2>, response_format?:OpenAiResponseFormat, seed?:int, stop?:string|string[], store?:bool, stream?:bool=false, stream_options?:StreamOptions, temperature?:number<0..2>, tool_choice?:ToolChoice|NamedToolChoice, tools?:FunctionTool[], top_logprobs?:int<0..20>, top_p?:number<0..1>, top_k?:int<0..>, min_p?:number<0..1>, repetition_penalty?:number<0..>, user?:string, safety_identifier?:string, service_tier?:string, reasoning_effort?:{none,minimal,low,medium,high,xhigh}, prompt_cache_key?:string}
TopLogprob {token:string, bytes?:int[], logprob:number}
TokenLogprob {token:string, bytes?:int[], logprob:number, top_logprobs:TopLogprob[]}
ChoiceLogprobs {content?:TokenLogprob[], refusal?:TokenLogprob[]}
Usage {prompt_tokens:int, completion_tokens:int, total_tokens:int, prompt_tokens_details?:{cached_tokens?:int}, completion_tokens_details?:{reasoning_tokens?:int}}
AnswerMessage {role:{assistant}, content?:string, refusal?:string, tool_calls?:ToolCall[]}
FinishReason {stop,length,tool_calls,content_filter,function_call}
ChatChoice {index:int, message:AnswerMessage, finish_reason:FinishReason, logprobs?:ChoiceLogprobs}
ChatCompletion {id:string, object:{"chat.completion"}, created:int, model:string, choices:ChatChoice[], usage?:Usage, system_fingerprint?:string, service_tier?:string}
ChunkDelta {role?:string, content?:string, tool_calls?:{index:int, id?:string, type?:{function}, function?:{name?:string, arguments?:string}}[], refusal?:string}
ChunkChoice {index:int, delta:ChunkDelta, finish_reason?:FinishReason, logprobs?:ChoiceLogprobs}
ChatCompletionChunk {id:string, object:{"chat.completion.chunk"}, created:int, model:string, choices:ChunkChoice[], usage?:Usage}
StoredChatCompletion {id:string, object:{"chat.completion"}, created:int, model:string, choices:ChatChoice[], usage?:Usage, input_messages:ChatMessage[]}
StoredChatCompletionList {object:{list}, data:StoredChatCompletion[], has_more:bool, first_id?:string, last_id?:string}
ChatCompletionMessageList {object:{list}, data:object[], has_more:bool, first_id?:string, last_id?:string}
StoredListQuery {after?:string, limit?:int<1..100>=20, model?:string, order?:{asc,desc}="desc"}
MessageListQuery {after?:string, limit?:int<1..100>=20, order?:{asc,desc}="asc"}
CompletionRequest {model:string<1..512>, prompt:string|string[]|int[]|int[][], best_of?:int<1..16>, echo?:bool=false, frequency_penalty?:number<-2..2>, logit_bias?:map<number<-100..100>>, logprobs?:int<0..20>|bool, max_tokens?:int<0..2147483647>, n?:int<1..16>=1, presence_penalty?:number<-2..2>, response_format?:OpenAiResponseFormat, seed?:int, stop?:string|string[], stream?:bool=false, stream_options?:StreamOptions, suffix?:string, temperature?:number<0..2>, top_p?:number<0..1>, top_k?:int<0..>, min_p?:number<0..1>, repetition_penalty?:number<0..>, user?:string}
CompletionLogprobs {tokens?:string[], token_logprobs?:(number|null)[], top_logprobs?:(map<number>|null)[], text_offset?:int[]}
CompletionChoice {index:int, text:string, finish_reason?:FinishReason, logprobs?:CompletionLogprobs}
Completion {id:string, object:{text_completion}, created:int, model:string, choices:CompletionChoice[], usage?:Usage}
EmbeddingRequest {model:string<1..512>, input:string|string[]|int[]|int[][], encoding_format?:{float,base64}="float", dimensions?:int<1..65536>, user?:string}
Embedding {object:{embedding}, index:int, embedding:number[]|string}
EmbeddingResponse {object:{list}, data:Embedding[], model:string, usage:{prompt_tokens:int, total_tokens:int}}
Model {identifier:string, provider_resource_id?:string, provider_id:string, type:{model}, model_type:{llm,embedding,rerank}, metadata:object, id:string, object:{model}, created:int, owned_by:string, custom_metadata?:object}
ModelList {object:{list}, data:Model[]}
RegisterModelRequest {model_id:string<1..512>, provider_model_id?:string, provider_id?:string, metadata?:object, model_type?:{llm,embedding,rerank}}
BareModels Model[]
UnregisterModelRequest {model_id:string<1..512>}
FileObject {id:string, object:{file}, bytes:int, created_at:int, expires_at?:int, filename:string, purpose:string, status?:{uploaded,processed,error}, status_details?:string}
FileList {object:{list}, data:FileObject[], has_more:bool, first_id?:string, last_id?:string}
FileDeleted {id:string, object:{file}, deleted:bool}
FileListQuery {after?:string, limit?:int<1..10000>=10000, order?:{asc,desc}="desc", purpose?:string}
ErrorBody {error:{message:string, detail?:any, type?:string, code?:string, param?:string}}
)";
}

}  // namespace cria::api
