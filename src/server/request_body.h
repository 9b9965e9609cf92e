// The JSON body of a request, checked against its schema.
#ifndef CRIA_SERVER_REQUEST_BODY_H_
#define CRIA_SERVER_REQUEST_BODY_H_

#include <string_view>

#include "api/schema.h"
#include "base/json.h"
#include "base/status.h"
#include "server/exchange.h"

namespace cria::server {

// kInvalidArgument, with the fields that are wrong, unless `value` is as `schema` says. `where` is
// in front of their places: {"body", "items", 0}.
absl::Status CheckAgainst(const api::SchemaSet& schemas, std::string_view schema,
                          const base::json::value& value, const base::json::array& where);

// kInvalidArgument, with the fields that are wrong, unless the body is an object as `schema` says.
absl::StatusOr<base::json::object> ReadBody(const Request& request, const api::SchemaSet& schemas,
                                            std::string_view schema);

// The same for query parameters: numbers and booleans are read from their text.
absl::StatusOr<base::json::object> ReadQuery(const Request& request, const api::SchemaSet& schemas,
                                             std::string_view schema);

}  // namespace cria::server

#endif  // CRIA_SERVER_REQUEST_BODY_H_
