#include "server/route_policy.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "base/quote.h"

namespace cria::server {
namespace {

bool PathFits(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with('*')) return pattern == path;
  return path.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

bool RoutePolicy::Condition::Holds(const Attributes& attributes) const {
  const auto found = attributes.find(attribute);
  const bool has =
      found != attributes.end() &&
      std::find(found->second.begin(), found->second.end(), value) != found->second.end();
  return has != negated;
}

absl::StatusOr<RoutePolicy::Condition> RoutePolicy::ParseCondition(const std::string& text) {
  const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  const bool is_user = words.size() >= 5 && words[0] == "user" && words[1] == "with";
  if (is_user && words.size() == 5 && words[3] == "in") return Condition{words[2], words[4], false};
  if (is_user && words.size() == 6 && words[3] == "not" && words[4] == "in")
    return Condition{words[2], words[5], true};
  return absl::InvalidArgumentError(
      absl::StrCat("route_policy: condition ", base::Quote(text),
                   ": \"user with VALUE in ATTRIBUTE\" or \"user with VALUE not in ATTRIBUTE\" is "
                   "expected (a route has no owner)"));
}

absl::StatusOr<RoutePolicy> RoutePolicy::Make(const std::vector<RouteRule>& rules) {
  RoutePolicy policy;
  for (const RouteRule& given : rules) {
    if (given.paths.empty())
      return absl::InvalidArgumentError("route_policy: a rule needs at least one path");
    if (!given.when.empty() && !given.unless.empty())
      return absl::InvalidArgumentError("route_policy: a rule has `when` or `unless`, not both");
    Rule rule{given.permit, given.paths, {}, !given.unless.empty()};
    for (const std::string& text : rule.unless ? given.unless : given.when) {
      CRIA_ASSIGN_OR_RETURN(Condition condition, ParseCondition(text));
      rule.conditions.push_back(std::move(condition));
    }
    policy.rules_.push_back(std::move(rule));
  }
  return policy;
}

bool RoutePolicy::Permits(std::string_view path, const Attributes& attributes) const {
  for (const Rule& rule : rules_) {
    if (std::none_of(rule.paths.begin(), rule.paths.end(),
                     [&](const std::string& pattern) { return PathFits(pattern, path); }))
      continue;
    const bool all = std::all_of(rule.conditions.begin(), rule.conditions.end(),
                                 [&](const Condition& one) { return one.Holds(attributes); });
    if (all != rule.unless) return rule.permit;
  }
  return rules_.empty();
}

}  // namespace cria::server
