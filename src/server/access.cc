#include "server/access.h"

#include <algorithm>

namespace cria::server {

store::Owner CallerAsOwner(const Request& request) {
  return {request.principal, request.attributes};
}

bool MaySee(const store::Owner& caller, const store::Owner& owner) {
  if (owner.principal.empty() || owner.principal == caller.principal) return true;
  for (const auto& [name, values] : owner.attributes) {
    const auto mine = caller.attributes.find(name);
    if (mine == caller.attributes.end()) continue;
    for (const std::string& value : values)
      if (std::find(mine->second.begin(), mine->second.end(), value) != mine->second.end())
        return true;
  }
  return false;
}

store::ListOptions ListOptionsFrom(const Request& request, const base::json::object& query,
                                   int64_t default_limit, store::Order default_order) {
  store::ListOptions options;
  options.limit = default_limit;
  options.order = default_order;
  if (const auto* after = base::Find(query, "after"))
    options.after = std::string(after->as_string());
  if (const auto* limit = base::Find(query, "limit"))
    options.limit = base::json::value_to<int64_t>(*limit);
  if (const auto* order = base::Find(query, "order"))
    options.order =
        order->as_string() == "asc" ? store::Order::kAscending : store::Order::kDescending;
  options.visible = [caller = CallerAsOwner(request)](const store::Owner& owner) {
    return MaySee(caller, owner);
  };
  return options;
}

}  // namespace cria::server
