// Lists as OpenAI's API has them.
#ifndef CRIA_SERVER_LIST_JSON_H_
#define CRIA_SERVER_LIST_JSON_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "server/exchange.h"
#include "store/page.h"

namespace cria::server {

// {"object": "list", "data": [...], "has_more", "first_id", "last_id"} of items that are JSON
// already. `ids` are theirs.
Reply ListReply(const std::vector<std::string>& items, const std::vector<std::string>& ids,
                bool has_more);

// One page of a whole list, which is in ascending order. kInvalidArgument: no such `after`.
absl::StatusOr<Reply> PageOf(std::vector<std::string> items, std::vector<std::string> ids,
                             const store::ListOptions& options);

}  // namespace cria::server

#endif  // CRIA_SERVER_LIST_JSON_H_
