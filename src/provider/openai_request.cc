#include "provider/openai_request.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "provider/openai_messages.h"

namespace cria::provider {
namespace {

namespace json = base::json;

json::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Lacks(const RemoteType& type, std::string_view what) {
  return absl::UnimplementedError(absl::StrCat(std::string(type.type), " has no ",
                                               std::string(what),
                                               ": leave it out, or use another provider"));
}

// Adds a number that was set.
absl::Status Put(std::string_view key, std::optional<double> value, json::object* body) {
  if (!value) return absl::OkStatus();
  if (!std::isfinite(*value))
    return absl::InvalidArgumentError(
        absl::StrCat("'", std::string(key), "': expected a finite number, found ", *value));
  (*body)[View(key)] = *value;
  return absl::OkStatus();
}

// What OpenAI's API doesn't have. A value that changes nothing isn't worth a refusal.
absl::Status PutExtras(const RemoteType& type, const chat::SamplingParams& sampling,
                       json::object* body) {
  const bool has_top_k = sampling.top_k.value_or(0) > 0;
  const bool has_min_p = sampling.min_p.value_or(0) != 0;
  const bool has_repetition = sampling.repetition_penalty.value_or(1) != 1;
  if (type.kind != RemoteKind::kLlamaStack && type.sampling == SamplingKeys::kOpenAi) {
    if (has_top_k) return Lacks(type, "top_k");
    if (has_min_p) return Lacks(type, "min_p");
    if (has_repetition) return Lacks(type, "repetition_penalty");
    return absl::OkStatus();
  }
  if (has_top_k) (*body)["top_k"] = *sampling.top_k;
  if (has_min_p) CRIA_RETURN_IF_ERROR(Put("min_p", sampling.min_p, body));
  if (!has_repetition) return absl::OkStatus();
  return Put(type.sampling == SamplingKeys::kLlamaCpp ? "repeat_penalty" : "repetition_penalty",
             sampling.repetition_penalty, body);
}

absl::Status PutSampling(const RemoteType& type, const chat::SamplingParams& sampling,
                         std::optional<int64_t> max_tokens, std::string_view max_tokens_key,
                         json::object* body) {
  if (sampling.max_tokens) max_tokens = sampling.max_tokens;
  if (max_tokens) (*body)[View(max_tokens_key)] = *max_tokens;
  CRIA_RETURN_IF_ERROR(Put("temperature", sampling.temperature, body));
  CRIA_RETURN_IF_ERROR(Put("top_p", sampling.top_p, body));
  CRIA_RETURN_IF_ERROR(PutExtras(type, sampling, body));
  if (sampling.frequency_penalty != 0)
    CRIA_RETURN_IF_ERROR(Put("frequency_penalty", sampling.frequency_penalty, body));
  if (sampling.presence_penalty != 0)
    CRIA_RETURN_IF_ERROR(Put("presence_penalty", sampling.presence_penalty, body));
  if (sampling.seed) (*body)["seed"] = *sampling.seed;
  if (!sampling.stop.empty()) {
    json::array stop(body->storage());
    for (const std::string& text : sampling.stop) stop.push_back(View(text));
    (*body)["stop"] = std::move(stop);
  }
  if (!sampling.logit_bias.empty()) {
    json::object bias(body->storage());
    for (const auto& [id, value] : sampling.logit_bias)
      CRIA_RETURN_IF_ERROR(Put(absl::StrCat(id), static_cast<double>(value), &bias));
    (*body)["logit_bias"] = std::move(bias);
  }
  return absl::OkStatus();
}

absl::Status PutGrammar(const RemoteType& type, const std::string& grammar, json::object* body) {
  switch (type.grammar) {
    case GrammarKey::kNone:
      return Lacks(type, "grammars as an answer's format");
    case GrammarKey::kGuidedGrammar:
      (*body)["guided_grammar"] = View(grammar);
      break;
    case GrammarKey::kGrammar:
      (*body)["grammar"] = View(grammar);
      break;
    case GrammarKey::kResponseFormat:
      (*body)["response_format"] = {{"type", "grammar"}, {"grammar", View(grammar)}};
      break;
  }
  return absl::OkStatus();
}

absl::Status PutFormat(const RemoteType& type, const chat::AnswerFormat& format,
                       json::object* body) {
  switch (format.kind) {
    case chat::AnswerFormat::Kind::kText:
      break;
    case chat::AnswerFormat::Kind::kJsonObject:
      (*body)["response_format"] = {{"type", "json_object"}};
      break;
    case chat::AnswerFormat::Kind::kJsonSchema:
      (*body)["response_format"] = {
          {"type", "json_schema"},
          {"json_schema", {{"name", "answer"}, {"schema", format.schema}}}};
      break;
    case chat::AnswerFormat::Kind::kGrammar:
      return PutGrammar(type, format.grammar, body);
  }
  return absl::OkStatus();
}

void PutStream(json::object* body) {
  (*body)["stream"] = true;
  (*body)["stream_options"] = {{"include_usage", true}};
}

json::array IdsOf(const std::vector<text::TokenId>& ids, const json::storage_ptr& storage) {
  json::array list(storage);
  list.reserve(ids.size());
  for (const text::TokenId id : ids) list.emplace_back(id);
  return list;
}

}  // namespace

absl::StatusOr<std::string> ChatBody(const RemoteType& type, const chat::ChatRequest& request,
                                     const std::string& model, std::optional<int64_t> max_tokens) {
  json::monotonic_resource resource;
  json::object body(&resource);
  body["model"] = View(model);
  CRIA_ASSIGN_OR_RETURN(body["messages"], RemoteMessages(request.messages, &resource));
  if (!request.tools.empty()) {
    body["tools"] = RemoteTools(request.tools, &resource);
    if (request.tool_choice != "auto")
      body["tool_choice"] = RemoteToolChoice(request.tool_choice, &resource);
    if (!request.parallel_tool_calls) body["parallel_tool_calls"] = false;
  }
  CRIA_RETURN_IF_ERROR(PutFormat(type, request.format, &body));
  CRIA_RETURN_IF_ERROR(PutSampling(
      type, request.sampling, max_tokens,
      type.needs_max_completion_tokens ? "max_completion_tokens" : "max_tokens", &body));
  if (request.sampling.logprobs >= 0) {
    body["logprobs"] = true;
    if (request.sampling.logprobs > 0) body["top_logprobs"] = request.sampling.logprobs;
  }
  PutStream(&body);
  return json::serialize(body);
}

absl::StatusOr<std::string> CompletionBody(const RemoteType& type,
                                           const chat::CompletionRequest& request,
                                           const std::string& model,
                                           std::optional<int64_t> max_tokens) {
  json::monotonic_resource resource;
  json::object body(&resource);
  body["model"] = View(model);
  if (const auto* text = std::get_if<std::string>(&request.prompt)) {
    body["prompt"] = View(*text);
  } else {
    body["prompt"] = IdsOf(std::get<std::vector<text::TokenId>>(request.prompt), &resource);
  }
  if (request.format.kind != chat::AnswerFormat::Kind::kText && !type.formats_completions)
    return Lacks(type, "answer formats for completions");
  CRIA_RETURN_IF_ERROR(PutFormat(type, request.format, &body));
  CRIA_RETURN_IF_ERROR(PutSampling(type, request.sampling, max_tokens, "max_tokens", &body));
  if (request.sampling.logprobs >= 0) {
    body["logprobs"] = request.sampling.logprobs;
    if (type.kind == RemoteKind::kLlamaStack) body["logprobs"] = true;  // so its API has it
  }
  PutStream(&body);
  return json::serialize(body);
}

absl::StatusOr<std::string> EmbeddingBody(const RemoteType& type,
                                          const chat::EmbeddingRequest& request,
                                          const std::string& model) {
  if (request.truncation != chat::EmbeddingRequest::Truncation::kNone)
    return Lacks(type, "truncation of texts to embed");
  json::monotonic_resource resource;
  json::object body(&resource);
  body["model"] = View(model);
  json::array inputs(&resource);
  for (const auto& input : request.inputs) {
    if (input.index() != request.inputs.front().index())
      return absl::InvalidArgumentError(
          "'input': a remote provider takes either texts or lists of token ids, not both at once");
    if (const auto* text = std::get_if<std::string>(&input)) {
      inputs.push_back(View(*text));
    } else {
      inputs.push_back(IdsOf(std::get<std::vector<text::TokenId>>(input), &resource));
    }
  }
  body["input"] = std::move(inputs);
  body["encoding_format"] = "float";
  return json::serialize(body);
}

}  // namespace cria::provider
