#include "provider/openai_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/quote.h"
#include "provider/openai_embeddings.h"
#include "provider/openai_request.h"
#include "provider/openai_stream.h"
#include "provider/remote_models.h"

namespace cria::provider {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kModelsFresh{10};
constexpr std::chrono::seconds kModelsDeadline{20};
constexpr uint64_t kMaxModelsBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxStreamBytes = uint64_t{1} << 30;
constexpr uint64_t kMaxEmbeddingsBytes = uint64_t{256} << 20;

std::string StringIn(const base::json::object& object, std::string_view key) {
  const base::json::value* value = key.empty() ? nullptr : base::Find(object, key);
  if (value == nullptr || !value->is_string()) return "";
  return {value->get_string().data(), value->get_string().size()};
}

}  // namespace

OpenAiClient::OpenAiClient(RemoteConfig config, RemoteOptions options, HttpPool& pool)
    : config_(std::move(config)), options_(std::move(options)), pool_(pool), health_(pool) {}

absl::StatusOr<std::string> OpenAiClient::RemoteModel(const std::string& model) const {
  std::string name = model;
  if (const auto found = config_.aliases.find(model); found != config_.aliases.end()) {
    name = found->second;
  } else if (options_.alias) {
    if (std::string alias = options_.alias(model); !alias.empty()) name = std::move(alias);
  }
  const std::vector<std::string>& allowed = config_.allowed_models;
  if (allowed.empty() || std::count(allowed.begin(), allowed.end(), name) > 0 ||
      std::count(allowed.begin(), allowed.end(), model) > 0)
    return name;
  return absl::NotFoundError(absl::StrCat(NameWith("").provider, ": the model ", base::Quote(model),
                                          " is not among its allowed_models"));
}

RemoteName OpenAiClient::NameWith(const std::string& key) const {
  RemoteName name;
  name.provider =
      absl::StrCat("provider ", base::Quote(config_.id), " (", std::string(config_.type->type),
                   " at ", ServerOf(config_.base_url), ")");
  name.secret = key;
  const std::string data_key(config_.type->provider_data_key);
  name.key_hint = "check its api_key";
  if (!data_key.empty())
    name.key_hint += absl::StrCat(", or send '", data_key, "' in the provider data of the request");
  return name;
}

// The request's own key, else the configuration's.
absl::StatusOr<std::string> OpenAiClient::KeyFor(const chat::Caller& caller) const {
  const std::string name(config_.type->provider_data_key);
  std::string key = StringIn(caller.provider_data, name);
  if (key.empty()) return config_.api_key;
  CRIA_RETURN_IF_ERROR(CheckHeader("Authorization", key, name));
  return key;
}

absl::Status OpenAiClient::AddCallerHeaders(const chat::Caller& caller,
                                            std::vector<std::string>* headers) {
  if (caller.traceparent.empty()) return absl::OkStatus();
  // What is no trace context is dropped, as W3C's recommendation has it.
  if (CheckHeader("traceparent", caller.traceparent, "traceparent").ok())
    headers->push_back("traceparent: " + caller.traceparent);
  return absl::OkStatus();
}

absl::StatusOr<HttpRequest> OpenAiClient::MakeRequest(const chat::Caller& caller,
                                                      const std::string& path, RemoteName* name) {
  CRIA_ASSIGN_OR_RETURN(const std::string key, KeyFor(caller));
  *name = NameWith(key);
  HttpRequest request;
  request.url = path + config_.query;
  request.settings = config_.http;
  request.headers = config_.headers;
  if (!key.empty())
    request.headers.push_back(absl::StrCat(
        config_.type->key_as_api_key_header ? "api-key: " : "Authorization: Bearer ", key));
  CRIA_RETURN_IF_ERROR(AddCallerHeaders(caller, &request.headers));
  return request;
}

absl::StatusOr<std::unique_ptr<chat::Stream>> OpenAiClient::Start(const chat::Caller& caller,
                                                                  const std::string& path,
                                                                  std::string body,
                                                                  OpenAiAnswerKind kind) {
  CRIA_ASSIGN_OR_RETURN(const std::string api_url, ApiUrl());
  RemoteName name;
  CRIA_ASSIGN_OR_RETURN(HttpRequest request, MakeRequest(caller, api_url + path, &name));
  request.method = HttpRequest::Method::kPost;
  request.headers.push_back("Content-Type: application/json");
  request.headers.push_back("Accept: text/event-stream");
  request.body = std::move(body);
  request.max_body_bytes = kMaxStreamBytes;
  return StartOpenAiStream(pool_, std::move(request), kind, std::move(name));
}

absl::StatusOr<std::unique_ptr<chat::Stream>> OpenAiClient::Chat(const chat::ChatRequest& request) {
  CRIA_ASSIGN_OR_RETURN(const std::string model, RemoteModel(request.model));
  CRIA_ASSIGN_OR_RETURN(std::string body,
                        ChatBody(*config_.type, request, model, config_.max_tokens));
  return Start(request.caller, "/chat/completions", std::move(body), OpenAiAnswerKind::kChat);
}

absl::StatusOr<std::unique_ptr<chat::Stream>> OpenAiClient::Complete(
    const chat::CompletionRequest& request) {
  CRIA_ASSIGN_OR_RETURN(const std::string model, RemoteModel(request.model));
  CRIA_ASSIGN_OR_RETURN(std::string body,
                        CompletionBody(*config_.type, request, model, config_.max_tokens));
  return Start(request.caller, "/completions", std::move(body), OpenAiAnswerKind::kCompletion);
}

absl::StatusOr<chat::Embeddings> OpenAiClient::Embed(const chat::EmbeddingRequest& request) {
  if (request.inputs.empty()) return chat::Embeddings();
  CRIA_ASSIGN_OR_RETURN(const std::string model, RemoteModel(request.model));
  CRIA_ASSIGN_OR_RETURN(std::string body, EmbeddingBody(*config_.type, request, model));
  CRIA_ASSIGN_OR_RETURN(const std::string api_url, ApiUrl());
  RemoteName name;
  CRIA_ASSIGN_OR_RETURN(HttpRequest http,
                        MakeRequest(request.caller, api_url + "/embeddings", &name));
  http.method = HttpRequest::Method::kPost;
  http.headers.push_back("Content-Type: application/json");
  http.body = std::move(body);
  http.max_body_bytes = kMaxEmbeddingsBytes;
  http.idempotent = true;
  const absl::StatusOr<HttpResponse> response = pool_.Fetch(std::move(http));
  if (!response.ok()) return AnnotateRemote(name, response.status());
  if (response->head.status / 100 != 2)
    return RemoteError(name, response->head.status, response->body);
  absl::StatusOr<chat::Embeddings> embeddings =
      ReadEmbeddings(response->body, request.inputs.size());
  if (!embeddings.ok()) return AnnotateRemote(name, embeddings.status());
  return embeddings;
}

absl::StatusOr<int64_t> OpenAiClient::CountTokens(const chat::ChatRequest&) {
  return absl::UnimplementedError(
      absl::StrCat(NameWith("").provider,
                   " can't count tokens: the tokenizers of remote models are not known here"));
}

absl::StatusOr<std::string> OpenAiClient::Get(const std::string& url) {
  RemoteName name;
  CRIA_ASSIGN_OR_RETURN(HttpRequest request, MakeRequest({}, url, &name));
  request.idempotent = true;
  request.deadline = kModelsDeadline;
  request.max_body_bytes = kMaxModelsBytes;
  absl::StatusOr<HttpResponse> response = pool_.Fetch(std::move(request));
  if (!response.ok()) return AnnotateRemote(name, response.status());
  if (response->head.status / 100 != 2)
    return RemoteError(name, response->head.status, response->body);
  return std::move(response->body);
}

absl::StatusOr<std::vector<ModelInfo>> OpenAiClient::Models() {
  const std::lock_guard<std::mutex> lock(models_mutex_);
  if (models_time_ && Clock::now() < *models_time_ + kModelsFresh) return models_;
  CRIA_ASSIGN_OR_RETURN(const std::string api_url, ApiUrl());
  CRIA_ASSIGN_OR_RETURN(const std::string body, Get(ModelsUrl(api_url)));
  absl::StatusOr<std::vector<ModelInfo>> models = ReadModelList(config_.type->kind, body);
  if (!models.ok()) return AnnotateRemote(NameWith(""), models.status());
  const std::vector<std::string>& allowed = config_.allowed_models;
  std::erase_if(*models, [&](const ModelInfo& model) {
    return !allowed.empty() && std::count(allowed.begin(), allowed.end(), model.id) == 0;
  });
  models_ = *std::move(models);
  models_time_ = Clock::now();
  return models_;
}

Health OpenAiClient::health() {
  RemoteName name;
  absl::StatusOr<HttpRequest> request = MakeRequest({}, "", &name);
  if (!request.ok()) return {false, std::string(request.status().message())};
  request->url = HealthUrl();
  return health_.Get(*std::move(request), !config_.api_key.empty());
}

}  // namespace cria::provider
