// The items of conversations, as they are kept and answered.
#ifndef CRIA_SERVER_CONVERSATION_ITEMS_H_
#define CRIA_SERVER_CONVERSATION_ITEMS_H_

#include "base/json.h"

namespace cria::server {

// What clients leave out is filled in: a message's type, a list of parts for a text, status
// "completed", an id (msg_<48 hex> for a message, else item_<48 hex>). `item` is as the schema
// ConversationItem says.
base::json::object NormalItem(base::json::object item);

}  // namespace cria::server

#endif  // CRIA_SERVER_CONVERSATION_ITEMS_H_
