#include "server/handle_embeddings.h"

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/request_body.h"
#include "server/translate_openai.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

value VectorJson(const std::vector<float>& vector, bool base64) {
  if (base64) {
    std::string bytes(vector.size() * sizeof(float), '\0');
    std::memcpy(bytes.data(), vector.data(), bytes.size());  // little-endian, as OpenAI's
    return value(base::json::string(absl::Base64Escape(bytes)));
  }
  array numbers;
  numbers.reserve(vector.size());
  for (const float number : vector)
    numbers.push_back(base::FiniteOrNull(static_cast<double>(number)));
  return numbers;
}

absl::StatusOr<Reply> CreateEmbeddings(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object body, ReadBody(request, services.schemas, "EmbeddingRequest"));
  CRIA_ASSIGN_OR_RETURN(chat::EmbeddingRequest wanted, EmbeddingRequestFrom(body));
  CRIA_ASSIGN_OR_RETURN(wanted.caller, CallerOf(request));
  const std::string model(body.at("model").as_string());
  CRIA_ASSIGN_OR_RETURN(const chat::Embeddings embeddings,
                        EmbedWithModel(services, model, std::move(wanted)));
  CRIA_ASSIGN_OR_RETURN(const auto dimensions, base::GetInt(body, "dimensions"));
  CRIA_RETURN_IF_ERROR(CheckDimensions("dimensions", dimensions, embeddings));
  CRIA_ASSIGN_OR_RETURN(const auto format, base::GetString(body, "encoding_format"));
  array data;
  for (const std::vector<float>& vector : embeddings.vectors)
    data.push_back(object{{"object", "embedding"},
                          {"index", data.size()},
                          {"embedding", VectorJson(vector, format == "base64")}});
  return JsonReply(object{
      {"object", "list"},
      {"data", std::move(data)},
      {"model", model},
      {"usage",
       {{"prompt_tokens", embeddings.prompt_tokens}, {"total_tokens", embeddings.prompt_tokens}}}});
}

}  // namespace

absl::StatusOr<chat::Embeddings> EmbedWithModel(const Services& services, const std::string& model,
                                                chat::EmbeddingRequest request) {
  CRIA_ASSIGN_OR_RETURN(const stack::InferenceRoute route, services.router.Route(model));
  request.model = route.model.provider_model_id;
  return route.provider->Embed(request);
}

absl::Status CheckDimensions(const char* field, const std::optional<int64_t>& wanted,
                             const chat::Embeddings& embeddings) {
  if (!wanted || embeddings.vectors.empty()) return absl::OkStatus();
  const auto size = static_cast<int64_t>(embeddings.vectors.front().size());
  if (*wanted == size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": the model's vectors have ", size,
                   " numbers, and cutting them is nothing it was made for: expected ", size,
                   " or no ", field, ", found ", *wanted));
}

void AddEmbeddingRoutes(const Services& services, const std::string& prefix, bool deprecated,
                        Router* router) {
  AddWorkerRoute(services,
                 {"POST", prefix + "/embeddings", CreateEmbeddings, "createEmbedding",
                  "A vector for each text", "EmbeddingRequest", "EmbeddingResponse"},
                 "Inference", "v1", deprecated, router);
}

}  // namespace cria::server
