// The connections of a server that are open.
#ifndef CRIA_SERVER_CONNECTION_TABLE_H_
#define CRIA_SERVER_CONNECTION_TABLE_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "server/connection.h"

namespace cria::server {

// Any thread.
class ConnectionTable {
 public:
  void Add(const std::shared_ptr<Connection>& connection);
  void Remove(const Connection* connection);
  size_t size() const;

  // On the strand of each.
  void PostToAll(void (Connection::*action)());
  // True when there is none, at the latest when `stop` says so or the time is over.
  bool WaitUntilEmpty(std::chrono::milliseconds time, const std::function<bool()>& stop);
  void Wake();  // a waiting thread asks `stop` again

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<const Connection*, std::weak_ptr<Connection>> open_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_CONNECTION_TABLE_H_
