#include "server/request_body.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "server/errors.h"

namespace cria::server {
namespace {

// A query parameter has no type: it is what its text can be read as and the schema asks for.
base::json::value Guess(const std::string& text, const base::json::object& schema) {
  const std::string wanted = base::json::serialize(schema);
  const auto asks_for = [&](std::string_view type) {
    return wanted.find(absl::StrCat("\"type\":\"", std::string(type), "\"")) != std::string::npos;
  };
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (asks_for("integer") && error == std::errc() && end == text.data() + text.size())
    return number;
  if (asks_for("boolean") && (text == "true" || text == "false")) return text == "true";
  return base::json::string(text);
}

}  // namespace

absl::Status CheckAgainst(const api::SchemaSet& schemas, std::string_view schema,
                          const base::json::value& value, const base::json::array& where) {
  std::vector<FieldError> fields;
  for (api::FieldError& error : schemas.Check(schema, value)) {
    FieldError field;
    field.location = where;
    for (const auto& step : error.location) {
      if (const auto* index = std::get_if<int64_t>(&step)) {
        field.location.emplace_back(*index);
      } else {
        field.location.emplace_back(base::json::string(std::get<std::string>(step)));
      }
    }
    field.message = std::move(error.message);
    field.type = std::move(error.type);
    fields.push_back(std::move(field));
  }
  return fields.empty() ? absl::OkStatus() : ValidationError(std::move(fields));
}

absl::StatusOr<base::json::object> ReadBody(const Request& request, const api::SchemaSet& schemas,
                                            std::string_view schema) {
  auto value = base::ParseJson(request.body, "the body");
  if (!value.ok()) {
    FieldError error;
    error.location.emplace_back("body");
    error.message = absl::StrCat("expected JSON: ", value.status().message());
    error.type = "json_invalid";
    return ValidationError({std::move(error)});
  }
  CRIA_RETURN_IF_ERROR(CheckAgainst(schemas, schema, *value, {"body"}));
  return std::move(value->as_object());
}

absl::StatusOr<base::json::object> ReadQuery(const Request& request, const api::SchemaSet& schemas,
                                             std::string_view schema) {
  base::json::object query;
  for (const api::SchemaSet::Parameter& parameter : schemas.Parameters(schema)) {
    const std::string* text = request.Query(parameter.name);
    if (text != nullptr) query[parameter.name] = Guess(*text, parameter.schema);
  }
  CRIA_RETURN_IF_ERROR(CheckAgainst(schemas, schema, query, {"query"}));
  return query;
}

}  // namespace cria::server
