#include "store/conversations.h"

#include <utility>

#include "store/errors.h"
#include "store/ids.h"

namespace cria::store {
namespace {

namespace json = base::json;

constexpr char kConversation[] = "conversation";
constexpr char kItem[] = "conversation item";

absl::StatusOr<std::vector<ConversationItem>> Named(std::vector<json::object> items) {
  if (items.size() > kMaxItemsAtOnce)
    return absl::InvalidArgumentError(absl::StrCat("items: expected at most ", kMaxItemsAtOnce,
                                                   " at a time, got ", items.size()));
  std::vector<ConversationItem> named;
  for (json::object& item : items) {
    CRIA_ASSIGN_OR_RETURN(std::optional<std::string> id, base::GetString(item, "id"));
    if (!id.has_value() || id->empty()) id = NewMessageId();
    item["id"] = *id;
    named.push_back({*std::move(id), json::serialize(item)});
  }
  return named;
}

size_t BytesOf(const std::vector<ConversationItem>& items) {
  size_t bytes = 0;
  for (const ConversationItem& item : items)
    bytes += sizeof item + item.id.size() + item.body.size();
  return bytes;
}

absl::Status InsertItems(Connection& connection, const std::string& conversation, int64_t position,
                         const std::vector<ConversationItem>& items) {
  for (const ConversationItem& item : items)
    CRIA_RETURN_IF_ERROR(NameIfTaken(
        connection
            .Execute("INSERT INTO conversation_items (conversation, position, id, body) "
                     "VALUES (?, ?, ?, ?)",
                     {conversation, position++, item.id, item.body})
            .status(),
        kItem, item.id));
  return absl::OkStatus();
}

// Takes the next positions of the conversation, and keeps others from it until the commit.
absl::Status AppendItems(Connection& connection, const std::string& conversation,
                         const std::vector<ConversationItem>& items) {
  std::optional<int64_t> end;
  const auto count = static_cast<int64_t>(items.size());
  CRIA_RETURN_IF_ERROR(
      connection.Query("UPDATE conversations SET next_position = next_position + ? WHERE id = ? "
                       "RETURNING next_position",
                       {count, conversation}, [&](const Row& row) {
                         end = row.Int(0);
                         return true;
                       }));
  if (!end.has_value()) return NoSuch(kConversation, conversation);
  return InsertItems(connection, conversation, *end - count, items);
}

absl::Status InsertConversation(Connection& connection, const Conversation& one,
                                const std::vector<ConversationItem>& items) {
  CRIA_RETURN_IF_ERROR(
      connection
          .Execute("INSERT INTO conversations (id, created, next_position, owner, metadata) "
                   "VALUES (?, ?, ?, ?, ?)",
                   {one.id, one.created, static_cast<int64_t>(items.size()), OwnerText(one.owner),
                    one.metadata})
          .status());
  return InsertItems(connection, one.id, 0, items);
}

}  // namespace

absl::StatusOr<Conversation> Conversations::Create(const json::object& metadata,
                                                   std::vector<json::object> items,
                                                   const Owner& owner) {
  CRIA_ASSIGN_OR_RETURN(const std::vector<ConversationItem> named, Named(std::move(items)));
  const Conversation one{NewConversationId(), clock_(), json::serialize(metadata), owner};
  CRIA_RETURN_IF_ERROR(writer_.Write(
      one.metadata.size() + BytesOf(named),
      [&](Connection& connection) { return InsertConversation(connection, one, named); }));
  return one;
}

absl::StatusOr<Conversation> Conversations::Get(const std::string& id) {
  std::optional<Conversation> found;
  std::string owner;
  CRIA_RETURN_IF_ERROR(
      reader_.Query("SELECT id, created, metadata, owner FROM conversations WHERE id = ?", {id},
                    [&](const Row& row) {
                      found = {std::string(row.Text(0)), row.Int(1), std::string(row.Text(2)), {}};
                      owner = row.Text(3);
                      return false;
                    }));
  if (!found.has_value()) return NoSuch(kConversation, id);
  CRIA_ASSIGN_OR_RETURN(found->owner, ParseOwner(owner));
  return *std::move(found);
}

absl::StatusOr<Conversation> Conversations::SetMetadata(const std::string& id,
                                                        const json::object& metadata) {
  const std::string text = json::serialize(metadata);
  CRIA_RETURN_IF_ERROR(writer_.Write(text.size(), [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(
        const int64_t changed,
        connection.Execute("UPDATE conversations SET metadata = ? WHERE id = ?", {text, id}));
    return changed == 0 ? NoSuch(kConversation, id) : absl::OkStatus();
  }));
  return Get(id);
}

absl::Status Conversations::Delete(const std::string& id) {
  return writer_.Write(id.size(), [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(const int64_t deleted,
                          connection.Execute("DELETE FROM conversations WHERE id = ?", {id}));
    return deleted == 0 ? NoSuch(kConversation, id) : absl::OkStatus();
  });
}

absl::StatusOr<std::vector<ConversationItem>> Conversations::Append(
    const std::string& conversation, std::vector<json::object> items) {
  CRIA_ASSIGN_OR_RETURN(std::vector<ConversationItem> named, Named(std::move(items)));
  CRIA_RETURN_IF_ERROR(writer_.Write(BytesOf(named), [&](Connection& connection) {
    return AppendItems(connection, conversation, named);
  }));
  return named;
}

absl::StatusOr<Page<ConversationItem>> Conversations::ListItems(const std::string& conversation,
                                                                const ListOptions& options) {
  CRIA_RETURN_IF_ERROR(Get(conversation).status());
  const Listing listing{kItem, "conversation_items", "position",
                        "",    "id, body",           {{"conversation = ?", conversation}}};
  Page<ConversationItem> page;
  CRIA_ASSIGN_OR_RETURN(
      page.has_more,
      ReadPage(reader_, listing, options, [&](const Row& row, int first, const Owner&) {
        page.items.push_back({std::string(row.Text(first)), std::string(row.Text(first + 1))});
        return page.items.back().body.size();
      }));
  return page;
}

absl::StatusOr<ConversationItem> Conversations::GetItem(const std::string& conversation,
                                                        const std::string& item) {
  std::optional<ConversationItem> found;
  CRIA_RETURN_IF_ERROR(
      reader_.Query("SELECT id, body FROM conversation_items WHERE conversation = ? AND id = ?",
                    {conversation, item}, [&](const Row& row) {
                      found = {std::string(row.Text(0)), std::string(row.Text(1))};
                      return false;
                    }));
  if (found.has_value()) return *std::move(found);
  CRIA_RETURN_IF_ERROR(Get(conversation).status());
  return NoSuch(kItem, item);
}

absl::Status Conversations::DeleteItem(const std::string& conversation, const std::string& item) {
  int64_t deleted = 0;
  CRIA_RETURN_IF_ERROR(writer_.Write(item.size(), [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(
        deleted,
        connection.Execute("DELETE FROM conversation_items WHERE conversation = ? AND id = ?",
                           {conversation, item}));
    return absl::OkStatus();
  }));
  if (deleted != 0) return absl::OkStatus();
  CRIA_RETURN_IF_ERROR(Get(conversation).status());
  return NoSuch(kItem, item);
}

}  // namespace cria::store
