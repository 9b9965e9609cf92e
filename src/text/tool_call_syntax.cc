#include "text/tool_call_syntax.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "text/literal_reader.h"

namespace cria::text {
namespace {

namespace json = base::json;
using Start = ToolCallSyntax::Start;

constexpr std::string_view kFunctionTag = "<function=", kFunctionEnd = "</function>";
constexpr std::string_view kCallTag = "<tool_call>", kCallEnd = "</tool_call>";
constexpr std::string_view kFence = "```";
constexpr std::string_view kDotCall = ".call";
constexpr std::array<std::string_view, 3> kBuiltinSearches = {"brave_search", "wolfram_alpha",
                                                              "photogen"};
// How far StartAt() looks for the part that decides.
constexpr size_t kMaxSpaces = 64, kMaxName = 128, kMaxFenceWord = 16;

bool IsWordChar(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

Start Prefix(std::string_view text, std::string_view expected) {
  if (text.substr(0, expected.size()) == expected) return Start::kYes;
  return expected.substr(0, text.size()) == text ? Start::kUnsure : Start::kNo;
}

ToolCallSyntax::Span Malformed() { return {ToolCallSyntax::Span::Kind::kMalformed, 1, {}}; }

// The more hopeful of two.
Start Either(Start a, Start b) { return std::max(a, b); }

bool BeginsText(std::string_view text, size_t at) {
  while (at > 0 && IsSpace(text[at - 1])) --at;
  return at == 0;
}

size_t SpacesAt(std::string_view text, size_t at) {
  size_t n = 0;
  while (at + n < text.size() && n <= kMaxSpaces && IsSpace(text[at + n])) ++n;
  return n;
}

// `text` is what follows a brace: the first key of a call?
Start FirstKey(std::string_view text) {
  const size_t spaces = SpacesAt(text, 0);
  if (spaces > kMaxSpaces) return Start::kNo;
  text.remove_prefix(spaces);
  if (text.empty()) return Start::kUnsure;
  const char quote = text[0];
  if (quote != '"' && quote != '\'') return Start::kNo;
  Start found = Start::kNo;
  for (const char* key : {"type", "name", "function", "parameters", "arguments"})
    found = Either(found, Prefix(text.substr(1), std::string(key) + quote));
  return found;
}

// The argument object of a call, whatever it is wrapped in: a JSON text, or nothing at all.
std::optional<json::object> ArgumentsOf(const json::value& value) {
  if (value.is_object()) return value.get_object();
  if (value.is_null()) return json::object();
  if (!value.is_string()) return std::nullopt;
  const std::string_view text(value.get_string().data(), value.get_string().size());
  LiteralReader reader(text);
  reader.SkipSpace();
  if (reader.AtEnd()) return json::object();
  auto inner = reader.Value();
  reader.SkipSpace();
  if (!inner || !reader.AtEnd() || !inner->is_object()) return std::nullopt;
  return std::move(inner->get_object());
}

const json::value* ArgumentsMember(const json::object& object) {
  const json::value* value = object.if_contains("parameters");
  return value != nullptr ? value : object.if_contains("arguments");
}

std::string_view StringMember(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

// f(key=value, ...) behind the name.
std::optional<json::object> ReadKeywords(LiteralReader& reader) {
  json::object arguments;
  if (!reader.Consume("(")) return std::nullopt;
  bool comma = true;
  while (!reader.Consume(")")) {
    if (!comma) return std::nullopt;
    const auto key = reader.Name();
    if (!key || arguments.contains(*key) || !reader.Consume("=")) return std::nullopt;
    auto value = reader.Value();
    if (!value) return std::nullopt;
    arguments[*key] = *std::move(value);
    comma = reader.Consume(",");
  }
  return arguments;
}

// The string of query="...": \" and \\ are escapes, any other backslash is itself. Returns the
// bytes read, 0 if it doesn't end.
size_t ReadQuery(std::string_view text, std::string* query) {
  const char quote = text.empty() ? '\0' : text[0];
  if (quote != '"' && quote != '\'') return 0;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) return i + 1;
    const bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == quote || text[i + 1] == '\\');
    if (escape) ++i;
    *query += text[i];
  }
  return 0;
}

}  // namespace

const ToolDefinition* ToolCallSyntax::Find(std::string_view name) const {
  const auto found = std::find_if(tools_.begin(), tools_.end(),
                                  [&](const ToolDefinition& tool) { return tool.name == name; });
  return found == tools_.end() ? nullptr : &*found;
}

bool ToolCallSyntax::Knows(std::string_view name) const {
  return IsBuiltinTool(name) || Find(name) != nullptr;
}

Start ToolCallSyntax::StartAt(std::string_view text, size_t at) const {
  const std::string_view rest = text.substr(at);
  if (rest.empty()) return Start::kUnsure;
  if (rest[0] == '<') {
    Start found = Start::kNo;
    for (const auto tag : {kPythonTag, kEndOfTurnTag, kEndOfMessageTag})
      found = Either(found, Prefix(rest, tag));
    if (tools_.empty()) return found;
    return Either(found, Either(Prefix(rest, kFunctionTag), Prefix(rest, kCallTag)));
  }
  if (IsWordChar(rest[0])) return BuiltinStart(text, at);
  if (tools_.empty()) return Start::kNo;
  if (rest[0] == '{') return FirstKey(rest.substr(1));
  if (rest[0] == '[') return ListStart(rest, BeginsText(text, at));
  return rest[0] == '`' ? FenceStart(rest) : Start::kNo;
}

Start ToolCallSyntax::BuiltinStart(std::string_view text, size_t at) const {
  if (at > 0 && (IsWordChar(text[at - 1]) || text[at - 1] == '.' || text[at - 1] == '-'))
    return Start::kNo;
  const auto starts = [rest = text.substr(at)](std::string_view name) {
    const Start found = Prefix(rest, name);
    return found == Start::kYes ? Prefix(rest.substr(name.size()), ".call(") : found;
  };
  Start found = Start::kNo;
  for (const std::string_view name : kBuiltinSearches) found = Either(found, starts(name));
  for (const ToolDefinition& tool : tools_)
    if (tool.name.size() <= kMaxName) found = Either(found, starts(tool.name));
  return found;
}

Start ToolCallSyntax::ListStart(std::string_view rest, bool begins_text) const {
  const size_t spaces = SpacesAt(rest, 1);
  if (spaces > kMaxSpaces) return Start::kNo;
  rest.remove_prefix(1 + spaces);
  if (rest.empty()) return Start::kUnsure;
  if (rest[0] == '{') return FirstKey(rest.substr(1));
  LiteralReader reader(rest.substr(0, kMaxName));
  const auto name = reader.Name();
  if (!name) return Start::kNo;
  if (reader.pos() == rest.size()) return Start::kUnsure;
  if (rest[reader.pos()] != '(') return Start::kNo;
  return begins_text || Knows(*name) ? Start::kYes : Start::kNo;
}

Start ToolCallSyntax::FenceStart(std::string_view rest) const {
  const Start fence = Prefix(rest, kFence);
  if (fence != Start::kYes) return fence;
  size_t i = kFence.size();
  while (i < rest.size() && i < kFence.size() + kMaxFenceWord && IsWordChar(rest[i])) ++i;
  const size_t spaces = SpacesAt(rest, i);
  if (spaces > kMaxSpaces) return Start::kNo;
  const size_t inner = i + spaces;
  if (inner == rest.size()) return Start::kUnsure;
  if (rest.substr(i, spaces).find('\n') == std::string_view::npos) return Start::kNo;
  if (rest[inner] == '{') return FirstKey(rest.substr(inner + 1));
  if (rest[inner] == '[') return ListStart(rest.substr(inner), /*begins_text=*/true);
  return Start::kNo;
}

ToolCall ToolCallSyntax::Finished(ToolCall call) const {
  const size_t stem = call.name.size() - std::min(call.name.size(), kDotCall.size());
  if (absl::EndsWith(call.name, std::string(kDotCall)) && IsBuiltinTool(call.name.substr(0, stem)))
    call.name.resize(stem);
  if (!IsBuiltinTool(call.name) || call.arguments.empty()) return call;
  // A built-in tool has one argument, under whatever name the model gave it.
  const std::string_view key = BuiltinArgument(call.name);
  const json::value* named = call.arguments.if_contains(key);
  json::value argument = named != nullptr ? *named : call.arguments.begin()->value();
  call.arguments = json::object{{key, std::move(argument)}};
  return call;
}

std::optional<ToolCall> ToolCallSyntax::CallOf(const json::object& object) const {
  const json::value* function = object.if_contains("function");
  if (function != nullptr && function->is_object()) return CallOf(function->get_object());
  std::string_view name = StringMember(object, "name");
  if (name.empty()) name = StringMember(object, "function");
  const json::value* member = ArgumentsMember(object);
  if (name.empty() || member == nullptr) return std::nullopt;
  auto arguments = ArgumentsOf(*member);
  if (!arguments) return std::nullopt;
  // Some models write the whole call once more in place of its arguments.
  const json::value* inner = ArgumentsMember(*arguments);
  const bool again = inner != nullptr && inner->is_object() &&
                     (arguments->size() == 1 ||
                      (arguments->size() == 2 && StringMember(*arguments, "name") == name));
  const ToolDefinition* tool = Find(name);
  const json::object* properties =
      tool == nullptr ? nullptr : base::FindObject(tool->parameters, "properties");
  const bool wanted = properties != nullptr && ArgumentsMember(*properties) != nullptr;
  if (again && !wanted) arguments = json::object(inner->get_object());
  return Finished({"", std::string(name), *std::move(arguments)});
}

std::optional<std::vector<ToolCall>> ToolCallSyntax::CallsOf(const json::value& value) const {
  std::vector<ToolCall> calls;
  const auto add = [&](const json::value& one) {
    auto call = one.is_object() ? CallOf(one.get_object()) : std::nullopt;
    if (!call) return false;
    calls.push_back(*std::move(call));
    return true;
  };
  if (!value.is_array()) {
    if (!add(value)) return std::nullopt;
    return calls;
  }
  for (const json::value& one : value.get_array())
    if (!add(one)) return std::nullopt;
  return calls;
}

ToolCallSyntax::Span ToolCallSyntax::ReadObjects(std::string_view text) const {
  LiteralReader reader(text);
  const auto value = reader.Value();
  if (!value) return Malformed();
  auto calls = CallsOf(*value);
  if (calls) return {Span::Kind::kCalls, reader.pos(), *std::move(calls)};
  // A tool's name without its arguments is a call gone wrong; other objects are just that.
  const json::object* object = value->if_object();
  const bool call = object != nullptr && Find(StringMember(*object, "name")) != nullptr;
  return {call ? Span::Kind::kMalformed : Span::Kind::kOther, reader.pos(), {}};
}

namespace {

ToolCallSyntax::Span ReadPythonList(std::string_view text) {
  std::vector<ToolCall> calls;
  LiteralReader reader(text);
  bool comma = reader.Consume("[");
  while (!reader.Consume("]")) {
    auto name = comma ? reader.Name() : std::nullopt;
    if (!name) return Malformed();
    auto arguments = ReadKeywords(reader);
    if (!arguments) return Malformed();
    calls.push_back({"", *std::move(name), *std::move(arguments)});
    comma = reader.Consume(",");
  }
  return {ToolCallSyntax::Span::Kind::kCalls, reader.pos(), std::move(calls)};
}

ToolCallSyntax::Span ReadFunctionTag(std::string_view text) {
  const size_t name_end = text.substr(0, kFunctionTag.size() + kMaxName).find('>');
  if (name_end == std::string_view::npos) return Malformed();
  std::string_view name = text.substr(kFunctionTag.size(), name_end - kFunctionTag.size());
  while (!name.empty() && IsSpace(name.front())) name.remove_prefix(1);
  while (!name.empty() && IsSpace(name.back())) name.remove_suffix(1);
  if (name.empty()) return Malformed();
  LiteralReader reader(text, name_end + 1);
  json::object arguments;
  if (!reader.Consume(kFunctionEnd)) {
    auto value = reader.Value();
    if (!value || !value->is_object()) return Malformed();
    arguments = std::move(value->get_object());
    const size_t end = reader.pos();
    if (!reader.Consume(kFunctionEnd)) reader = LiteralReader(text, end);
  }
  return {ToolCallSyntax::Span::Kind::kCalls,
          reader.pos(),
          {ToolCall{"", std::string(name), std::move(arguments)}}};
}

// NAME.call(query="...") at the beginning of `text`; the bytes read, or 0.
size_t ReadBuiltinCall(std::string_view text, ToolCall* call) {
  LiteralReader reader(text);
  const auto name = reader.Name();
  if (!name || !absl::EndsWith(*name, std::string(kDotCall))) return 0;
  call->name = name->substr(0, name->size() - kDotCall.size());
  if (!IsBuiltinTool(call->name)) {
    auto arguments = ReadKeywords(reader);
    if (!arguments) return 0;
    call->arguments = *std::move(arguments);
    return reader.pos();
  }
  if (!reader.Consume("(") || !reader.Consume("query") || !reader.Consume("=")) return 0;
  reader.SkipSpace();
  std::string query;
  const size_t read = ReadQuery(text.substr(reader.pos()), &query);
  LiteralReader end(text, reader.pos() + read);
  if (read == 0 || !end.Consume(")")) return 0;
  call->arguments["query"] = query;
  return end.pos();
}

ToolCallSyntax::Span ReadDotCall(std::string_view text) {
  ToolCall call;
  const size_t length = ReadBuiltinCall(text, &call);
  if (length == 0) return Malformed();
  return {ToolCallSyntax::Span::Kind::kCalls, length, {std::move(call)}};
}

}  // namespace

ToolCallSyntax::Span ToolCallSyntax::ReadFence(std::string_view text) const {
  const size_t inner = std::min(text.find_first_of("{["), text.size());
  Span span = Read(text.substr(inner));
  if (span.kind != Span::Kind::kCalls) return {span.kind, kFence.size(), {}};
  LiteralReader reader(text, inner + span.length);
  span.length = reader.Consume(kFence) ? reader.pos() : inner + span.length;
  return span;
}

// <tool_call>: one object or list, or several. The closing tag may be missing at the end.
ToolCallSyntax::Span ToolCallSyntax::ReadCallTag(std::string_view text) const {
  Span span{Span::Kind::kCalls, 0, {}};
  LiteralReader reader(text, kCallTag.size());
  while (!reader.Consume(kCallEnd)) {
    if (reader.AtEnd() && !span.calls.empty()) break;
    Span one = ReadObjects(text.substr(reader.pos()));
    if (one.kind != Span::Kind::kCalls) return Malformed();
    for (ToolCall& call : one.calls) span.calls.push_back(std::move(call));
    reader = LiteralReader(text, reader.pos() + one.length);
  }
  span.length = reader.pos();
  return span;
}

ToolCallSyntax::Span ToolCallSyntax::Read(std::string_view text) const {
  if (Prefix(text, kFence) == Start::kYes) return ReadFence(text);
  if (Prefix(text, kCallTag) == Start::kYes) return ReadCallTag(text);
  if (Prefix(text, "{") == Start::kYes) return ReadObjects(text);
  Span span;
  if (Prefix(text, kFunctionTag) == Start::kYes) {
    span = ReadFunctionTag(text);
  } else if (Prefix(text, "[") == Start::kYes) {
    LiteralReader reader(text, 1);
    reader.SkipSpace();
    if (reader.Peek() == '{') return ReadObjects(text);
    span = ReadPythonList(text);
  } else {
    span = ReadDotCall(text);
  }
  for (ToolCall& call : span.calls) call = Finished(std::move(call));
  return span;
}

std::optional<std::vector<ToolCall>> ToolCallSyntax::ReadAll(std::string_view text) const {
  std::vector<ToolCall> calls;
  size_t at = 0;
  const auto skip = [&](std::string_view separator) {
    if (text.substr(at, separator.size()) != separator) return false;
    at += separator.size();
    return true;
  };
  while (true) {
    while (at < text.size() && (IsSpace(text[at]) || text[at] == ';' || text[at] == ',')) ++at;
    if (skip(kPythonTag) || skip(kEndOfTurnTag) || skip(kEndOfMessageTag)) continue;
    if (at == text.size()) return calls;
    const bool marked = text[at] == '<' || text[at] == '{' || text[at] == '[' || text[at] == '`';
    if (!marked && BuiltinStart(text, at) != Start::kYes) return std::nullopt;
    Span span = Read(text.substr(at));
    if (span.kind != Span::Kind::kCalls) return std::nullopt;
    for (ToolCall& call : span.calls) calls.push_back(std::move(call));
    at += span.length;
  }
}

std::vector<ToolCall> ToolCallSyntax::FindBuiltinCalls(std::string_view text) const {
  std::vector<ToolCall> calls;
  for (size_t at = 0; at < text.size();) {
    ToolCall call;
    const bool starts = IsWordChar(text[at]) && BuiltinStart(text, at) == Start::kYes;
    const size_t read = starts ? ReadBuiltinCall(text.substr(at), &call) : 0;
    if (read > 0) calls.push_back(Finished(std::move(call)));
    at += std::max<size_t>(read, 1);
  }
  return calls;
}

}  // namespace cria::text
