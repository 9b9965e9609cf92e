// What flags take, checked before anything is converted or done. Messages say what was expected
// and what came.
#ifndef CRIA_CLI_FLAG_CHECKS_H_
#define CRIA_CLI_FLAG_CHECKS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include "base/status.h"

namespace cria::cli {

CLI::Validator WholeNumber(int64_t low, uint64_t high = std::numeric_limits<int64_t>::max());
CLI::Validator Number();
CLI::Validator OneOf(std::vector<std::string> words);

// One of several things that a command line gives, by the name people know it by.
struct Given {
  const char* name;
  bool given;
};

// kInvalidArgument if two of these were given: the second would have no effect.
absl::Status RefuseTogether(std::initializer_list<Given> things);

// kInvalidArgument if one of `things` was given without `needed`, for which alone it is there.
absl::Status RefuseWithout(const Given& needed, std::initializer_list<Given> things);

}  // namespace cria::cli

#endif  // CRIA_CLI_FLAG_CHECKS_H_
