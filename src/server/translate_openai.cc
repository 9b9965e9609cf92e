#include "server/translate_openai.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "text/message_json.h"
#include "text/tool_definition_json.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

std::vector<text::TokenId> TokenIds(const array& ids) {
  std::vector<text::TokenId> out;
  for (const value& id : ids)
    out.push_back(static_cast<text::TokenId>(base::json::value_to<int64_t>(id)));
  return out;
}

absl::Status ReadStop(const object& body, std::vector<std::string>* stop) {
  const value* found = base::Find(body, "stop");
  if (found == nullptr) return absl::OkStatus();
  const array stops = found->is_array() ? found->get_array() : array{*found};
  for (const value& text : stops) {
    if (text.get_string().empty())
      return absl::InvalidArgumentError("stop: expected texts of at least one character");
    stop->emplace_back(text.get_string());
  }
  return absl::OkStatus();
}

absl::Status ReadLogitBias(const object& body, chat::SamplingParams* sampling) {
  const object* biases = base::FindObject(body, "logit_bias");
  if (biases == nullptr) return absl::OkStatus();
  for (const auto& [key, bias] : *biases) {
    text::TokenId id = 0;
    if (!absl::SimpleAtoi(std::string(key), &id) || id < 0)
      return absl::InvalidArgumentError(
          absl::StrCat("logit_bias: expected token ids as keys, found '", std::string(key), "'"));
    sampling->logit_bias.emplace_back(id, static_cast<float>(base::json::value_to<double>(bias)));
  }
  return absl::OkStatus();
}

// The fields that chat and completion have in common; their types have been checked.
absl::StatusOr<chat::SamplingParams> SamplingFrom(const object& body) {
  chat::SamplingParams sampling;
  CRIA_ASSIGN_OR_RETURN(sampling.max_tokens, base::GetInt(body, "max_tokens"));
  CRIA_ASSIGN_OR_RETURN(sampling.temperature, base::GetDouble(body, "temperature"));
  CRIA_ASSIGN_OR_RETURN(sampling.top_p, base::GetDouble(body, "top_p"));
  CRIA_ASSIGN_OR_RETURN(sampling.top_k, base::GetInt(body, "top_k"));
  CRIA_ASSIGN_OR_RETURN(sampling.min_p, base::GetDouble(body, "min_p"));
  CRIA_ASSIGN_OR_RETURN(sampling.repetition_penalty, base::GetDouble(body, "repetition_penalty"));
  CRIA_ASSIGN_OR_RETURN(const auto frequency, base::GetDouble(body, "frequency_penalty"));
  sampling.frequency_penalty = frequency.value_or(0);
  CRIA_ASSIGN_OR_RETURN(const auto presence, base::GetDouble(body, "presence_penalty"));
  sampling.presence_penalty = presence.value_or(0);
  CRIA_ASSIGN_OR_RETURN(const auto seed, base::GetInt(body, "seed"));
  if (seed) sampling.seed = static_cast<uint64_t>(*seed);
  CRIA_RETURN_IF_ERROR(ReadStop(body, &sampling.stop));
  CRIA_RETURN_IF_ERROR(ReadLogitBias(body, &sampling));
  return sampling;
}

absl::StatusOr<chat::AnswerFormat> FormatFrom(const object& body) {
  chat::AnswerFormat format;
  const object* wanted = base::FindObject(body, "response_format");
  if (wanted == nullptr) return format;
  const std::string_view type = wanted->at("type").as_string();
  if (type == "json_object") format.kind = chat::AnswerFormat::Kind::kJsonObject;
  if (type != "json_schema") return format;
  const object* schema = base::FindObject(wanted->at("json_schema").as_object(), "schema");
  format.kind = schema == nullptr ? chat::AnswerFormat::Kind::kJsonObject
                                  : chat::AnswerFormat::Kind::kJsonSchema;
  if (schema != nullptr) format.schema = *schema;
  return format;
}

// tools and tool_choice, and the older functions and function_call.
absl::Status ReadTools(const object& body, chat::ChatRequest* request) {
  const char* const key = base::Find(body, "tools") != nullptr ? "tools" : "functions";
  if (const value* tools = base::Find(body, key); tools != nullptr) {
    auto definitions = text::ToolsFromJson(*tools);
    if (!definitions.ok()) return definitions.status();
    request->tools = *std::move(definitions);
  }
  const value* choice = base::Find(body, "tool_choice");
  if (choice == nullptr) choice = base::Find(body, "function_call");
  if (choice == nullptr) return absl::OkStatus();
  if (choice->is_string()) {
    request->tool_choice = choice->get_string();
  } else if (choice->is_object()) {
    const object* function = base::FindObject(choice->get_object(), "function");
    const object& named = function != nullptr ? *function : choice->get_object();
    CRIA_ASSIGN_OR_RETURN(const auto name, base::GetString(named, "name"));
    if (!name) return absl::InvalidArgumentError("tool_choice: expected the name of a function");
    request->tool_choice = *name;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<chat::ChatRequest> ChatRequestFrom(const object& body) {
  chat::ChatRequest request;
  CRIA_ASSIGN_OR_RETURN(request.messages, text::ConversationFromJson(body.at("messages")));
  CRIA_ASSIGN_OR_RETURN(request.sampling, SamplingFrom(body));
  CRIA_ASSIGN_OR_RETURN(const auto newer_limit, base::GetInt(body, "max_completion_tokens"));
  if (newer_limit) request.sampling.max_tokens = newer_limit;
  CRIA_ASSIGN_OR_RETURN(const auto logprobs, base::GetBool(body, "logprobs"));
  CRIA_ASSIGN_OR_RETURN(const auto top, base::GetInt(body, "top_logprobs"));
  if (top && !logprobs.value_or(false))
    return absl::InvalidArgumentError("top_logprobs: expected logprobs to be true with it");
  if (logprobs.value_or(false)) request.sampling.logprobs = top.value_or(0);
  CRIA_ASSIGN_OR_RETURN(request.format, FormatFrom(body));
  CRIA_RETURN_IF_ERROR(ReadTools(body, &request));
  CRIA_ASSIGN_OR_RETURN(const auto parallel, base::GetBool(body, "parallel_tool_calls"));
  request.parallel_tool_calls = parallel.value_or(true);
  return request;
}

absl::StatusOr<std::vector<chat::CompletionRequest>> CompletionRequestsFrom(const object& body) {
  CRIA_ASSIGN_OR_RETURN(const auto suffix, base::GetString(body, "suffix"));
  if (suffix && !suffix->empty())
    return absl::UnimplementedError(
        "suffix: text can't be filled in before a given end: expected no suffix");
  chat::CompletionRequest request;
  CRIA_ASSIGN_OR_RETURN(request.sampling, SamplingFrom(body));
  constexpr int64_t kDefaultMaxTokens = 16;  // OpenAI's
  if (!request.sampling.max_tokens) request.sampling.max_tokens = kDefaultMaxTokens;
  CRIA_ASSIGN_OR_RETURN(request.format, FormatFrom(body));
  if (const value* logprobs = base::Find(body, "logprobs"); logprobs != nullptr) {
    if (logprobs->is_bool()) {
      request.sampling.logprobs = logprobs->get_bool() ? 0 : -1;
    } else {
      request.sampling.logprobs = base::json::value_to<int64_t>(*logprobs);
    }
  }
  const value& prompt = body.at("prompt");
  std::vector<chat::CompletionRequest> requests;
  const auto add = [&](const value& one) {
    requests.push_back(request);
    if (one.is_string()) {
      requests.back().prompt = std::string(one.get_string());
    } else {
      requests.back().prompt = TokenIds(one.get_array());
    }
  };
  const bool list =
      prompt.is_array() && !prompt.get_array().empty() && !prompt.get_array().front().is_number();
  if (!list) {
    add(prompt);
  } else {
    for (const value& one : prompt.get_array()) add(one);
  }
  return requests;
}

absl::StatusOr<chat::EmbeddingRequest> EmbeddingRequestFrom(const object& body) {
  chat::EmbeddingRequest request;
  const value& input = body.at("input");
  const auto add = [&](const value& one) {
    if (one.is_string()) {
      request.inputs.emplace_back(std::string(one.get_string()));
    } else {
      request.inputs.emplace_back(TokenIds(one.get_array()));
    }
  };
  if (input.is_array() && input.get_array().empty())
    return absl::InvalidArgumentError("input: expected at least one text, found an empty list");
  const bool list = input.is_array() && !input.get_array().front().is_number();
  if (!list) {
    add(input);
  } else {
    for (const value& one : input.get_array()) add(one);
  }
  return request;
}

absl::StatusOr<chat::Caller> CallerOf(const Request& request) {
  chat::Caller caller;
  for (const char* name :
       {"x-ogx-provider-data", "x-llamastack-provider-data", "x-llamastack-providerdata"}) {
    const std::string* header = request.Header(name);
    if (header == nullptr || header->empty()) continue;
    auto data = base::ParseJson(*header, name);
    if (!data.ok() || !data->is_object())
      return absl::InvalidArgumentError(absl::StrCat(name, ": expected a JSON object"));
    caller.provider_data = std::move(data->get_object());
    break;
  }
  if (const std::string* trace = request.Header("traceparent")) caller.traceparent = *trace;
  return caller;
}

bool IsLlamaStackClient(const Request& request) {
  if (request.Header("x-llamastack-client-version") != nullptr) return true;
  const std::string* agent = request.Header("user-agent");
  return agent != nullptr && (absl::StrContains(*agent, "LlamaStackClient") ||
                              absl::StrContains(*agent, "llama-stack-client"));
}

}  // namespace cria::server
