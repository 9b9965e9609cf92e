#include "text/tool_definition_json.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "text/message_error.h"

namespace cria::text {
namespace {

namespace json = base::json;

constexpr size_t kMaxNameLength = 128;

bool IsToolName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameLength) return false;
  for (char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && std::string_view("_-.:/").find(c) == std::string_view::npos)
      return false;
  }
  return true;
}

absl::StatusOr<std::string> StringOr(const json::object& object, std::string_view key,
                                     const std::string& where) {
  auto text = base::GetString(object, key);
  if (!text.ok()) return base::Annotate(text.status(), where);
  return text->value_or("");
}

// JSON Schema of an object: "properties" maps names to schemas, "required" lists names.
absl::StatusOr<json::object> CheckedSchema(json::object schema, const std::string& where) {
  const json::value* type = base::Find(schema, "type");
  if (type != nullptr && *type != "object" && *type != "dict")
    return Expected(where + ".type", "'object'", json::serialize(*type));
  schema["type"] = "object";
  const json::value* properties = base::Find(schema, "properties");
  if (properties == nullptr) {
    schema["properties"] = json::object();
  } else if (!properties->is_object()) {
    return WrongType(where + ".properties", "an object", properties);
  } else {
    for (const auto& [name, property] : properties->get_object())
      if (!property.is_object() && !property.is_bool())
        return WrongType(where + ".properties." + std::string(name), "an object", &property);
  }
  if (const json::value* required = base::Find(schema, "required")) {
    if (!required->is_array()) return WrongType(where + ".required", "a list", required);
    for (const json::value& name : required->get_array())
      if (!name.is_string()) return WrongType(where + ".required", "a list of names", &name);
  }
  return schema;
}

// One parameter of Llama Stack becomes a property; `required` is true unless it says otherwise.
absl::Status AddParameter(const std::string& name, const json::value& value,
                          const std::string& where, json::object* properties,
                          json::array* required) {
  const json::object* parameter = value.if_object();
  if (parameter == nullptr) return WrongType(where, "an object", &value);
  json::object property;
  const char* type_key = parameter->contains("param_type") ? "param_type" : "parameter_type";
  CRIA_ASSIGN_OR_RETURN(const std::string type, StringOr(*parameter, type_key, where));
  if (!type.empty()) property["type"] = type;
  CRIA_ASSIGN_OR_RETURN(const std::string description, StringOr(*parameter, "description", where));
  if (!description.empty()) property["description"] = description;
  if (const json::value* fallback = base::Find(*parameter, "default"))
    property["default"] = *fallback;
  auto is_required = base::GetBool(*parameter, "required");
  if (!is_required.ok()) return base::Annotate(is_required.status(), where);
  if (is_required->value_or(true)) required->emplace_back(name);
  (*properties)[name] = std::move(property);
  return absl::OkStatus();
}

absl::StatusOr<json::object> StackSchema(const json::value& parameters, const std::string& where) {
  json::object properties;
  json::array required;
  if (const json::object* map = parameters.if_object()) {
    for (const auto& [name, parameter] : *map) {
      const std::string key(name);
      CRIA_RETURN_IF_ERROR(AddParameter(key, parameter, where + "." + key, &properties, &required));
    }
  } else {
    const json::array& list = parameters.get_array();
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string place = where + "[" + std::to_string(i) + "]";
      if (!list[i].is_object()) return WrongType(place, "an object", &list[i]);
      CRIA_ASSIGN_OR_RETURN(const std::string name, StringOr(list[i].get_object(), "name", place));
      if (name.empty()) return Expected(place + ".name", "the parameter's name", "nothing");
      CRIA_RETURN_IF_ERROR(AddParameter(name, list[i], place, &properties, &required));
    }
  }
  json::object schema;
  schema["type"] = "object";
  schema["properties"] = std::move(properties);
  schema["required"] = std::move(required);
  return schema;
}

bool IsStackMap(const json::object& parameters) {
  if (parameters.empty()) return false;
  for (const auto& [name, parameter] : parameters) {
    const json::object* object = parameter.if_object();
    if (object == nullptr || !object->contains("param_type")) return false;
  }
  return true;
}

absl::StatusOr<json::object> ParametersFromJson(const json::object& tool,
                                                const std::string& where) {
  const char* key = tool.contains("input_schema") ? "input_schema" : "parameters";
  const json::value* parameters = base::Find(tool, key);
  const std::string place = where + "." + key;
  if (parameters == nullptr) return CheckedSchema({}, place);
  if (parameters->is_array()) return StackSchema(*parameters, place);
  if (!parameters->is_object()) return WrongType(place, "an object (JSON Schema)", parameters);
  if (IsStackMap(parameters->get_object())) return StackSchema(*parameters, place);
  return CheckedSchema(parameters->get_object(), place);
}

absl::StatusOr<ToolDefinition> ToolFromJson(const json::value& value, std::string where) {
  const json::object* tool = value.if_object();
  if (tool == nullptr) return WrongType(where, "an object", &value);
  ToolDefinition definition;
  CRIA_ASSIGN_OR_RETURN(const std::string type, StringOr(*tool, "type", where));
  if (IsBuiltinTool(type)) {
    definition.name = type;
    definition.parameters = BuiltinSchema(type);
    return definition;
  }
  if (!type.empty() && type != "function" && type != "function_call")
    return Expected(where + ".type",
                    "function, brave_search, wolfram_alpha, photogen or code_interpreter",
                    base::Quote(type));
  if (const json::value* function = base::Find(*tool, "function")) {
    where += ".function";
    tool = function->if_object();
    if (tool == nullptr) return WrongType(where, "an object", function);
  }
  for (const char* key : {"name", "tool_name", "function_name"}) {
    CRIA_ASSIGN_OR_RETURN(definition.name, StringOr(*tool, key, where));
    if (!definition.name.empty()) break;
  }
  if (!IsToolName(definition.name))
    return Expected(where + ".name", "1 to 128 letters, digits or _ - . : /",
                    base::Quote(definition.name));
  CRIA_ASSIGN_OR_RETURN(definition.description, StringOr(*tool, "description", where));
  CRIA_ASSIGN_OR_RETURN(definition.parameters, ParametersFromJson(*tool, where));
  if (IsBuiltinTool(definition.name) && definition.parameters["properties"].as_object().empty())
    definition.parameters = BuiltinSchema(definition.name);
  return definition;
}

}  // namespace

json::object BuiltinSchema(std::string_view name) {
  const json::string argument(BuiltinArgument(name));
  return {{"type", "object"},
          {"properties", {{argument, {{"type", "string"}}}}},
          {"required", json::array{argument}}};
}

absl::StatusOr<std::vector<ToolDefinition>> ToolsFromJson(const json::value& tools) {
  const json::array* list = tools.if_array();
  if (list == nullptr) return WrongType("tools", "a list of tools", &tools);
  std::vector<ToolDefinition> definitions;
  std::set<std::string> names;
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string where = "tools[" + std::to_string(i) + "]";
    CRIA_ASSIGN_OR_RETURN(definitions.emplace_back(), ToolFromJson((*list)[i], where));
    if (!names.insert(definitions.back().name).second)
      return Expected(where, "each name once", base::Quote(definitions.back().name) + " again");
  }
  return definitions;
}

}  // namespace cria::text
