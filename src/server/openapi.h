// The OpenAPI 3.1 document, made of the tables that route and check.
#ifndef CRIA_SERVER_OPENAPI_H_
#define CRIA_SERVER_OPENAPI_H_

#include <string>
#include <string_view>

#include "api/schema.h"
#include "base/json.h"
#include "server/router.h"

namespace cria::server {

// A route whose request schema is this takes a form instead of JSON.
inline constexpr std::string_view kMultipartSchema = "FileUpload";

// https://spec.openapis.org/oas/v3.1.0
base::json::object OpenApiDocument(const Router& router, const api::SchemaSet& schemas,
                                   std::string_view version);

// A page that shows /openapi.json; it needs nothing from elsewhere.
std::string OpenApiPage();

}  // namespace cria::server

#endif  // CRIA_SERVER_OPENAPI_H_
