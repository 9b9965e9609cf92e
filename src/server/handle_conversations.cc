#include "server/handle_conversations.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/quote.h"
#include "server/access.h"
#include "server/conversation_items.h"
#include "server/errors.h"
#include "server/list_json.h"
#include "server/request_body.h"
#include "server/translate_openai.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::object;

constexpr int64_t kDefaultLimit = 20;
// Of metadata, as OpenAI's API has them; the schema bounds the values.
constexpr size_t kMaxMetadataPairs = 16, kMaxMetadataKeyBytes = 64;

absl::Status BadParam(const char* param, const std::string& message) {
  ErrorDetails details;
  details.param = param;
  return WithDetails(absl::InvalidArgumentError(message), details);
}

// The conversation that the path names, if the caller may see it.
absl::StatusOr<store::Conversation> Find(const Services& services, const Request& request) {
  const std::string& id = request.path_params.at("conversation_id");
  if (!id.starts_with("conv_"))
    return BadParam("conversation_id", absl::StrCat("Invalid 'conversation_id': ", base::Quote(id),
                                                    ". Expected an ID that begins with 'conv_'."));
  CRIA_ASSIGN_OR_RETURN(store::Conversation found, services.store.conversations().Get(id));
  if (!MaySee(CallerAsOwner(request), found.owner))
    return absl::NotFoundError(absl::StrCat("no such conversation ", base::Quote(id)));
  return found;
}

absl::StatusOr<object> MetadataOf(const object& body) {
  const object* metadata = base::FindObject(body, "metadata");
  if (metadata == nullptr) return object{};
  if (metadata->size() > kMaxMetadataPairs)
    return BadParam("metadata", absl::StrCat("metadata: expected at most ", kMaxMetadataPairs,
                                             " pairs, found ", metadata->size()));
  for (const auto& [key, value] : *metadata)
    if (key.size() > kMaxMetadataKeyBytes)
      return BadParam("metadata",
                      absl::StrCat("metadata: expected keys of at most ", kMaxMetadataKeyBytes,
                                   " bytes, found one of ", key.size()));
  return *metadata;
}

std::vector<object> ItemsOf(const object& body) {
  std::vector<object> items;
  if (const auto* given = base::FindArray(body, "items"))
    for (const base::json::value& item : *given) items.push_back(NormalItem(item.get_object()));
  return items;
}

absl::StatusOr<Reply> ConversationReply(const store::Conversation& conversation) {
  CRIA_ASSIGN_OR_RETURN(base::json::value metadata,
                        base::ParseJson(conversation.metadata, "stored metadata"));
  return JsonReply(object{{"id", conversation.id},
                          {"object", "conversation"},
                          {"created_at", conversation.created},
                          {"metadata", std::move(metadata)}});
}

Reply ItemsReply(const std::vector<store::ConversationItem>& items, bool has_more) {
  std::vector<std::string> bodies, ids;
  for (const store::ConversationItem& item : items) {
    bodies.push_back(item.body);
    ids.push_back(item.id);
  }
  return ListReply(bodies, ids, has_more);
}

absl::StatusOr<Reply> Create(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "CreateConversationRequest"));
  CRIA_ASSIGN_OR_RETURN(const object metadata, MetadataOf(body));
  CRIA_ASSIGN_OR_RETURN(
      const store::Conversation made,
      services.store.conversations().Create(metadata, ItemsOf(body), CallerAsOwner(request)));
  return ConversationReply(made);
}

absl::StatusOr<Reply> Get(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Conversation found, Find(services, request));
  return ConversationReply(found);
}

absl::StatusOr<Reply> Update(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Conversation found, Find(services, request));
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "UpdateConversationRequest"));
  CRIA_ASSIGN_OR_RETURN(const object metadata, MetadataOf(body));
  CRIA_ASSIGN_OR_RETURN(const store::Conversation updated,
                        services.store.conversations().SetMetadata(found.id, metadata));
  return ConversationReply(updated);
}

absl::StatusOr<Reply> Delete(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Conversation found, Find(services, request));
  CRIA_RETURN_IF_ERROR(services.store.conversations().Delete(found.id));
  return JsonReply(object{{"id", found.id}, {"object", "conversation.deleted"}, {"deleted", true}});
}

absl::StatusOr<Reply> AddItems(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Conversation found, Find(services, request));
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "CreateItemsRequest"));
  CRIA_ASSIGN_OR_RETURN(const std::vector<store::ConversationItem> added,
                        services.store.conversations().Append(found.id, ItemsOf(body)));
  return ItemsReply(added, /*has_more=*/false);
}

absl::StatusOr<Reply> ListItems(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object query, ReadQuery(request, services.schemas, "ItemListQuery"));
  CRIA_ASSIGN_OR_RETURN(const store::Conversation found, Find(services, request));
  const store::ListOptions options =
      ListOptionsFrom(request, query, kDefaultLimit, store::Order::kDescending);
  CRIA_ASSIGN_OR_RETURN(const auto page,
                        services.store.conversations().ListItems(found.id, options));
  return ItemsReply(page.items, page.has_more);
}

absl::StatusOr<Reply> GetItem(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Conversation found, Find(services, request));
  CRIA_ASSIGN_OR_RETURN(
      store::ConversationItem item,
      services.store.conversations().GetItem(found.id, request.path_params.at("item_id")));
  Reply reply;
  reply.body = std::move(item.body);
  return reply;
}

absl::StatusOr<Reply> DeleteItem(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::Conversation found, Find(services, request));
  const std::string& id = request.path_params.at("item_id");
  CRIA_RETURN_IF_ERROR(services.store.conversations().DeleteItem(found.id, id));
  // OpenAI's API answers with the conversation, Llama Stack's with what is gone.
  if (!IsLlamaStackClient(request)) return ConversationReply(found);
  return JsonReply(object{{"id", id}, {"object", "conversation.item.deleted"}, {"deleted", true}});
}

}  // namespace

void AddConversationRoutes(const Services& services, const std::string& prefix, bool deprecated,
                           Router* router) {
  const std::string all = prefix + "/conversations", one = all + "/{conversation_id}",
                    items = one + "/items", item = items + "/{item_id}";
  const WorkerRoute routes[] = {
      {"POST", all, Create, "createConversation", "Begin a conversation",
       "CreateConversationRequest", "Conversation"},
      {"GET", one, Get, "getConversation", "A conversation, without its items", "", "Conversation"},
      {"POST", one, Update, "updateConversation", "Replace a conversation's metadata",
       "UpdateConversationRequest", "Conversation"},
      {"DELETE", one, Delete, "deleteConversation", "Delete a conversation with its items", "",
       "ConversationDeleted"},
      {"GET", items, ListItems, "listConversationItems", "The items of a conversation",
       "ItemListQuery", "ConversationItemList"},
      {"POST", items, AddItems, "createConversationItems", "Add items to a conversation",
       "CreateItemsRequest", "ConversationItemList"},
      {"GET", item, GetItem, "getConversationItem", "One item of a conversation", "",
       "ConversationItem"},
      {"DELETE", item, DeleteItem, "deleteConversationItem", "Delete an item of a conversation", "",
       "ConversationItemDeleted"}};
  for (const WorkerRoute& route : routes)
    AddWorkerRoute(services, route, "Conversations", "v1", deprecated, router);
}

}  // namespace cria::server
