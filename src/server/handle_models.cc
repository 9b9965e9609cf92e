#include "server/handle_models.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/request_body.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

std::string_view TypeName(provider::ModelType type) {
  return type == provider::ModelType::kEmbedding ? "embedding" : "llm";
}

// Llama Stack's shape and OpenAI's at once: the clients of either skip what they don't know.
object ModelJson(const Services& services, const stack::RegisteredModel& model) {
  object custom = model.metadata;
  custom["model_type"] = TypeName(model.type);
  custom["provider_id"] = model.provider_id;
  custom["provider_resource_id"] = model.provider_resource_id;
  return {{"identifier", model.identifier},
          {"provider_resource_id", model.provider_resource_id},
          {"provider_id", model.provider_id},
          {"type", "model"},
          {"model_type", TypeName(model.type)},
          {"metadata", model.metadata},
          {"id", model.identifier},
          {"object", "model"},
          {"created", services.started},
          {"owned_by", model.provider_id},
          {"custom_metadata", std::move(custom)}};
}

// As the first release showed what it served.
object ServingSpec(const Services& services, const stack::RegisteredModel& model) {
  return {
      {"llama_model",
       {{"core_model_id", model.identifier}, {"provider_resource_id", model.provider_resource_id}}},
      {"provider_config", {{"provider_id", model.provider_id}, {"config", object{}}}},
      {"identifier", model.identifier},
      {"model", ModelJson(services, model)}};
}

// A list, or one item a line where the client asks for that.
Reply BareList(const Request& request, const array& items) {
  const std::string* accept = request.Header("accept");
  if (accept == nullptr || !absl::StrContains(*accept, "application/jsonl"))
    return JsonReply(items);
  Reply reply;
  reply.content_type = "application/jsonl";
  for (const value& item : items) absl::StrAppend(&reply.body, base::json::serialize(item), "\n");
  return reply;
}

absl::StatusOr<Reply> ListModels(const Services& services, const Request&) {
  array models;
  for (const stack::RegisteredModel& model : services.registry.List())
    models.push_back(ModelJson(services, model));
  return JsonReply(object{{"object", "list"}, {"data", std::move(models)}});
}

absl::StatusOr<Reply> ListBareModels(const Services& services, const Request& request) {
  array models;
  for (const stack::RegisteredModel& model : services.registry.List())
    models.push_back(ModelJson(services, model));
  return BareList(request, models);
}

absl::StatusOr<Reply> ListServingSpecs(const Services& services, const Request& request) {
  array specs;
  for (const stack::RegisteredModel& model : services.registry.List())
    specs.push_back(ServingSpec(services, model));
  return BareList(request, specs);
}

absl::StatusOr<Reply> GetModel(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const stack::RegisteredModel model,
                        services.registry.Find(request.path_params.at("model_id")));
  return JsonReply(ModelJson(services, model));
}

// By a query parameter, under any name that it has had. An unknown model is null, as it was then.
template <object (*Json)(const Services&, const stack::RegisteredModel&)>
absl::StatusOr<Reply> GetByQuery(const Services& services, const Request& request) {
  for (const char* name : {"core_model_id", "identifier", "model_id"}) {
    const std::string* id = request.Query(name);
    if (id == nullptr) continue;
    const auto model = services.registry.Find(*id);
    return JsonReply(model.ok() ? value(Json(services, *model)) : value(nullptr));
  }
  return absl::InvalidArgumentError("identifier: expected the name of a model, found nothing");
}

absl::StatusOr<Reply> RegisterModel(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "RegisterModelRequest"));
  stack::RegisteredModel model;
  model.identifier = body.at("model_id").as_string();
  CRIA_ASSIGN_OR_RETURN(const auto provider, base::GetString(body, "provider_id"));
  model.provider_id = provider.value_or("");
  CRIA_ASSIGN_OR_RETURN(const auto resource, base::GetString(body, "provider_model_id"));
  model.provider_resource_id = resource.value_or(model.identifier);
  CRIA_ASSIGN_OR_RETURN(const auto type, base::GetString(body, "model_type"));
  if (type == "rerank")
    return absl::UnimplementedError(
        "model_type: models that rank are not served: expected llm or "
        "embedding");
  if (type == "embedding") model.type = provider::ModelType::kEmbedding;
  if (const object* metadata = base::FindObject(body, "metadata")) model.metadata = *metadata;
  CRIA_ASSIGN_OR_RETURN(const stack::RegisteredModel registered,
                        services.registry.Register(std::move(model)));
  return JsonReply(ModelJson(services, registered));
}

Reply Nothing() {
  Reply reply;
  reply.body = "null";
  return reply;
}

absl::StatusOr<Reply> UnregisterModel(const Services& services, const Request& request) {
  CRIA_RETURN_IF_ERROR(services.registry.Unregister(request.path_params.at("model_id")));
  return Nothing();
}

absl::StatusOr<Reply> UnregisterByBody(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "UnregisterModelRequest"));
  CRIA_RETURN_IF_ERROR(services.registry.Unregister(std::string(body.at("model_id").as_string())));
  return Nothing();
}

}  // namespace

void AddModelRoutes(const Services& services, Router* router) {
  const auto add = [&](const char* generation, bool deprecated, const WorkerRoute& route) {
    AddWorkerRoute(services, route, "Models", generation, deprecated, router);
  };
  add("v1", false, {"GET", "/v1/models", ListModels, "listModels", "All models", "", "ModelList"});
  add("v1", false,
      {"GET", "/v1/models/{model_id:path}", GetModel, "getModel", "One model", "", "Model"});
  add("v1", true,
      {"POST", "/v1/models", RegisterModel, "registerModel", "Give a model a name",
       "RegisterModelRequest", "Model"});
  add("v1", true,
      {"DELETE", "/v1/models/{model_id:path}", UnregisterModel, "unregisterModel",
       "Forget a model's name"});
  add("v1", true,
      {"GET", "/v1/openai/v1/models", ListModels, "listModels", "All models", "", "ModelList"});
  add("v1", true,
      {"GET", "/v1/openai/v1/models/{model_id:path}", GetModel, "getModel", "One model", "",
       "Model"});
  add("alpha", true,
      {"GET", "/alpha/models/list", ListBareModels, "listModels", "All models", "", "BareModels"});
  add("alpha", true,
      {"GET", "/alpha/models/get", GetByQuery<ModelJson>, "getModel", "One model",
       "LaunchModelQuery", "Model"});
  add("alpha", true,
      {"POST", "/alpha/models/register", RegisterModel, "registerModel", "Give a model a name",
       "RegisterModelRequest", "Model"});
  add("alpha", true,
      {"POST", "/alpha/models/unregister", UnregisterByBody, "unregisterModel",
       "Forget a model's name", "UnregisterModelRequest"});
  add("launch", true,
      {"GET", "/models/list", ListServingSpecs, "listModels", "All models", "", "LaunchModels"});
  add("launch", true,
      {"GET", "/models/get", GetByQuery<ServingSpec>, "getModel", "One model", "LaunchModelQuery",
       "LaunchModel"});
}

}  // namespace cria::server
