#include "server/stored_completions.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/access.h"
#include "server/list_json.h"
#include "server/request_body.h"

namespace cria::server {
namespace {

constexpr int64_t kDefaultLimit = 20;

using base::json::object;
using boost::asio::awaitable;

// The stored answer with what was asked: both are JSON text already.
std::string WithMessages(const store::ChatCompletion& stored) {
  std::string json = stored.response;
  json.pop_back();  // '}'
  absl::StrAppend(&json, ",\"input_messages\":", stored.input, "}");
  return json;
}

absl::StatusOr<store::ChatCompletion> Find(const Services& services, const Request& request) {
  const std::string& id = request.path_params.at("completion_id");
  CRIA_ASSIGN_OR_RETURN(store::ChatCompletion found, services.store.chat_completions().Get(id));
  if (!MaySee(CallerAsOwner(request), found.owner))
    return absl::NotFoundError(absl::StrCat("there is no chat completion '", id, "'"));
  return found;
}

}  // namespace

awaitable<absl::Status> KeepCompletion(const Services& services, const Request& request,
                                       const object& asked, const object& completion) {
  store::ChatCompletion row;
  row.id = completion.at("id").as_string();
  row.created = completion.at("created").as_int64();
  row.model = completion.at("model").as_string();
  row.input = base::json::serialize(asked.at("messages"));
  row.response = base::json::serialize(completion);
  row.owner = CallerAsOwner(request);
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto status = std::make_shared<absl::Status>();
  auto start = [&completions = services.store.chat_completions(), &row, executor,
                status](auto handler) {
    const auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    const auto done = [executor, status, resume](const absl::Status& result) {
      *status = result;
      boost::asio::post(executor, [resume] { std::move (*resume)(); });
    };
    const absl::Status queued = completions.PutLater(std::move(row), done);
    if (!queued.ok()) done(queued);
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      start, boost::asio::use_awaitable);
  co_return *status;
}

absl::StatusOr<Reply> ListCompletions(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object query,
                        ReadQuery(request, services.schemas, "StoredListQuery"));
  store::ChatCompletionListOptions options;
  static_cast<store::ListOptions&>(options) =
      ListOptionsFrom(request, query, kDefaultLimit, store::Order::kDescending);
  if (const auto* model = base::Find(query, "model"))
    options.model = std::string(model->as_string());
  CRIA_ASSIGN_OR_RETURN(const auto page, services.store.chat_completions().List(options));
  std::vector<std::string> items, ids;
  for (const store::ChatCompletion& stored : page.items) {
    items.push_back(WithMessages(stored));
    ids.push_back(stored.id);
  }
  return ListReply(items, ids, page.has_more);
}

absl::StatusOr<Reply> GetCompletion(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::ChatCompletion found, Find(services, request));
  Reply reply;
  reply.body = WithMessages(found);
  return reply;
}

// The messages have no ids of their own: theirs are the completion's and their place.
absl::StatusOr<Reply> ListCompletionMessages(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object query,
                        ReadQuery(request, services.schemas, "MessageListQuery"));
  CRIA_ASSIGN_OR_RETURN(const store::ChatCompletion found, Find(services, request));
  CRIA_ASSIGN_OR_RETURN(const auto messages, base::ParseJson(found.input, "stored messages"));
  if (!messages.is_array()) return absl::DataLossError("stored messages are no list");
  std::vector<std::string> items, ids;
  for (const base::json::value& message : messages.get_array()) {
    ids.push_back(absl::StrCat(found.id, "-", ids.size()));
    object item = message.is_object() ? message.get_object() : object{};
    item["id"] = ids.back();
    items.push_back(base::json::serialize(item));
  }
  return PageOf(std::move(items), std::move(ids),
                ListOptionsFrom(request, query, kDefaultLimit, store::Order::kAscending));
}

}  // namespace cria::server
