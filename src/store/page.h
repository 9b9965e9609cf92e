// Lists in pages: what a caller asks for, what it gets, and the one way to read them.
#ifndef CRIA_STORE_PAGE_H_
#define CRIA_STORE_PAGE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/status.h"
#include "store/owner.h"
#include "store/reader.h"

namespace cria::store {

inline constexpr int64_t kMaxPageItems = 10000;
// A page ends early, with has_more, when its items hold about that much.
inline constexpr size_t kMaxPageBytes = size_t{16} << 20;

enum class Order : uint8_t { kAscending, kDescending };  // by time

struct ListOptions {
  std::optional<std::string> after;  // the id of the item before the page
  int64_t limit = 20;                // 1 to kMaxPageItems
  Order order = Order::kDescending;
  // Absent: all. Rows that it refuses are as though they weren't there. Not asked of rows that have
  // no owner of their own.
  std::function<bool(const Owner&)> visible;
};

template <typename T>
struct Page {
  std::vector<T> items;
  bool has_more = false;
};

// Which rows a list is of. The names are parts of SQL, never from outside.
struct Listing {
  std::string what;     // "chat completion": for messages
  std::string table;    // has the columns id and seq; may be a join
  std::string sort;     // the column that orders its rows, before seq
  std::string owner;    // the column of the owner; empty: rows have none
  std::string columns;  // what `take` gets
  std::vector<std::pair<std::string, Param>> where;  // conditions with one '?' each
};

// Calls `take(row, first, owner)` for each item of the page: `first` is where the columns begin in
// the row; it returns about how many bytes it kept. True: there is more.
// kInvalidArgument for a limit out of range, or an `after` that is no visible item of the list.
absl::StatusOr<bool> ReadPage(Reader& reader, const Listing& listing, const ListOptions& options,
                              absl::FunctionRef<size_t(const Row&, int, Owner)> take);

}  // namespace cria::store

#endif  // CRIA_STORE_PAGE_H_
