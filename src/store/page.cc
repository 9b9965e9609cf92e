#include "store/page.h"

#include <algorithm>

#include "base/quote.h"

namespace cria::store {
namespace {

// Rows that are asked for at a time: a database may hold all of them in memory.
constexpr int64_t kMaxChunk = 100;
constexpr int kFirstColumn = 3;  // after the place and the owner

// Where a row stands in its list.
struct Place {
  int64_t sort = 0, seq = 0;
};

std::string OwnerColumn(const Listing& listing) {
  return listing.owner.empty() ? "''" : listing.owner;
}

bool IsVisible(const Listing& listing, const ListOptions& options, const Owner& owner) {
  return listing.owner.empty() || !options.visible || options.visible(owner);
}

absl::StatusOr<Place> FindAfter(Reader& reader, const Listing& listing,
                                const ListOptions& options) {
  std::string sql = absl::StrCat("SELECT ", listing.sort, ", seq, ", OwnerColumn(listing), " FROM ",
                                 listing.table, " WHERE id = ?");
  Params params = {std::string_view(*options.after)};
  for (const auto& [condition, value] : listing.where) {
    absl::StrAppend(&sql, " AND ", condition);
    params.push_back(value);
  }
  std::optional<Place> place;
  std::string owner_text;
  CRIA_RETURN_IF_ERROR(reader.Query(sql, params, [&](const Row& row) {
    place = {row.Int(0), row.Int(1)};
    owner_text = row.Text(2);
    return false;
  }));
  CRIA_ASSIGN_OR_RETURN(const Owner owner, ParseOwner(owner_text));
  if (!place.has_value() || !IsVisible(listing, options, owner))
    return absl::InvalidArgumentError(absl::StrCat("after: no such ", listing.what, " ",
                                                   base::Quote(*options.after),
                                                   ": expected the id of the last item of a page"));
  return *place;
}

// At most `count` rows after `place`.
absl::Status ReadChunk(Reader& reader, const Listing& listing, Order order,
                       const std::optional<Place>& place, int64_t count,
                       absl::FunctionRef<bool(const Row&)> on_row) {
  const bool ascending = order == Order::kAscending;
  std::string sql = absl::StrCat("SELECT ", listing.sort, ", seq, ", OwnerColumn(listing), ", ",
                                 listing.columns, " FROM ", listing.table);
  const char* joint = " WHERE ";
  Params params;
  for (const auto& [condition, value] : listing.where) {
    absl::StrAppend(&sql, joint, condition);
    params.push_back(value);
    joint = " AND ";
  }
  if (place.has_value()) {
    absl::StrAppend(&sql, joint, "(", listing.sort, ", seq) ", ascending ? ">" : "<", " (?, ?)");
    params.insert(params.end(), {place->sort, place->seq});
  }
  const char* direction = ascending ? " ASC" : " DESC";
  absl::StrAppend(&sql, " ORDER BY ", listing.sort, direction, ", seq", direction, " LIMIT ?");
  params.push_back(count);
  return reader.Query(sql, params, on_row);
}

// Takes the rows of a page, chunk by chunk.
class PageBuilder {
 public:
  PageBuilder(const Listing& listing, const ListOptions& options, std::optional<Place> after,
              absl::FunctionRef<size_t(const Row&, int, Owner)> take)
      : listing_(listing), options_(options), place_(after), take_(take) {}

  // The place of the last row seen.
  const std::optional<Place>& place() const { return place_; }
  bool has_more() const { return has_more_; }
  const absl::Status& status() const { return status_; }
  int64_t seen() const { return seen_; }
  // Where nothing is left out, one row more than the page tells whether there is more.
  int64_t wanted() const {
    return std::min(kMaxChunk, options_.visible ? kMaxChunk : options_.limit - taken_ + 1);
  }

  // False when no other row is needed.
  bool OnRow(const Row& row) {
    ++seen_;
    place_ = {row.Int(0), row.Int(1)};
    absl::StatusOr<Owner> owner = ParseOwner(row.Text(2));
    status_ = owner.status();
    if (!status_.ok()) return false;
    if (!IsVisible(listing_, options_, *owner)) return true;
    has_more_ = taken_ == options_.limit || (taken_ > 0 && bytes_ > kMaxPageBytes);
    if (has_more_) return false;
    ++taken_;
    bytes_ += take_(row, kFirstColumn, *std::move(owner));
    return true;
  }

 private:
  const Listing& listing_;
  const ListOptions& options_;
  std::optional<Place> place_;
  absl::FunctionRef<size_t(const Row&, int, Owner)> take_;
  int64_t seen_ = 0, taken_ = 0;
  size_t bytes_ = 0;
  bool has_more_ = false;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<bool> ReadPage(Reader& reader, const Listing& listing, const ListOptions& options,
                              absl::FunctionRef<size_t(const Row&, int, Owner)> take) {
  if (options.limit < 1 || options.limit > kMaxPageItems)
    return absl::InvalidArgumentError(
        absl::StrCat("limit: expected 1 to ", kMaxPageItems, ", got ", options.limit));
  std::optional<Place> after;
  if (options.after.has_value()) {
    CRIA_ASSIGN_OR_RETURN(after, FindAfter(reader, listing, options));
  }
  PageBuilder page(listing, options, after, take);
  while (true) {
    const int64_t wanted = page.wanted(), seen_before = page.seen();
    CRIA_RETURN_IF_ERROR(ReadChunk(reader, listing, options.order, page.place(), wanted,
                                   [&](const Row& row) { return page.OnRow(row); }));
    CRIA_RETURN_IF_ERROR(page.status());
    if (page.has_more() || page.seen() - seen_before < wanted) return page.has_more();
  }
}

}  // namespace cria::store
