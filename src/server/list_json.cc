#include "server/list_json.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/json.h"

namespace cria::server {

Reply ListReply(const std::vector<std::string>& items, const std::vector<std::string>& ids,
                bool has_more) {
  const auto id = [&](bool first) -> std::string {
    if (ids.empty()) return "null";
    return base::json::serialize(base::json::string(first ? ids.front() : ids.back()));
  };
  Reply reply;
  reply.body = absl::StrCat("{\"object\":\"list\",\"data\":[", absl::StrJoin(items, ","),
                            "],\"has_more\":", has_more ? "true" : "false",
                            ",\"first_id\":", id(true), ",\"last_id\":", id(false), "}");
  return reply;
}

absl::StatusOr<Reply> PageOf(std::vector<std::string> items, std::vector<std::string> ids,
                             const store::ListOptions& options) {
  if (options.order == store::Order::kDescending) {
    std::reverse(items.begin(), items.end());
    std::reverse(ids.begin(), ids.end());
  }
  auto first = ids.begin();
  if (options.after) {
    first = std::find(ids.begin(), ids.end(), *options.after);
    if (first == ids.end())
      return absl::InvalidArgumentError(
          absl::StrCat("after: expected the id of an item, found '", *options.after, "'"));
    ++first;
  }
  const ptrdiff_t begin = first - ids.begin();
  const ptrdiff_t end = std::min<ptrdiff_t>(std::ssize(ids), begin + options.limit);
  return ListReply({items.begin() + begin, items.begin() + end},
                   {ids.begin() + begin, ids.begin() + end}, end < std::ssize(ids));
}

}  // namespace cria::server
