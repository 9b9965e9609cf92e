// Environment variables in configurations: ${env.NAME} and its forms.
//
//   ${env.NAME}          its value; an error if it is unset or empty
//   ${env.NAME:=value}   `value` if it is unset or empty; so the older ${env.NAME:value}
//   ${env.NAME:+value}   `value` if it is set and not empty, else nothing; so ${env.NAME+value}
//
// NAME is of A-Z, 0-9 and _. A `value` may hold further ones.
#ifndef CRIA_STACK_ENVIRONMENT_H_
#define CRIA_STACK_ENVIRONMENT_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cria::stack {

// The value of a variable; nullopt: unset.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// The process's own.
Environment ProcessEnvironment();

// `values` over `under`.
Environment Overlay(std::map<std::string, std::string> values, Environment under);

// Of `--env KEY=VALUE` arguments. kInvalidArgument for what isn't of that form.
absl::StatusOr<std::map<std::string, std::string>> ParseAssignments(
    const std::vector<std::string>& assignments);

bool HasVariables(std::string_view text);

// kDataLoss says what was expected and what was found, without the place.
absl::StatusOr<std::string> Substitute(std::string_view text, const Environment& environment);

// "~" or "~/..." with $HOME.
std::string ExpandHome(const std::string& path, const Environment& environment);

// $LLAMA_HOME, else $LLAMA_STACK_CONFIG_DIR, else ~/.llama. kFailedPrecondition without HOME.
absl::StatusOr<std::string> LlamaHome(const Environment& environment);

}  // namespace cria::stack

#endif  // CRIA_STACK_ENVIRONMENT_H_
