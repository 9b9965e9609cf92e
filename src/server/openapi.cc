#include "server/openapi.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/handle_unbuilt.h"

namespace cria::server {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

// "/v1/models/{model_id:path}" as OpenAPI writes it, and the parameters' names.
struct Template {
  std::string path;
  std::vector<std::string> names;
};

Template TemplateOf(const std::string& pattern) {
  Template out;
  for (size_t at = 0; at < pattern.size();) {
    const size_t open = pattern.find('{', at);
    if (open == std::string::npos) {
      out.path += pattern.substr(at);
      break;
    }
    const size_t close = pattern.find('}', open);
    const std::string inside = pattern.substr(open + 1, close - open - 1);
    const std::string name = inside.substr(0, inside.find(':'));
    absl::StrAppend(&out.path, pattern.substr(at, open - at), "{", name, "}");
    out.names.push_back(name);
    at = close + 1;
  }
  return out;
}

object Reference(const std::string& schema) {
  return {{"$ref", absl::StrCat("#/components/schemas/", schema)}};
}

object JsonContent(const std::string& schema) {
  return {{"application/json", {{"schema", Reference(schema)}}}};
}

array Parameters(const Route& route, const Template& path, const api::SchemaSet& schemas) {
  array out;
  for (const std::string& name : path.names)
    out.push_back(object{{"name", name},
                         {"in", "path"},
                         {"required", true},
                         {"schema", {{"type", "string"}, {"minLength", 1}}}});
  if (route.method != "GET" || route.info.request_schema.empty()) return out;
  for (api::SchemaSet::Parameter& parameter : schemas.Parameters(route.info.request_schema))
    out.push_back(object{{"name", parameter.name},
                         {"in", "query"},
                         {"required", parameter.required},
                         {"schema", std::move(parameter.schema)}});
  return out;
}

// Whether an answer may come in pieces: where the request can ask for it.
bool MayStream(const Route& route, const api::SchemaSet& schemas) {
  if (route.method != "POST" || !schemas.Has(route.info.request_schema)) return false;
  for (const auto& parameter : schemas.Parameters(route.info.request_schema))
    if (parameter.name == "stream") return true;
  return false;
}

object Responses(const Route& route, const api::SchemaSet& schemas) {
  object right{{"description", "Done"}};
  if (!route.info.response_schema.empty()) {
    object content = JsonContent(route.info.response_schema);
    if (MayStream(route, schemas))
      content["text/event-stream"] = object{{"schema", {{"type", "string"}}}};
    right["content"] = std::move(content);
  }
  return {{"200", std::move(right)},
          {"default", {{"description", "What went wrong"}, {"content", JsonContent("ErrorBody")}}}};
}

object Operation(const Route& route, const Template& path, const api::SchemaSet& schemas,
                 std::set<std::string>* ids) {
  const RouteInfo& info = route.info;
  std::string id = absl::StrCat(info.generation, "_", info.operation_id);
  for (int n = 2; !ids->insert(id).second; ++n)
    id = absl::StrCat(info.generation, "_", info.operation_id, "_", n);
  object out{{"operationId", id},
             {"summary", info.summary},
             {"tags", array{base::json::string(info.tag)}},
             {"responses", Responses(route, schemas)}};
  if (info.deprecated) out["deprecated"] = true;
  array parameters = Parameters(route, path, schemas);
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (route.method != "GET" && schemas.Has(info.request_schema)) {
    const bool form = info.request_schema == kMultipartSchema;
    out["requestBody"] = object{{"required", true},
                                {"content",
                                 {{form ? "multipart/form-data" : "application/json",
                                   {{"schema", Reference(info.request_schema)}}}}}};
  }
  return out;
}

}  // namespace

object OpenApiDocument(const Router& router, const api::SchemaSet& schemas,
                       std::string_view version) {
  object paths;
  std::set<std::string> ids;
  for (const Route& route : router.routes()) {
    if (route.info.generation == kUnbuiltGeneration) continue;
    const Template path = TemplateOf(route.pattern);
    value& item = paths[path.path];
    if (!item.is_object()) item = object();
    item.as_object()[absl::AsciiStrToLower(route.method)] = Operation(route, path, schemas, &ids);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Cria: the Llama Stack API of every generation"},
            {"version", version},
            {"license", {{"name", "Apache-2.0"}}}}},
          {"servers", array{object{{"url", "/"}}}},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas", schemas.ToJsonSchemas()},
            {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

std::string OpenApiPage() {
  return R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Cria</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
input { font: inherit; width: 100%; padding: .4rem .6rem; box-sizing: border-box; margin: 1rem 0; }
details { border-top: 1px solid #8884; padding: .35rem 0; }
summary { cursor: pointer; display: flex; gap: .8rem; align-items: baseline; }
.verb { font-weight: 600; width: 4rem; flex: none; }
.path, pre { font-family: ui-monospace, monospace; }
.note { color: #888; margin-left: auto; text-align: right; }
.old .path { opacity: .65; }
pre { overflow: auto; padding: .8rem; background: #8881; border-radius: .3rem; }
</style></head><body>
<h1>Cria</h1>
<p id="about">Loading <a href="/openapi.json">/openapi.json</a> ...</p>
<input id="filter" type="search" placeholder="Find a route" aria-label="Find a route">
<main id="routes"></main>
<script>
const make = (tag, text, name) => {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (name) node.className = name;
  return node;
};
const show = (spec) => {
  document.getElementById('about').textContent =
    `${spec.info.title}, version ${spec.info.version}. Deprecated routes are those of earlier releases: they go on working.`;
  const rows = [];
  for (const [path, verbs] of Object.entries(spec.paths))
    for (const [verb, operation] of Object.entries(verbs)) {
      const row = make('details', '', operation.deprecated ? 'old' : '');
      const head = make('summary');
      head.append(make('span', verb.toUpperCase(), 'verb'), make('span', path, 'path'),
                  make('span', operation.summary, 'note'));
      row.append(head);
      row.addEventListener('toggle', () => {
        if (!row.open || row.children.length > 1) return;
        const seen = new Set();
        const body = operation.requestBody && Object.values(operation.requestBody.content)[0].schema;
        const add = (name) => {
          if (!name || seen.has(name)) return;
          seen.add(name);
          row.append(make('strong', name), make('pre', JSON.stringify(spec.components.schemas[name], null, 1)));
        };
        if (operation.parameters) row.append(make('pre', JSON.stringify(operation.parameters, null, 1)));
        add(body && body.$ref && body.$ref.split('/').pop());
        const answer = operation.responses['200'].content;
        add(answer && answer['application/json'].schema.$ref.split('/').pop());
      });
      rows.push([`${verb} ${path} ${operation.summary}`.toLowerCase(), row]);
    }
  const draw = () => {
    const wanted = document.getElementById('filter').value.toLowerCase();
    document.getElementById('routes').replaceChildren(
      ...rows.filter(([text]) => text.includes(wanted)).map(([, row]) => row));
  };
  document.getElementById('filter').addEventListener('input', draw);
  draw();
};
fetch('/openapi.json').then((answer) => answer.json()).then(show);
</script></body></html>
)";
}

}  // namespace cria::server
