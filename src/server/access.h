// Who may see what others have made.
#ifndef CRIA_SERVER_ACCESS_H_
#define CRIA_SERVER_ACCESS_H_

#include "base/json.h"
#include "server/exchange.h"
#include "store/owner.h"
#include "store/page.h"

namespace cria::server {

// The caller, as the owner of what it makes.
store::Owner CallerAsOwner(const Request& request);

// What nobody owns is everybody's. Else its owner's, and theirs who share an attribute (a role, a
// team, ...) with it.
bool MaySee(const store::Owner& caller, const store::Owner& owner);

// `after`, `limit` and `order` of a query that was read with its schema, of rows that the caller
// may see.
store::ListOptions ListOptionsFrom(const Request& request, const base::json::object& query,
                                   int64_t default_limit, store::Order default_order);

}  // namespace cria::server

#endif  // CRIA_SERVER_ACCESS_H_
