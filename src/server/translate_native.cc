#include "server/translate_native.h"

#include "absl/strings/str_cat.h"
#include "text/message_json.h"
#include "text/tool_definition_json.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

// The strategy is a word beside its numbers in the first releases, later an object that has them.
absl::Status ReadStrategy(const object& params, chat::SamplingParams* sampling) {
  const value* strategy = base::Find(params, "strategy");
  const object* own = base::FindObject(params, "strategy");
  const object& numbers = own != nullptr ? *own : params;
  std::string type = "greedy";
  if (own != nullptr) type = own->at("type").as_string();
  if (strategy != nullptr && strategy->is_string()) type = strategy->get_string();
  if (type == "greedy") {
    sampling->temperature = 0;
    return absl::OkStatus();
  }
  CRIA_ASSIGN_OR_RETURN(sampling->temperature, base::GetDouble(numbers, "temperature"));
  if (type == "top_k") {
    CRIA_ASSIGN_OR_RETURN(sampling->top_k, base::GetInt(numbers, "top_k"));
    return absl::OkStatus();
  }
  constexpr double kDefaultTopP = 0.95;
  CRIA_ASSIGN_OR_RETURN(const auto top_p, base::GetDouble(numbers, "top_p"));
  sampling->top_p = top_p.value_or(kDefaultTopP);
  return absl::OkStatus();
}

absl::StatusOr<chat::SamplingParams> SamplingFrom(const object& body) {
  chat::SamplingParams sampling;
  static const object kNone;
  const object* given = base::FindObject(body, "sampling_params");
  const object& params = given != nullptr ? *given : kNone;
  CRIA_RETURN_IF_ERROR(ReadStrategy(params, &sampling));
  CRIA_ASSIGN_OR_RETURN(const auto max_tokens, base::GetInt(params, "max_tokens"));
  if (max_tokens.value_or(0) > 0) sampling.max_tokens = max_tokens;  // 0: no limit
  CRIA_ASSIGN_OR_RETURN(sampling.repetition_penalty, base::GetDouble(params, "repetition_penalty"));
  if (const array* stop = base::FindArray(params, "stop"))
    for (const value& text : *stop)
      if (!text.as_string().empty()) sampling.stop.emplace_back(text.as_string());
  if (const object* logprobs = base::FindObject(body, "logprobs")) {
    CRIA_ASSIGN_OR_RETURN(const auto top_k, base::GetInt(*logprobs, "top_k"));
    sampling.logprobs = top_k.value_or(0);
  }
  return sampling;
}

absl::StatusOr<chat::AnswerFormat> FormatFrom(const object& body) {
  chat::AnswerFormat format;
  const object* wanted = base::FindObject(body, "response_format");
  if (wanted == nullptr) return format;
  if (wanted->at("type").as_string() == "json_schema") {
    format.kind = chat::AnswerFormat::Kind::kJsonSchema;
    format.schema = wanted->at("json_schema");
    return format;
  }
  const value& bnf = wanted->at("bnf");
  const value* text = bnf.is_object() ? base::Find(bnf.get_object(), "grammar") : &bnf;
  if (text == nullptr || !text->is_string())
    return absl::InvalidArgumentError(
        "response_format.bnf: expected a grammar in GBNF as a string, or as {\"grammar\": ...}");
  format.kind = chat::AnswerFormat::Kind::kGrammar;
  format.grammar = text->get_string();
  return format;
}

// tool_choice and tool_prompt_format, of the body or in its tool_config.
absl::Status ReadToolConfig(const object& body, chat::ChatRequest* request) {
  const object* config = base::FindObject(body, "tool_config");
  for (const object* from : {&body, config}) {
    if (from == nullptr) continue;
    CRIA_ASSIGN_OR_RETURN(const auto choice, base::GetString(*from, "tool_choice"));
    if (choice) request->tool_choice = *choice;
    CRIA_ASSIGN_OR_RETURN(const auto format, base::GetString(*from, "tool_prompt_format"));
    if (format) request->tool_format = text::ToolFormatFromName(*format);
  }
  return absl::OkStatus();
}

// Content in any of its shapes, as the one text it is.
absl::StatusOr<std::string> ContentText(const value& content) {
  const array message{object{{"role", "user"}, {"content", content}}};
  CRIA_ASSIGN_OR_RETURN(const text::Conversation read, text::ConversationFromJson(message));
  for (const text::ContentPart& part : read.front().content)
    if (part.type == text::ContentPart::Type::kImage)
      return absl::UnimplementedError("content: expected text, found a picture");
  return read.front().Text();
}

}  // namespace

absl::StatusOr<std::string> NativeModel(const object& body) {
  for (const char* key : {"model_id", "model"}) {
    CRIA_ASSIGN_OR_RETURN(const auto model, base::GetString(body, key));
    if (model && !model->empty()) return *model;
  }
  return absl::InvalidArgumentError("model_id: expected the name of a model, found nothing");
}

absl::StatusOr<chat::ChatRequest> NativeChatRequestFrom(const object& body, const value& messages) {
  chat::ChatRequest request;
  CRIA_ASSIGN_OR_RETURN(request.messages, text::ConversationFromJson(messages));
  CRIA_ASSIGN_OR_RETURN(request.sampling, SamplingFrom(body));
  CRIA_ASSIGN_OR_RETURN(request.format, FormatFrom(body));
  if (const value* tools = base::Find(body, "tools")) {
    CRIA_ASSIGN_OR_RETURN(request.tools, text::ToolsFromJson(*tools));
  }
  CRIA_RETURN_IF_ERROR(ReadToolConfig(body, &request));
  return request;
}

absl::StatusOr<chat::CompletionRequest> NativeCompletionRequestFrom(const object& body,
                                                                    const value& content) {
  chat::CompletionRequest request;
  CRIA_ASSIGN_OR_RETURN(request.sampling, SamplingFrom(body));
  CRIA_ASSIGN_OR_RETURN(request.format, FormatFrom(body));
  CRIA_ASSIGN_OR_RETURN(request.prompt, ContentText(content));
  return request;
}

absl::StatusOr<chat::EmbeddingRequest> NativeEmbeddingRequestFrom(const object& body) {
  using Truncation = chat::EmbeddingRequest::Truncation;
  chat::EmbeddingRequest request;
  for (const value& content : body.at("contents").as_array()) {
    CRIA_ASSIGN_OR_RETURN(std::string text, ContentText(content));
    request.inputs.emplace_back(std::move(text));
  }
  if (request.inputs.empty())
    return absl::InvalidArgumentError("contents: expected at least one text, found an empty list");
  CRIA_ASSIGN_OR_RETURN(const auto truncation, base::GetString(body, "text_truncation"));
  if (truncation == "start") request.truncation = Truncation::kStart;
  if (truncation == "end") request.truncation = Truncation::kEnd;
  return request;
}

}  // namespace cria::server
