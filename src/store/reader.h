// A few connections for reading, so that readers wait neither for the writer nor for each other.
#ifndef CRIA_STORE_READER_H_
#define CRIA_STORE_READER_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/status.h"
#include "store/sql.h"

namespace cria::store {

// Any thread. What was acknowledged by the writer is seen by every read that begins later.
class Reader {
 public:
  // `database` lives longer. Connections are made when they are needed, at most `max_connections`.
  Reader(const Database& database, int max_connections)
      : database_(database), max_connections_(max_connections) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // As Connection::Query, on a free connection; waits for one. `on_row` must not read again. A
  // connection that turns out to be lost is replaced once: it was lost before the first row.
  absl::Status Query(std::string_view sql, const Params& params,
                     absl::FunctionRef<bool(const Row&)> on_row);

 private:
  absl::StatusOr<std::unique_ptr<Connection>> Take();
  void GiveBack(std::unique_ptr<Connection> connection);

  const Database& database_;
  const int max_connections_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Connection>> free_;
  int connections_ = 0;  // free or taken
};

}  // namespace cria::store

#endif  // CRIA_STORE_READER_H_
