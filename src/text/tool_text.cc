#include "text/tool_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/utf8.h"

namespace cria::text {
namespace {

namespace json = base::json;

void AppendUtf16Escape(uint32_t unit, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  *out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) *out += kHex[(unit >> shift) & 15];
}

// Python's repr(float): the shortest digits that read back, positional for exponents -4 to 15.
std::string FloatText(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific);
  const std::string text(buffer.data(), end.ptr);
  const size_t e = text.find('e');
  if (e == std::string::npos) return text;  // inf and nan: not in JSON
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(),
                  exponent);
  if (exponent < -4 || exponent >= 16) return text;  // both write two exponent digits at least
  const auto fixed =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  std::string plain(buffer.data(), fixed.ptr);
  if (plain.find('.') == std::string::npos) plain += ".0";
  return plain;
}

std::string NumberText(const json::value& value) {
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  return FloatText(value.get_double());
}

// One printer for the three dialects: they differ in words, quotes and the order of keys.
class Printer {
 public:
  enum class Dialect : uint8_t { kJson, kJinja, kRepr, kCall };
  explicit Printer(Dialect dialect) : dialect_(dialect) {}

  void Print(const json::value& value) {
    switch (value.kind()) {
      case json::kind::null:
        out_ += IsPython() ? "None" : "null";
        return;
      case json::kind::bool_:
        PrintBool(value.get_bool());
        return;
      case json::kind::int64:
      case json::kind::uint64:
      case json::kind::double_:
        out_ += NumberText(value);
        return;
      case json::kind::string:
        PrintString(value.get_string());
        return;
      case json::kind::array:
        PrintArray(value.get_array());
        return;
      case json::kind::object:
        PrintObject(value.get_object());
        return;
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  bool IsPython() const { return dialect_ == Dialect::kRepr || dialect_ == Dialect::kCall; }

  void PrintBool(bool value) {
    if (IsPython()) {
      out_ += value ? "True" : "False";
    } else {
      out_ += value ? "true" : "false";
    }
  }

  void PrintArray(const json::array& array) {
    out_ += '[';
    for (size_t i = 0; i < array.size(); ++i) {
      if (i > 0) out_ += ", ";
      Print(array[i]);
    }
    out_ += ']';
  }

  void PrintObject(const json::object& object) {
    std::vector<const json::key_value_pair*> members;
    for (const auto& member : object) members.push_back(&member);
    if (dialect_ == Dialect::kJinja)
      std::sort(members.begin(), members.end(),
                [](const auto* a, const auto* b) { return a->key() < b->key(); });
    out_ += '{';
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out_ += ", ";
      PrintString(members[i]->key());
      out_ += ": ";
      Print(members[i]->value());
    }
    out_ += '}';
  }

  void PrintString(json::string_view text) {
    const std::string_view view(text.data(), text.size());
    if (IsPython()) return PrintPythonString(view);
    out_ += '"';
    for (size_t i = 0; i < view.size();) {
      const Utf8Char c = DecodeUtf8(view.substr(i));
      PrintJsonChar(static_cast<uint32_t>(c.code_point));
      i += c.length;
    }
    out_ += '"';
  }

  void PrintJsonChar(uint32_t c) {
    constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f", kLetters = "\"\\nrtbf";
    const size_t escape = c < 0x80 ? kEscaped.find(static_cast<char>(c)) : std::string_view::npos;
    const bool html =
        dialect_ == Dialect::kJinja && (c == '<' || c == '>' || c == '&' || c == '\'');
    if (escape != std::string_view::npos) {
      out_ += '\\';
      out_ += kLetters[escape];
    } else if (c >= 0x20 && c < 0x7f && !html) {
      out_ += static_cast<char>(c);
    } else if (c == 0x7f) {
      out_ += static_cast<char>(c);
    } else if (c < 0x10000) {
      AppendUtf16Escape(c, &out_);
    } else {
      AppendUtf16Escape(0xd800 + ((c - 0x10000) >> 10), &out_);
      AppendUtf16Escape(0xdc00 + ((c - 0x10000) & 0x3ff), &out_);
    }
  }

  // repr() prefers single quotes, Meta's calls use double ones.
  void PrintPythonString(std::string_view text) {
    const bool has_single = text.find('\'') != std::string_view::npos;
    const bool has_double = text.find('"') != std::string_view::npos;
    const char quote = dialect_ == Dialect::kCall || (has_single && !has_double) ? '"' : '\'';
    out_ += quote;
    for (char c : text) {
      if (c == quote || c == '\\') out_ += '\\';
      if (c == '\n') {
        out_ += "\\n";
      } else if (c == '\r') {
        out_ += "\\r";
      } else if (c == '\t') {
        out_ += "\\t";
      } else {
        out_ += c;
      }
    }
    out_ += quote;
  }

  const Dialect dialect_;
  std::string out_;
};

std::string Print(Printer::Dialect dialect, const json::value& value) {
  Printer printer(dialect);
  printer.Print(value);
  return printer.Take();
}

// The text between the quotes of query="...": the reader takes \" and \\ as escapes, and any other
// backslash as itself.
std::string QueryText(std::string_view query) {
  std::string text;
  for (size_t i = 0; i < query.size(); ++i) {
    const bool before_escape = i + 1 == query.size() || query[i + 1] == '"' || query[i + 1] == '\\';
    if (query[i] == '"' || (query[i] == '\\' && before_escape)) text += '\\';
    text += query[i];
  }
  return text;
}

absl::StatusOr<std::string> BuiltinArgument(const ToolCall& call, std::string_view key) {
  const json::value* value = base::Find(call.arguments, key);
  if (value == nullptr || !value->is_string())
    return absl::InvalidArgumentError("a call of " + call.name + " needs the argument '" +
                                      std::string(key) + "', a string; found " +
                                      json::serialize(call.arguments));
  const json::string& text = value->get_string();
  return std::string(text.data(), text.size());
}

}  // namespace

std::string PythonJson(const json::value& value) { return Print(Printer::Dialect::kJson, value); }
std::string JinjaJson(const json::value& value) { return Print(Printer::Dialect::kJinja, value); }
std::string PythonRepr(const json::value& value) { return Print(Printer::Dialect::kRepr, value); }

absl::StatusOr<std::string> ToolCallText(const ToolCall& call, ToolFormat format) {
  if (call.name == kCodeInterpreter) return BuiltinArgument(call, "code");
  if (IsBuiltinTool(call.name)) {
    CRIA_ASSIGN_OR_RETURN(const std::string query, BuiltinArgument(call, "query"));
    return call.name + ".call(query=\"" + QueryText(query) + "\")";
  }
  switch (format) {
    case ToolFormat::kJson: {
      json::object object;
      object["type"] = "function";
      object["name"] = call.name;
      object["parameters"] = call.arguments;
      return PythonJson(object);
    }
    case ToolFormat::kFunctionTag:
      return "<function=" + call.name + ">" + PythonJson(call.arguments) + "</function>";
    case ToolFormat::kPythonList:
      break;
  }
  std::string text = "[" + call.name + "(";
  bool first = true;
  for (const auto& [key, value] : call.arguments) {
    if (!first) text += ", ";
    first = false;
    text += std::string(key) + "=" + Print(Printer::Dialect::kCall, value);
  }
  return text + ")]";
}

}  // namespace cria::text
