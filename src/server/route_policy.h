// Which routes who may ask: the rules of `route_policy`.
#ifndef CRIA_SERVER_ROUTE_POLICY_H_
#define CRIA_SERVER_ROUTE_POLICY_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "server/auth_config.h"
#include "server/identity.h"

namespace cria::server {

// Immutable; any thread.
class RoutePolicy {
 public:
  // kInvalidArgument for a condition that isn't understood, and for a rule with `when` and `unless`
  // or without paths.
  static absl::StatusOr<RoutePolicy> Make(const std::vector<RouteRule>& rules);

  // The first rule that fits decides; none fits: no. Without rules everybody may.
  bool Permits(std::string_view path, const Attributes& attributes) const;

 private:
  struct Condition {
    std::string value, attribute;  // "roles", ...
    bool negated = false;
    bool Holds(const Attributes& attributes) const;
  };
  struct Rule {
    bool permit;
    std::vector<std::string> paths;
    std::vector<Condition> conditions;  // all of them
    bool unless;                        // not all of them
  };
  static absl::StatusOr<Condition> ParseCondition(const std::string& text);

  std::vector<Rule> rules_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_ROUTE_POLICY_H_
