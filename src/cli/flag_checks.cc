#include "cli/flag_checks.h"

#include <algorithm>

#include "absl/numeric/int128.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace cria::cli {
namespace {

// Without a description: CLI11 would put it into the help, behind the value's name.
CLI::Validator Check(std::function<std::string(std::string&)> check) {
  return CLI::Validator(std::move(check), "");
}

}  // namespace

CLI::Validator WholeNumber(int64_t low, uint64_t high) {
  return Check([low, high](std::string& text) -> std::string {
    absl::int128 number = 0;
    if (absl::SimpleAtoi(text, &number) && number >= low && number <= absl::int128(high)) return "";
    const bool open = high == static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return absl::StrCat(
        "expected a whole number ",
        open ? absl::StrCat("from ", low, " on") : absl::StrCat("from ", low, " to ", high),
        ", found '", text, "'");
  });
}

CLI::Validator Number() {
  return Check([](std::string& text) -> std::string {
    double number = 0;
    if (absl::SimpleAtod(text, &number)) return "";
    return absl::StrCat("expected a number, found '", text, "'");
  });
}

CLI::Validator OneOf(std::vector<std::string> words) {
  return Check([words = std::move(words)](std::string& text) -> std::string {
    if (std::find(words.begin(), words.end(), text) != words.end()) return "";
    return absl::StrCat("expected one of ", absl::StrJoin(words, ", "), ", found '", text, "'");
  });
}

absl::Status RefuseTogether(std::initializer_list<Given> things) {
  const Given* first = nullptr;
  for (const Given& thing : things) {
    if (!thing.given) continue;
    if (first != nullptr)
      return absl::InvalidArgumentError(
          absl::StrCat(first->name, " and ", thing.name, ": expected one of them, found both"));
    first = &thing;
  }
  return absl::OkStatus();
}

absl::Status RefuseWithout(const Given& needed, std::initializer_list<Given> things) {
  for (const Given& thing : things)
    if (thing.given && !needed.given)
      return absl::InvalidArgumentError(absl::StrCat(thing.name, ": has an effect only with ",
                                                     needed.name, ": give both or neither"));
  return absl::OkStatus();
}

}  // namespace cria::cli
