#include "store/chat_completions.h"

#include <utility>

#include "store/errors.h"

namespace cria::store {
namespace {

constexpr char kWhat[] = "chat completion";
constexpr char kColumns[] = "id, created, model, input, response";

ChatCompletion FromRow(const Row& row, int first, Owner owner) {
  return {std::string(row.Text(first)),     row.Int(first + 1),
          std::string(row.Text(first + 2)), std::string(row.Text(first + 3)),
          std::string(row.Text(first + 4)), std::move(owner)};
}

size_t BytesOf(const ChatCompletion& one) {
  return sizeof one + one.id.size() + one.model.size() + one.input.size() + one.response.size();
}

absl::Status Insert(Connection& connection, const ChatCompletion& one) {
  return NameIfTaken(
      connection
          .Execute("INSERT INTO chat_completions (id, created, model, owner, input, response) "
                   "VALUES (?, ?, ?, ?, ?, ?)",
                   {one.id, one.created, one.model, OwnerText(one.owner), one.input, one.response})
          .status(),
      kWhat, one.id);
}

}  // namespace

absl::Status ChatCompletions::Put(ChatCompletion completion) {
  return writer_.Write(BytesOf(completion),
                       [&](Connection& connection) { return Insert(connection, completion); });
}

absl::Status ChatCompletions::PutLater(ChatCompletion completion, Writer::Done done) {
  const size_t bytes = BytesOf(completion);
  return writer_.Enqueue(
      bytes,
      [completion = std::move(completion)](Connection& connection) {
        return Insert(connection, completion);
      },
      std::move(done));
}

absl::StatusOr<ChatCompletion> ChatCompletions::Get(const std::string& id) {
  std::optional<ChatCompletion> found;
  std::string owner;
  CRIA_RETURN_IF_ERROR(
      reader_.Query(absl::StrCat("SELECT owner, ", kColumns, " FROM chat_completions WHERE id = ?"),
                    {id}, [&](const Row& row) {
                      owner = row.Text(0);
                      found = FromRow(row, 1, {});
                      return false;
                    }));
  if (!found.has_value()) return NoSuch(kWhat, id);
  CRIA_ASSIGN_OR_RETURN(found->owner, ParseOwner(owner));
  return *std::move(found);
}

absl::StatusOr<Page<ChatCompletion>> ChatCompletions::List(
    const ChatCompletionListOptions& options) {
  Listing listing{kWhat, "chat_completions", "created", "owner", kColumns, {}};
  if (options.model.has_value()) listing.where.emplace_back("model = ?", *options.model);
  Page<ChatCompletion> page;
  CRIA_ASSIGN_OR_RETURN(
      page.has_more,
      ReadPage(reader_, listing, options, [&](const Row& row, int first, Owner owner) {
        page.items.push_back(FromRow(row, first, std::move(owner)));
        return BytesOf(page.items.back());
      }));
  return page;
}

}  // namespace cria::store
