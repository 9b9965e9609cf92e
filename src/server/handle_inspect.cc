#include "server/handle_inspect.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/handle_unbuilt.h"
#include "server/openapi.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;
using boost::asio::awaitable;

constexpr char kVersion[] = "0.1.0";

awaitable<void> SendJson(Exchange& exchange, value body) {
  Reply reply = JsonReply(body);
  co_await exchange.Send(std::move(reply));
}

// A route whose answer needs nobody to wait.
using Immediate = value (*)(const Services& services, const Router& router);

void AddImmediate(const Services& services, Immediate make, const char* pattern,
                  const RouteInfo& info, Router* router) {
  router->Add({"GET",
               pattern,
               [&services, router, make](Exchange& exchange) {
                 return SendJson(exchange, make(services, *router));
               },
               info,
               {}});
}

value HealthJson(const Services&, const Router&) { return object{{"status", "OK"}}; }

value VersionJson(const Services&, const Router&) {
  return object{{"version", kVersion}, {"server", "cria"}};
}

// What a provider says of itself; only inference providers are asked.
object ProviderHealth(const Services& services, const std::string& api, const std::string& id) {
  const auto found = services.router.providers().find(id);
  if (api != "inference" || found == services.router.providers().end()) return {{"status", "OK"}};
  const provider::Health health = found->second->health();
  object out{{"status", health.ok ? "OK" : "Error"}};
  if (!health.message.empty()) out["message"] = health.message;
  return out;
}

object ProviderJson(const Services& services, const std::string& api,
                    const stack::ProviderEntry& entry) {
  return {{"api", api},
          {"provider_id", entry.id},
          {"provider_type", entry.type},
          {"config", stack::RedactedConfig(entry)},
          {"health", ProviderHealth(services, api, entry.id)}};
}

absl::StatusOr<Reply> ListProviders(const Services& services, const Request&) {
  array data;
  for (const auto& [api, entries] : services.config.providers)
    for (const stack::ProviderEntry& entry : entries)
      data.push_back(ProviderJson(services, api, entry));
  return JsonReply(object{{"data", std::move(data)}});
}

// Up to 0.0.53: by API.
absl::StatusOr<Reply> MapProviders(const Services& services, const Request&) {
  object by_api;
  for (const auto& [api, entries] : services.config.providers) {
    array list;
    for (const stack::ProviderEntry& entry : entries)
      list.push_back(ProviderJson(services, api, entry));
    by_api[api] = std::move(list);
  }
  return JsonReply(by_api);
}

absl::StatusOr<Reply> GetProvider(const Services& services, const Request& request) {
  const std::string& id = request.path_params.at("provider_id");
  std::string known;
  for (const auto& [api, entries] : services.config.providers) {
    for (const stack::ProviderEntry& entry : entries) {
      if (entry.id == id) return JsonReply(ProviderJson(services, api, entry));
      absl::StrAppend(&known, known.empty() ? "" : ", ", entry.id);
    }
  }
  return absl::NotFoundError(absl::StrCat("there is no provider '", id, "'; there are: ", known));
}

object RouteJson(const Services& services, const Route& route) {
  array types;
  const auto entries = services.config.providers.find("inference");
  if (route.info.tag == "Inference" && entries != services.config.providers.end())
    for (const stack::ProviderEntry& entry : entries->second)
      types.emplace_back(base::json::string(entry.type));
  return {{"route", route.pattern}, {"method", route.method}, {"provider_types", std::move(types)}};
}

bool IsServed(const Route& route) { return route.info.generation != kUnbuiltGeneration; }

value RoutesJson(const Services& services, const Router& router) {
  array data;
  for (const Route& route : router.routes())
    if (IsServed(route)) data.push_back(RouteJson(services, route));
  return object{{"data", std::move(data)}};
}

value RoutesByTag(const Services& services, const Router& router) {
  object by_tag;
  for (const Route& route : router.routes()) {
    if (!IsServed(route)) continue;
    value& list = by_tag[route.info.tag];
    if (!list.is_array()) list = array();
    list.as_array().push_back(RouteJson(services, route));
  }
  return by_tag;
}

value OpenApiJson(const Services& services, const Router& router) {
  return OpenApiDocument(router, services.schemas, kVersion);
}

awaitable<void> SendPage(Exchange& exchange) {
  Reply reply;
  reply.content_type = "text/html; charset=utf-8";
  reply.body = OpenApiPage();
  co_await exchange.Send(std::move(reply));
}

RouteInfo Info(const char* operation, const char* summary, const char* generation,
               bool deprecated) {
  RouteInfo info;
  info.operation_id = operation;
  info.summary = summary;
  info.tag = "Inspect";
  info.generation = generation;
  info.deprecated = deprecated;
  return info;
}

void AddHealthAndVersion(const Services& services, Router* router) {
  struct Place {
    const char *pattern, *generation;
    bool deprecated;
  };
  constexpr Place kHealth[] = {{"/v1/health", "v1", false},
                               {"/v1alpha/admin/health", "v1alpha", false},
                               {"/alpha/health", "alpha", true},
                               {"/health", "launch", true},
                               {"/healthcheck", "launch", true}};
  for (const Place& place : kHealth)
    AddImmediate(services, HealthJson, place.pattern,
                 Info("health", "Whether the server answers", place.generation, place.deprecated),
                 router);
  constexpr Place kVersions[] = {{"/v1/version", "v1", false},
                                 {"/v1alpha/admin/version", "v1alpha", false},
                                 {"/alpha/version", "alpha", true}};
  for (const Place& place : kVersions)
    AddImmediate(services, VersionJson, place.pattern,
                 Info("version", "The server's version", place.generation, place.deprecated),
                 router);
  constexpr Place kRoutes[] = {{"/v1/inspect/routes", "v1", false},
                               {"/v1alpha/admin/inspect/routes", "v1alpha", false}};
  for (const Place& place : kRoutes)
    AddImmediate(services, RoutesJson, place.pattern,
                 Info("listRoutes", "All routes", place.generation, place.deprecated), router);
  constexpr Place kOldRoutes[] = {{"/alpha/routes/list", "alpha", true},
                                  {"/routes/list", "launch", true}};
  for (const Place& place : kOldRoutes)
    AddImmediate(services, RoutesByTag, place.pattern,
                 Info("listRoutes", "All routes", place.generation, place.deprecated), router);
}

void AddProviders(const Services& services, Router* router) {
  const auto add = [&](const char* generation, bool deprecated, const char* pattern,
                       ReplyFunction function, const char* operation) {
    AddWorkerRoute(services, {"GET", pattern, function, operation, "Who answers for which API"},
                   "Inspect", generation, deprecated, router);
  };
  add("v1", false, "/v1/providers", ListProviders, "listProviders");
  add("v1", false, "/v1/providers/{provider_id}", GetProvider, "getProvider");
  add("v1alpha", false, "/v1alpha/admin/providers", ListProviders, "listProviders");
  add("v1alpha", false, "/v1alpha/admin/providers/{provider_id}", GetProvider, "getProvider");
  add("v1", true, "/v1/inspect/providers", ListProviders, "listProviders");
  add("alpha", true, "/alpha/providers/list", MapProviders, "listProviders");
  add("launch", true, "/providers/list", MapProviders, "listProviders");
}

}  // namespace

void AddInspectRoutes(const Services& services, Router* router) {
  AddHealthAndVersion(services, router);
  AddProviders(services, router);
  AddImmediate(services, OpenApiJson, "/openapi.json",
               Info("openapi", "This document", "v1", false), router);
  for (const char* pattern : {"/", "/docs"})
    router->Add({"GET",
                 pattern,
                 SendPage,
                 Info("docs", "A page that shows the document", "v1", false),
                 {}});
}

}  // namespace cria::server
