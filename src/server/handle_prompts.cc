#include "server/handle_prompts.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/quote.h"
#include "server/access.h"
#include "server/errors.h"
#include "server/request_body.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::object;

object PromptJson(const store::Prompt& prompt) {
  return {{"prompt", prompt.content.text},
          {"version", prompt.version},
          {"prompt_id", prompt.id},
          {"variables", base::json::value_from(prompt.content.variables)},
          {"is_default", prompt.is_default}};
}

Reply ListJson(const std::vector<store::Prompt>& prompts) {
  base::json::array data;
  for (const store::Prompt& prompt : prompts) data.push_back(PromptJson(prompt));
  return JsonReply(object{{"data", std::move(data)}});
}

// The prompt that the path names, if the caller may see it.
absl::StatusOr<store::Prompt> Find(const Services& services, const Request& request,
                                   std::optional<int64_t> version = std::nullopt) {
  const std::string& id = request.path_params.at("prompt_id");
  if (!id.starts_with("pmpt_")) {
    ErrorDetails details;
    details.param = "prompt_id";
    return WithDetails(absl::InvalidArgumentError(
                           absl::StrCat("Invalid 'prompt_id': ", base::Quote(id),
                                        ". Expected an ID of the form 'pmpt_<48 hex digits>'.")),
                       details);
  }
  CRIA_ASSIGN_OR_RETURN(store::Prompt found, services.store.prompts().Get(id, version));
  if (!MaySee(CallerAsOwner(request), found.owner))
    return absl::NotFoundError(absl::StrCat("no such prompt ", base::Quote(id)));
  return found;
}

store::PromptText TextOf(const object& body) {
  store::PromptText content;
  content.text = body.at("prompt").get_string();
  if (const auto* variables = base::FindArray(body, "variables"))
    for (const base::json::value& name : *variables)
      content.variables.emplace_back(name.get_string());
  return content;
}

absl::StatusOr<Reply> Create(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "CreatePromptRequest"));
  CRIA_ASSIGN_OR_RETURN(const store::Prompt made,
                        services.store.prompts().Create(TextOf(body), CallerAsOwner(request)));
  return JsonReply(PromptJson(made));
}

absl::StatusOr<Reply> List(const Services& services, const Request& request) {
  const store::ListOptions options =
      ListOptionsFrom(request, {}, store::kMaxPageItems, store::Order::kDescending);
  CRIA_ASSIGN_OR_RETURN(const auto page,
                        services.store.prompts().List(options, store::PromptVersion::kDefault));
  return ListJson(page.items);
}

absl::StatusOr<Reply> Get(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object query, ReadQuery(request, services.schemas, "PromptQuery"));
  CRIA_ASSIGN_OR_RETURN(const auto version, base::GetInt(query, "version"));
  CRIA_ASSIGN_OR_RETURN(const store::Prompt found, Find(services, request, version));
  return JsonReply(PromptJson(found));
}

absl::StatusOr<Reply> Update(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Prompt found, Find(services, request));
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "UpdatePromptRequest"));
  CRIA_ASSIGN_OR_RETURN(const auto version, base::GetInt(body, "version"));
  CRIA_ASSIGN_OR_RETURN(const auto set_as_default, base::GetBool(body, "set_as_default"));
  CRIA_ASSIGN_OR_RETURN(const store::Prompt updated,
                        services.store.prompts().AddVersion(found.id, *version, TextOf(body),
                                                            set_as_default.value_or(true)));
  return JsonReply(PromptJson(updated));
}

absl::StatusOr<Reply> SetDefaultVersion(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Prompt found, Find(services, request));
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "SetDefaultVersionRequest"));
  CRIA_ASSIGN_OR_RETURN(const auto version, base::GetInt(body, "version"));
  CRIA_ASSIGN_OR_RETURN(const store::Prompt updated,
                        services.store.prompts().SetDefault(found.id, *version));
  return JsonReply(PromptJson(updated));
}

absl::StatusOr<Reply> ListVersions(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Prompt found, Find(services, request));
  CRIA_ASSIGN_OR_RETURN(const std::vector<store::Prompt> versions,
                        services.store.prompts().Versions(found.id));
  return ListJson(versions);
}

absl::StatusOr<Reply> Delete(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Prompt found, Find(services, request));
  CRIA_RETURN_IF_ERROR(services.store.prompts().Delete(found.id));
  Reply reply;
  reply.status = 204;
  reply.content_type.clear();
  return reply;
}

}  // namespace

void AddPromptRoutes(const Services& services, const std::string& prefix, bool deprecated,
                     Router* router) {
  const std::string all = prefix + "/prompts", one = all + "/{prompt_id}",
                    set_default = one + "/set-default-version";
  const WorkerRoute routes[] = {
      {"GET", all, List, "listPrompts", "The default version of every prompt", "", "PromptList"},
      {"POST", all, Create, "createPrompt", "Make a prompt", "CreatePromptRequest", "Prompt"},
      {"GET", one, Get, "getPrompt", "One version of a prompt", "PromptQuery", "Prompt"},
      {"DELETE", one, Delete, "deletePrompt", "Delete a prompt with all its versions"},
      {"GET", one + "/versions", ListVersions, "listPromptVersions", "All versions of a prompt", "",
       "PromptList"}};
  for (const WorkerRoute& route : routes)
    AddWorkerRoute(services, route, "Prompts", "v1", deprecated, router);
  for (const bool is_put : {true, false}) {
    const char* method = is_put ? "PUT" : "POST";
    const WorkerRoute changes[] = {
        {method, one, Update, is_put ? "updatePrompt" : "updatePromptByPost",
         "Add a version to a prompt", "UpdatePromptRequest", "Prompt"},
        {method, set_default, SetDefaultVersion,
         is_put ? "setDefaultVersion" : "setDefaultVersionByPost",
         "Choose a prompt's default version", "SetDefaultVersionRequest", "Prompt"}};
    for (const WorkerRoute& route : changes)
      AddWorkerRoute(services, route, "Prompts", "v1", deprecated || !is_put, router);
  }
}

}  // namespace cria::server
