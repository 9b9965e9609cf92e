#include "store/reader.h"

#include <utility>

namespace cria::store {

absl::Status Reader::Query(std::string_view sql, const Params& params,
                           absl::FunctionRef<bool(const Row&)> on_row) {
  CRIA_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Take());
  absl::Status status = connection->Query(sql, params, on_row);
  if (!status.ok() && !connection->usable()) {
    // The server may have been started anew since the last read.
    absl::StatusOr<std::unique_ptr<Connection>> another = database_.Connect();
    if (another.ok()) {
      connection = *std::move(another);
      status = connection->Query(sql, params, on_row);
    }
  }
  GiveBack(std::move(connection));
  return status;
}

absl::StatusOr<std::unique_ptr<Connection>> Reader::Take() {
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [this] { return !free_.empty() || connections_ < max_connections_; });
  if (!free_.empty()) {
    std::unique_ptr<Connection> connection = std::move(free_.back());
    free_.pop_back();
    return connection;
  }
  ++connections_;
  lock.unlock();
  absl::StatusOr<std::unique_ptr<Connection>> connection = database_.Connect();
  if (!connection.ok()) GiveBack(nullptr);
  return connection;
}

// nullptr, or a connection that is lost, makes room for a new one.
void Reader::GiveBack(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    if (connection != nullptr && connection->usable())
      free_.push_back(std::move(connection));
    else
      --connections_;
  }
  freed_.notify_one();
}

}  // namespace cria::store
