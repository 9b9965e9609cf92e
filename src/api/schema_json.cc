// Schemas as JSON Schema (https://json-schema.org/draft/2020-12).
#include "absl/strings/str_cat.h"
#include "api/schema_type.h"

namespace cria::api {
namespace {

using Kind = SchemaType::Kind;

base::json::object Plain(std::string_view type, const SchemaType& schema) {
  base::json::object out{{"type", type}};
  const bool text = schema.kind == Kind::kString;
  const auto number = [&](double value) -> base::json::value {
    if (schema.kind == Kind::kNumber) return value;
    return static_cast<int64_t>(value);
  };
  if (schema.least) out[text ? "minLength" : "minimum"] = number(*schema.least);
  if (schema.most) out[text ? "maxLength" : "maximum"] = number(*schema.most);
  return out;
}

base::json::object Object(const SchemaType& schema) {
  base::json::object properties;
  base::json::array required;
  for (const SchemaType::Field& field : schema.fields) {
    base::json::object type = ToJsonSchema(field.type);
    if (field.optional && field.type.kind != Kind::kAny)
      type = base::json::object{{"anyOf", base::json::array{type, {{"type", "null"}}}}};
    if (field.fallback) type["default"] = *field.fallback;
    properties[field.name] = std::move(type);
    if (!field.optional) required.push_back(base::json::string(field.name));
  }
  base::json::object out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

}  // namespace

base::json::object ToJsonSchema(const SchemaType& type) {
  switch (type.kind) {
    case Kind::kAny:
      return {};
    case Kind::kNull:
      return {{"type", "null"}};
    case Kind::kBool:
      return {{"type", "boolean"}};
    case Kind::kInt:
      return Plain("integer", type);
    case Kind::kNumber:
      return Plain("number", type);
    case Kind::kString:
      return Plain("string", type);
    case Kind::kFreeObject:
      return {{"type", "object"}};
    case Kind::kEnum:
      return {{"type", "string"}, {"enum", base::json::value_from(type.values)}};
    case Kind::kArray:
      return {{"type", "array"}, {"items", ToJsonSchema(type.parts.front())}};
    case Kind::kMap:
      return {{"type", "object"}, {"additionalProperties", ToJsonSchema(type.parts.front())}};
    case Kind::kObject:
      return Object(type);
    case Kind::kReference:
      return {{"$ref", absl::StrCat("#/components/schemas/", type.name)}};
    case Kind::kUnion:
      break;
  }
  base::json::array parts;
  for (const SchemaType& part : type.parts) parts.push_back(ToJsonSchema(part));
  return {{"anyOf", std::move(parts)}};
}

}  // namespace cria::api
