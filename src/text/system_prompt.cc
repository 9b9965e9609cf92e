#include "text/system_prompt.h"

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>
#include <utility>

#include "absl/strings/substitute.h"
#include "text/tool_text.h"

namespace cria::text {
namespace {

namespace json = base::json;

// JSON's escapes for what would end a string, everything else as it is.
std::string Escaped(std::string_view text) {
  const json::string_view view(text.data(), text.size());
  const std::string quoted = json::serialize(view);
  return quoted.substr(1, quoted.size() - 2);
}

std::string StringMember(const json::object& object, std::string_view key) {
  const json::value* value = base::Find(object, key);
  if (value == nullptr || !value->is_string()) return "";
  const json::string& text = value->get_string();
  return {text.data(), text.size()};
}

// One parameter of a tool, as Meta's ToolParamDefinition holds it.
struct Parameter {
  std::string name;
  std::string type;
  const json::value* description;  // nullptr: none
  const json::value* fallback;     // the default value; nullptr: none
  bool required;
};

// The first type of a schema that isn't null; "object" for a schema that names none, as Meta's own
// templates do.
std::string ParameterType(const json::object& schema) {
  if (const json::array* types = base::FindArray(schema, "type")) {
    for (const json::value& type : *types)
      if (type.is_string() && type != "null") return std::string(type.get_string());
  }
  const std::string type = StringMember(schema, "type");
  return type.empty() ? "object" : type;
}

std::vector<Parameter> Parameters(const ToolDefinition& tool) {
  std::vector<Parameter> parameters;
  const json::object* properties = base::FindObject(tool.parameters, "properties");
  if (properties == nullptr) return parameters;
  const json::array* required = base::FindArray(tool.parameters, "required");
  for (const auto& [key, value] : *properties) {
    static const json::object kAnything;
    const json::object& schema = value.is_object() ? value.get_object() : kAnything;
    bool is_required = false;
    if (required != nullptr)
      for (const json::value& name : *required) is_required |= name == json::value(key);
    parameters.push_back({std::string(key), ParameterType(schema),
                          base::Find(schema, "description"), base::Find(schema, "default"),
                          is_required});
  }
  return parameters;
}

std::string DescriptionText(const Parameter& parameter) {
  const json::value* text = parameter.description;
  return text == nullptr || !text->is_string() ? "" : Escaped(std::string(text->get_string()));
}

std::string RequiredNames(const std::vector<Parameter>& parameters) {
  json::array names;
  for (const Parameter& parameter : parameters)
    if (parameter.required) names.emplace_back(parameter.name);
  return JinjaJson(names);
}

constexpr char kJsonTool[] = R"({
    "type": "function",
    "function": {
        "name": "$0",
        "description": "$1",
        "parameters": {
            "type": "object",
            "properties": [$2
            ],
            "required": $3
        }
    }
}
)";

constexpr char kJsonParameter[] = R"(
                {
                    "$0": {
                        "type": "object",
                        "description": "$1"
                    }
                })";

std::string JsonTool(const ToolDefinition& tool) {
  const std::vector<Parameter> parameters = Parameters(tool);
  std::string properties;
  for (const Parameter& parameter : parameters) {
    if (!properties.empty()) properties += ",";
    absl::SubstituteAndAppend(&properties, kJsonParameter, Escaped(parameter.name),
                              DescriptionText(parameter));
  }
  return absl::Substitute(kJsonTool, tool.name, Escaped(tool.description), properties,
                          RequiredNames(parameters));
}

std::string JsonToolsText(const std::vector<ToolDefinition>& tools) {
  std::string text =
      "Answer the user's question by making use of the following functions if needed.\n"
      "If none of the function can be used, please say so.\n"
      "Here is a list of functions in JSON format:\n";
  for (const ToolDefinition& tool : tools) text += JsonTool(tool);
  return text + "\nReturn function calls in JSON format.";
}

constexpr char kFunctionTagTool[] = R"(Use the function '$0' to '$1':
{"name": "$0", "description": "$2", "parameters": $3}

)";

std::string FunctionTagToolsText(const std::vector<ToolDefinition>& tools) {
  std::string text = "You have access to the following functions:\n\n";
  for (const ToolDefinition& tool : tools) {
    json::object parameters;
    for (const Parameter& parameter : Parameters(tool)) {
      json::object definition;
      definition["param_type"] = parameter.type;
      definition["description"] =
          parameter.description == nullptr ? json::value() : *parameter.description;
      definition["required"] = parameter.required;
      parameters[parameter.name] = std::move(definition);
    }
    absl::SubstituteAndAppend(&text, kFunctionTagTool, tool.name, tool.description,
                              Escaped(tool.description), JinjaJson(parameters));
  }
  return text +
         "Think very carefully before calling functions.\n"
         "If you choose to call a function ONLY reply in the following format with no prefix or "
         "suffix:\n\n"
         "<function=example_function_name>{\"example_name\": \"example_value\"}</function>\n\n"
         "Reminder:\n"
         "- If looking for real time information use relevant functions before falling back to "
         "brave_search\n"
         "- Function calls MUST follow the specified format, start with <function= and end with "
         "</function>\n"
         "- Required parameters MUST be specified\n"
         "- Only call one function at a time\n"
         "- Put the entire function call reply on one line";
}

// What Jinja's {% if value %} takes as true.
bool IsTruthy(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return false;
    case json::kind::bool_:
      return value.get_bool();
    case json::kind::int64:
      return value.get_int64() != 0;
    case json::kind::uint64:
      return value.get_uint64() != 0;
    case json::kind::double_:
      return value.get_double() != 0;
    case json::kind::string:
      return !value.get_string().empty();
    case json::kind::array:
      return !value.get_array().empty();
    case json::kind::object:
      return !value.get_object().empty();
  }
  return false;
}

constexpr char kPythonListTool[] = R"(    {
        "name": "$0",
        "description": "$1",
        "parameters": {
            "type": "dict",
            "required": $2,
            "properties": {$3
            }
        }
    })";

constexpr char kPythonListParameter[] = R"(
                "$0": {
                    "type": "$1",
                    "description": "$2"$3
                })";

constexpr char kPythonListDefault[] = R"(,
                    "default": "$0")";

std::string DefaultText(const Parameter& parameter) {
  if (parameter.fallback == nullptr || !IsTruthy(*parameter.fallback)) return "";
  const json::value& value = *parameter.fallback;
  const std::string text = value.is_string() ? std::string(value.get_string()) : PythonRepr(value);
  return absl::Substitute(kPythonListDefault, Escaped(text));
}

std::string PythonListTool(const ToolDefinition& tool) {
  const std::vector<Parameter> parameters = Parameters(tool);
  std::string properties;
  for (const Parameter& parameter : parameters) {
    if (!properties.empty()) properties += ",";
    absl::SubstituteAndAppend(&properties, kPythonListParameter, Escaped(parameter.name),
                              Escaped(parameter.type), DescriptionText(parameter),
                              DefaultText(parameter));
  }
  return absl::Substitute(kPythonListTool, tool.name, Escaped(tool.description),
                          RequiredNames(parameters), properties);
}

std::string PythonListToolsText(const std::vector<ToolDefinition>& tools) {
  std::string text =
      "You are an expert in composing functions. You are given a question and a set of possible "
      "functions.\n"
      "Based on the question, you will need to make one or more function/tool calls to achieve the "
      "purpose.\n"
      "If none of the function can be used, point it out. If the given question lacks the "
      "parameters required by the function,\n"
      "also point it out. You should only return the function call in tools call sections.\n\n"
      "If you decide to invoke any of the function(s), you MUST put it in the format of "
      "[func_name1(params_name1=params_value1, params_name2=params_value2...), "
      "func_name2(params)]\n"
      "You SHOULD NOT include any other text in the response.\n\n"
      "Here is a list of functions in JSON format that you can invoke.\n\n[\n";
  for (size_t i = 0; i < tools.size(); ++i) {
    text += PythonListTool(tools[i]);
    text += i + 1 < tools.size() ? ",\n" : "\n";
  }
  return text + "]";
}

constexpr std::array<const char*, 12> kMonths = {"January",   "February", "March",    "April",
                                                 "May",       "June",     "July",     "August",
                                                 "September", "October",  "November", "December"};

std::string DateText(int year, unsigned month, unsigned day) {
  const std::string digits = std::to_string(day);
  return (day < 10 ? "0" + digits : digits) + " " + kMonths[month - 1] + " " + std::to_string(year);
}

std::string TodayText() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return DateText(local.tm_year + 1900, static_cast<unsigned>(local.tm_mon) + 1,
                  static_cast<unsigned>(local.tm_mday));
}

}  // namespace

absl::StatusOr<std::string> LongDate(std::string_view date) {
  if (date == "today") return TodayText();
  int parts[3] = {};  // year, month, day
  constexpr size_t kBegins[] = {0, 5, 8}, kEnds[] = {4, 7, 10};
  bool well_formed = date.size() == 10 && date[4] == '-' && date[7] == '-';
  for (int i = 0; i < 3 && well_formed; ++i) {
    const char* end = date.data() + kEnds[i];
    well_formed = date[kBegins[i]] != '-' &&
                  std::from_chars(date.data() + kBegins[i], end, parts[i]).ptr == end;
  }
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!well_formed || parts[0] < 1 || !day.ok())
    return absl::InvalidArgumentError("date: expected YYYY-MM-DD or today, found '" +
                                      std::string(date) + "'");
  return DateText(parts[0], static_cast<unsigned>(parts[1]), static_cast<unsigned>(parts[2]));
}

std::vector<ToolDefinition> CustomTools(const std::vector<ToolDefinition>& tools) {
  std::vector<ToolDefinition> custom;
  for (const ToolDefinition& tool : tools)
    if (!IsBuiltinTool(tool.name)) custom.push_back(tool);
  return custom;
}

std::string CustomToolsText(const std::vector<ToolDefinition>& tools, ToolFormat format) {
  switch (format) {
    case ToolFormat::kJson:
      return JsonToolsText(tools);
    case ToolFormat::kFunctionTag:
      return FunctionTagToolsText(tools);
    case ToolFormat::kPythonList:
      return PythonListToolsText(tools);
  }
  return "";
}

std::string ToolChoiceSentence(std::string_view tool_choice) {
  if (tool_choice == "auto" || tool_choice == "none") return "";
  if (tool_choice == "required")
    return "You MUST use one of the provided functions/tools to answer the user query.";
  return "You MUST use the tool `" + std::string(tool_choice) + "` to answer the user query.";
}

std::string SystemPromptText(const SystemPrompt& prompt) {
  std::string text;
  if (!prompt.tools.empty()) {
    text = "Environment: ipython\n";
    std::string builtin;
    for (const ToolDefinition& tool : prompt.tools)
      if (IsBuiltinTool(tool.name) && tool.name != kCodeInterpreter)
        builtin += (builtin.empty() ? "" : ", ") + tool.name;
    // Meta's template leaves no empty line after the list of tools, but one where there is none.
    text += (builtin.empty() ? "" : "Tools: " + builtin) + "\n";
  }
  text += "Cutting Knowledge Date: December 2023\nToday Date: " + prompt.date;
  const std::vector<ToolDefinition> custom = CustomTools(prompt.tools);
  if (prompt.tool_format == ToolFormat::kPythonList && !custom.empty())
    text += "\n\n" + CustomToolsText(custom, ToolFormat::kPythonList);
  if (!prompt.instruction.empty()) text += "\n\n" + std::string(prompt.instruction);
  const std::string sentence = ToolChoiceSentence(prompt.tool_choice);
  if (!sentence.empty() && !prompt.tools.empty()) text += "\n" + sentence;
  return text + "\n";
}

}  // namespace cria::text
