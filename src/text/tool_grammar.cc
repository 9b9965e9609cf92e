#include "text/tool_grammar.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "text/grammar_builder.h"
#include "text/grammar_json_schema.h"
#include "text/grammar_json_text.h"
#include "text/literal_reader.h"
#include "text/tool_definition_json.h"

namespace cria::text {
namespace {

namespace json = base::json;

json::object ParametersOf(const ToolDefinition& tool) {
  if (IsBuiltinTool(tool.name)) return BuiltinSchema(tool.name);
  json::object parameters = tool.parameters;
  parameters["type"] = "object";
  const json::object* properties = base::FindObject(parameters, "properties");
  const bool none = properties == nullptr || properties->empty();
  if (none && !parameters.contains("$ref") && !parameters.contains("additionalProperties"))
    parameters["additionalProperties"] = false;
  return parameters;
}

bool IsPythonName(const std::string& name) {
  LiteralReader reader(name);
  return reader.Name() && reader.AtEnd();
}

bool IsRequired(const json::object& parameters, std::string_view key) {
  const json::array* required = base::FindArray(parameters, "required");
  if (required == nullptr) return false;
  for (const json::value& name : *required)
    if (name.is_string() && name.get_string() == json::string_view(key.data(), key.size()))
      return true;
  return false;
}

class ToolGrammar {
 public:
  ToolGrammar(const ChatFormat& format, const ChatOptions& options)
      : format_(format), options_(options), text_(b_) {}

  absl::StatusOr<std::shared_ptr<const Grammar>> Build() {
    const bool several = options_.tool_choice == "required";
    std::vector<ExprId> calls;
    for (const ToolDefinition& tool : options_.tools) {
      if (!several && tool.name != options_.tool_choice) continue;
      auto call = Call(tool);
      if (!call.ok()) return base::Annotate(call.status(), absl::StrCat("tool '", tool.name, "'"));
      calls.push_back(*call);
    }
    const RuleId one = b_.Declare("call");
    b_.Define(one, b_.Choice(std::move(calls)));
    const RuleId root = b_.Declare("root");
    b_.Define(root, Answer(b_.Ref(one), several));
    GrammarBuilder::Options options;
    options.inline_rules = true;
    return b_.Build(root, options);
  }

 private:
  bool chatml() const { return format_.name() == "chatml"; }

  ExprId Answer(ExprId call, bool several) {
    const ExprId more = b_.Repeat(b_.Sequence({text_.Comma(), call}), 0, several ? kUnbounded : 0);
    const ExprId list = b_.Sequence({b_.Literal("["), call, more, b_.Literal("]")});
    if (chatml()) return b_.Sequence({b_.Literal("<tool_call>"), list, b_.Literal("</tool_call>")});
    return options_.tool_format == ToolFormat::kPythonList ? list : call;
  }

  absl::StatusOr<ExprId> Call(const ToolDefinition& tool) {
    // Schemas are referred to until the grammar is built.
    parameters_.push_back(ParametersOf(tool));
    const json::value& schema = parameters_.back();
    if (!chatml() && options_.tool_format == ToolFormat::kPythonList)
      return PythonCall(tool.name, schema.get_object());
    JsonSchemaCompiler compiler(schema, b_, text_);
    CRIA_ASSIGN_OR_RETURN(const ExprId arguments, compiler.CompileRoot());
    if (!chatml() && options_.tool_format == ToolFormat::kFunctionTag) {
      if (tool.name.find_first_of("<>\n") != std::string::npos)
        return absl::InvalidArgumentError("the name can't stand in <function=...>");
      return b_.Sequence({b_.Literal(absl::StrCat("<function=", tool.name, ">")), arguments,
                          b_.Literal("</function>")});
    }
    const std::string name = JsonText::Spell(json::value(tool.name));
    const std::string begin =
        chatml() ? absl::StrCat("{\"name\": ", name, ", \"arguments\": ")
                 : absl::StrCat("{\"type\": \"function\", \"name\": ", name, ", \"parameters\": ");
    return b_.Sequence({b_.Literal(begin), arguments, b_.Literal("}")});
  }

  // name(key=value, ...): the values are JSON, which the parser takes for Python.
  absl::StatusOr<ExprId> PythonCall(const std::string& name, const json::object& parameters) {
    if (!IsPythonName(name))
      return absl::InvalidArgumentError("the name can't stand in a Python call");
    // From the last parameter to the first: what may follow when one was written before, or none.
    ExprId after_one = b_.Literal(")"), after_none = after_one;
    const json::object* properties = base::FindObject(parameters, "properties");
    std::vector<const json::key_value_pair*> members;
    if (properties != nullptr)
      for (const auto& member : *properties) members.push_back(&member);
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
      const std::string key((*member)->key());
      if (!IsPythonName(key))
        return absl::InvalidArgumentError(
            absl::StrCat("parameter '", key, "' can't stand in a Python call"));
      auto value = PropertyValue(parameters, key);
      if (!value.ok()) return base::Annotate(value.status(), absl::StrCat("parameter '", key, "'"));
      const ExprId pair = b_.Sequence({b_.Literal(key + "="), *value, AsRule(after_one)});
      const ExprId later = b_.Sequence({b_.Literal(", "), pair});
      const bool required = IsRequired(parameters, key);
      after_none = required ? pair : b_.Choice({pair, AsRule(after_none)});
      after_one = required ? later : b_.Choice({later, AsRule(after_one)});
    }
    return b_.Sequence({b_.Literal(name + "("), after_none});
  }

  // The property's schema, seen from the parameters, so that "#/$defs/..." is found.
  absl::StatusOr<ExprId> PropertyValue(const json::object& parameters, const std::string& key) {
    json::object schema;
    for (const char* defs : {"$defs", "definitions"})
      if (const json::value* found = parameters.if_contains(defs)) schema[defs] = *found;
    const json::value& property = parameters.at("properties").at(key);
    if (property.is_object()) {
      for (const auto& [name, value] : property.get_object()) schema[name] = value;
    } else if (!property.is_bool()) {
      return absl::InvalidArgumentError("expected a schema, found " +
                                        std::string(base::JsonTypeName(property)));
    }
    parameters_.push_back(std::move(schema));
    JsonSchemaCompiler compiler(parameters_.back(), b_, text_);
    return compiler.CompileRoot();
  }

  ExprId AsRule(ExprId expr) {
    const RuleId rule = b_.Declare(absl::StrCat("arguments-", rules_++));
    b_.Define(rule, expr);
    return b_.Ref(rule);
  }

  const ChatFormat& format_;
  const ChatOptions& options_;
  GrammarBuilder b_;
  JsonText text_;
  std::deque<json::value> parameters_;
  int rules_ = 0;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Grammar>> ToolCallGrammar(const ChatFormat& format,
                                                               const ChatOptions& options) {
  CRIA_RETURN_IF_ERROR(OfferedTools(options).status());
  if (options.tool_choice == "auto" || options.tool_choice == "none")
    return std::shared_ptr<const Grammar>();
  return ToolGrammar(format, options).Build();
}

}  // namespace cria::text
