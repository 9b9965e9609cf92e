#include "stack/environment.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/quote.h"

namespace cria::stack {
namespace {

constexpr std::string_view kOpen = "${env.";
constexpr int kMaxNesting = 8;
constexpr size_t kMaxBytes = size_t{64} << 10;

bool IsNameCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The end of the variable that begins at text[0]: behind its brace; npos: it has none.
size_t EndOf(std::string_view text) {
  int depth = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with(kOpen)) ++depth;
    if (text[at] == '}' && --depth == 0) return at + 1;
  }
  return std::string_view::npos;
}

absl::StatusOr<std::string> SubstituteAt(std::string_view text, const Environment& environment,
                                         int nesting);

// `inside`: "NAME", "NAME:=value", ...
absl::StatusOr<std::string> ValueOf(std::string_view inside, const Environment& environment,
                                    int nesting) {
  size_t end = 0;
  while (end < inside.size() && IsNameCharacter(inside[end])) ++end;
  const std::string name(inside.substr(0, end));
  std::string_view rest = inside.substr(end);
  if (name.empty() || (!rest.empty() && rest[0] != ':' && rest[0] != '+'))
    return absl::DataLossError(absl::StrCat(
        "expected ${env.NAME}, ${env.NAME:=value} or ${env.NAME:+value} with a NAME of A-Z, 0-9 "
        "and _, found ",
        base::Quote(std::string(kOpen) + std::string(inside) + "}")));
  const std::string value = environment(name).value_or("");
  if (rest.empty()) {
    if (!value.empty()) return value;
    return absl::DataLossError(absl::StrCat("expected the environment variable ", name,
                                            ", found it unset: set it, or give --env ", name,
                                            "=VALUE"));
  }
  const bool if_set = rest.starts_with('+') || rest.starts_with(":+");
  rest.remove_prefix(rest.starts_with(":+") || rest.starts_with(":=") ? 2 : 1);
  if (if_set && value.empty()) return std::string();
  if (!if_set && !value.empty()) return value;
  return SubstituteAt(rest, environment, nesting + 1);
}

absl::StatusOr<std::string> SubstituteAt(std::string_view text, const Environment& environment,
                                         int nesting) {
  if (nesting > kMaxNesting)
    return absl::DataLossError(
        absl::StrCat("expected at most ", kMaxNesting, " variables within each other, found more"));
  std::string out;
  for (size_t at = text.find(kOpen); at != std::string_view::npos; at = text.find(kOpen)) {
    out += text.substr(0, at);
    text.remove_prefix(at);
    const size_t end = EndOf(text);
    if (end == std::string_view::npos)
      return absl::DataLossError(absl::StrCat("expected a '}' behind ", base::Quote(text)));
    CRIA_ASSIGN_OR_RETURN(
        const std::string value,
        ValueOf(text.substr(kOpen.size(), end - kOpen.size() - 1), environment, nesting));
    out += value;
    text.remove_prefix(end);
    if (out.size() > kMaxBytes)
      return absl::DataLossError(
          absl::StrCat("expected at most ", kMaxBytes, " bytes of text and variables, found more"));
  }
  out += text;
  return out;
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Environment Overlay(std::map<std::string, std::string> values, Environment under) {
  return [values = std::move(values),
          under = std::move(under)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? under(name) : found->second;
  };
}

absl::StatusOr<std::map<std::string, std::string>> ParseAssignments(
    const std::vector<std::string>& assignments) {
  std::map<std::string, std::string> values;
  for (const std::string& assignment : assignments) {
    size_t end = 0;
    while (end < assignment.size() && IsNameCharacter(assignment[end])) ++end;
    if (end == 0 || end == assignment.size() || assignment[end] != '=')
      return absl::InvalidArgumentError(
          absl::StrCat("--env: expected KEY=VALUE with a KEY of A-Z, 0-9 and _, found ",
                       base::Quote(assignment)));
    values[assignment.substr(0, end)] = assignment.substr(end + 1);
  }
  return values;
}

bool HasVariables(std::string_view text) { return text.find(kOpen) != std::string_view::npos; }

absl::StatusOr<std::string> Substitute(std::string_view text, const Environment& environment) {
  return SubstituteAt(text, environment, 0);
}

std::string ExpandHome(const std::string& path, const Environment& environment) {
  if (path != "~" && !absl::StartsWith(path, "~/")) return path;
  const std::string home = environment("HOME").value_or("");
  return home.empty() ? path : home + path.substr(1);
}

absl::StatusOr<std::string> LlamaHome(const Environment& environment) {
  for (const char* name : {"LLAMA_HOME", "LLAMA_STACK_CONFIG_DIR"})
    if (const std::string value = environment(name).value_or(""); !value.empty())
      return ExpandHome(value, environment);
  const std::string home = environment("HOME").value_or("");
  if (home.empty())
    return absl::FailedPreconditionError(
        "expected LLAMA_HOME or HOME in the environment, found neither");
  return absl::StrCat(home, "/.llama");
}

}  // namespace cria::stack
