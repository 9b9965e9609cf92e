// Work for a strand from threads that may outlive the server.
#ifndef CRIA_SERVER_REMOTE_POST_H_
#define CRIA_SERVER_REMOTE_POST_H_

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

namespace cria::server {

// Copies may be used from any thread, also after the executor's context is gone.
class RemotePost {
 public:
  // On a thread of the context, or before it is destroyed.
  explicit RemotePost(const boost::asio::any_io_executor& executor);

  // `work` runs later on the executor. False, and it doesn't: the context is gone.
  bool operator()(std::function<void()> work) const;

 private:
  class Lifeline;
  struct Gate;
  boost::asio::any_io_executor executor_;
  std::shared_ptr<Gate> gate_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_REMOTE_POST_H_
