// What the stack itself keeps: conversations (OpenAI's, items as its Responses API has them),
// prompts, uploads, telemetry (Llama Stack 0.0.36 to 0.2.23). Limits are those of the references;
// where they have none, ours.
#include "api/schemas.h"

namespace cria::api {

std::string_view StackSchemas() {
  return R"(
Metadata map<string<0..512>>
ItemStatus {in_progress,completed,incomplete}
InputTextPart {type:{input_text,output_text,text}, text:string, annotations?:object[], logprobs?:object[]}
InputRefusalPart {type:{refusal}, refusal:string}
InputImagePart {type:{input_image}, image_url?:string, file_id?:string, detail?:{auto,low,high}}
InputFilePart {type:{input_file}, file_id?:string, file_data?:string, file_url?:string, filename?:string}
InputPart InputTextPart|InputRefusalPart|InputImagePart|InputFilePart
MessageItem {type?:{message}, role:{user,assistant,system,developer}, content:string|InputPart[], id?:string<1..128>, status?:ItemStatus}
FunctionCallItem {type:{function_call}, call_id:string, name:string, arguments:string, id?:string<1..128>, status?:ItemStatus}
FunctionCallOutputItem {type:{function_call_output}, call_id:string, output:string|InputPart[], id?:string<1..128>, status?:ItemStatus}
ReasoningItem {type:{reasoning}, summary:{type?:{summary_text}, text:string}[], content?:{type?:{reasoning_text}, text:string}[], encrypted_content?:string, id?:string<1..128>, status?:ItemStatus}
FileSearchCallItem {type:{file_search_call}, queries:string[], status?:string, results?:object[], id?:string<1..128>}
WebSearchCallItem {type:{web_search_call}, status?:string, action?:object, id?:string<1..128>}
McpCallItem {type:{mcp_call}, name:string, arguments:string, server_label:string, output?:string, error?:any, id?:string<1..128>}
McpListToolsItem {type:{mcp_list_tools}, server_label:string, tools:{name:string, input_schema?:object, description?:string}[], id?:string<1..128>}
McpApprovalRequestItem {type:{mcp_approval_request}, name:string, arguments:string, server_label:string, id?:string<1..128>}
McpApprovalResponseItem {type:{mcp_approval_response}, approval_request_id:string, approve:bool, reason?:string, id?:string<1..128>}
CompactionItem {type:{compaction}, encrypted_content:string, id?:string<1..128>}
ConversationItem MessageItem|FunctionCallItem|FunctionCallOutputItem|ReasoningItem|FileSearchCallItem|WebSearchCallItem|McpCallItem|McpListToolsItem|McpApprovalRequestItem|McpApprovalResponseItem|CompactionItem
CreateConversationRequest {items?:ConversationItem[], metadata?:Metadata}
UpdateConversationRequest {metadata:Metadata}
CreateItemsRequest {items:ConversationItem[]}
ItemListQuery {after?:string, include?:string, limit?:int<1..100>=20, order?:{asc,desc}="desc"}
Conversation {id:string, object:{conversation}, created_at:int, metadata?:Metadata}
ConversationDeleted {id:string, object:{"conversation.deleted"}, deleted:bool}
ConversationItemList {object:{list}, data:ConversationItem[], first_id?:string, last_id?:string, has_more:bool}
ConversationItemDeleted {id:string, object:{"conversation.item.deleted"}, deleted:bool}
CreatePromptRequest {prompt:string, variables?:string<1..128>[]}
UpdatePromptRequest {prompt:string, version:int<1..>, variables?:string<1..128>[], set_as_default?:bool=true}
SetDefaultVersionRequest {version:int<1..>}
PromptQuery {version?:int<1..>}
Prompt {prompt?:string, version:int, prompt_id:string, variables:string[], is_default:bool}
PromptList {data:Prompt[]}
FilePurpose {assistants,batch,"fine-tune",vision,user_data,evals}
FileUpload {file:string, purpose:FilePurpose, expires_after?:{anchor:{created_at}, seconds:int<3600..2592000>}}
TelemetryScalar string|number|bool|null
SpanStartPayload {type:{span_start}, name:string<0..1024>, parent_span_id?:string<0..128>}
SpanEndPayload {type:{span_end}, status:{ok,error}}
StructuredLogEvent {type:{structured_log}, trace_id:string<1..128>, span_id:string<1..128>, timestamp:string|number, attributes?:map<TelemetryScalar>, payload:SpanStartPayload|SpanEndPayload}
UnstructuredLogEvent {type:{unstructured_log}, trace_id:string<1..128>, span_id:string<1..128>, timestamp:string|number, attributes?:map<TelemetryScalar>, message:string, severity:{verbose,debug,info,warn,error,critical}}
MetricEvent {type:{metric}, trace_id:string<1..128>, span_id:string<1..128>, timestamp:string|number, attributes?:map<TelemetryScalar>, metric:string<1..256>, value:number, unit:string}
TelemetryEvent StructuredLogEvent|UnstructuredLogEvent|MetricEvent
LogEventRequest {event:TelemetryEvent, ttl_seconds?:int<1..315360000>=604800}
QueryCondition {key:string, op:{eq,ne,gt,lt}, value:any}
TraceQuery {trace_id:string}
QueryTracesRequest {attribute_filters?:QueryCondition[], limit?:int<1..1000>=100, offset?:int<0..1000000>=0, order_by?:string[]}
QuerySpansRequest {attribute_filters:QueryCondition[], attributes_to_return:string[], max_depth?:int<1..>}
SpanTreeRequest {attributes_to_return?:string[], max_depth?:int<1..>}
SpanTreeQuery {span_id:string, attributes_to_return?:string[], max_depth?:int<1..>}
Trace {trace_id:string, root_span_id:string, start_time:string, end_time?:string}
Span {span_id:string, trace_id:string, parent_span_id?:string, name:string, start_time:string, end_time?:string, attributes?:object}
SpanWithStatus {span_id:string, trace_id:string, parent_span_id?:string, name:string, start_time:string, end_time?:string, attributes?:object, status?:{ok,error}}
QueryTracesResponse {data:Trace[]}
QuerySpansResponse {data:Span[]}
QuerySpanTreeResponse {data:map<SpanWithStatus>}
TraceList Trace[]
SpanList Span[]
SpanTree map<SpanWithStatus>
)";
}

}  // namespace cria::api
