#include "server/connection_table.h"

#include <boost/asio/post.hpp>

namespace cria::server {

void ConnectionTable::Add(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard lock(mutex_);
  open_.emplace(connection.get(), connection);
}

void ConnectionTable::Remove(const Connection* connection) {
  const std::lock_guard lock(mutex_);
  open_.erase(connection);
  if (open_.empty()) changed_.notify_all();
}

size_t ConnectionTable::size() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

void ConnectionTable::PostToAll(void (Connection::*action)()) {
  const std::lock_guard lock(mutex_);
  for (const auto& [pointer, weak] : open_) {
    const std::shared_ptr<Connection> connection = weak.lock();
    if (connection == nullptr) continue;
    boost::asio::post(connection->executor(),
                      [connection, action] { (connection.get()->*action)(); });
  }
}

bool ConnectionTable::WaitUntilEmpty(std::chrono::milliseconds time,
                                     const std::function<bool()>& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return open_.empty() || stop(); });
  return open_.empty();
}

void ConnectionTable::Wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

}  // namespace cria::server
