// What the tests of this folder share.
#ifndef CRIA_STACK_STACK_TESTING_H_
#define CRIA_STACK_STACK_TESTING_H_

#include <map>
#include <string>
#include <utility>

#include "stack/environment.h"

namespace cria::stack {

// An environment of these variables alone, with HOME=/home/me where they don't say another.
inline Environment TestEnvironment(std::map<std::string, std::string> values = {}) {
  values.try_emplace("HOME", "/home/me");
  return Overlay(std::move(values),
                 [](const std::string&) -> std::optional<std::string> { return std::nullopt; });
}

}  // namespace cria::stack

#endif  // CRIA_STACK_STACK_TESTING_H_
