// Conversations and their items, in the order in which they were added.
#ifndef CRIA_STORE_CONVERSATIONS_H_
#define CRIA_STORE_CONVERSATIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "store/clock.h"
#include "store/owner.h"
#include "store/page.h"
#include "store/reader.h"
#include "store/writer.h"

namespace cria::store {

inline constexpr size_t kMaxItemsAtOnce = 20;

struct Conversation {
  std::string id;        // conv_<48 hex>
  int64_t created = 0;   // Unix seconds
  std::string metadata;  // a JSON object
  Owner owner;
};

struct ConversationItem {
  std::string id;
  std::string body;  // a JSON object with that id
};

// Any thread. Errors as in sql.h and page.h, and of a full queue as in writer.h. kNotFound names
// the conversation or the item that isn't there. Items have the owner of their conversation.
class Conversations {
 public:
  // Both live longer.
  Conversations(Reader& reader, Writer& writer, Clock clock)
      : reader_(reader), writer_(writer), clock_(std::move(clock)) {}

  // With its first items, as Append.
  absl::StatusOr<Conversation> Create(const base::json::object& metadata,
                                      std::vector<base::json::object> items, const Owner& owner);
  absl::StatusOr<Conversation> Get(const std::string& id);
  absl::StatusOr<Conversation> SetMetadata(const std::string& id,
                                           const base::json::object& metadata);
  absl::Status Delete(const std::string& id);  // and its items

  // All of the items or none. One without an "id" gets one (msg_<48 hex>). kInvalidArgument for
  // more than kMaxItemsAtOnce or an id that is no string, kAlreadyExists for an id that the
  // conversation has.
  absl::StatusOr<std::vector<ConversationItem>> Append(const std::string& conversation,
                                                       std::vector<base::json::object> items);
  absl::StatusOr<Page<ConversationItem>> ListItems(const std::string& conversation,
                                                   const ListOptions& options);
  absl::StatusOr<ConversationItem> GetItem(const std::string& conversation,
                                           const std::string& item);
  absl::Status DeleteItem(const std::string& conversation, const std::string& item);

 private:
  Reader& reader_;
  Writer& writer_;
  const Clock clock_;
};

}  // namespace cria::store

#endif  // CRIA_STORE_CONVERSATIONS_H_
