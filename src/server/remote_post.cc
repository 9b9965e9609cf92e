#include "server/remote_post.h"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

namespace cria::server {

namespace asio = boost::asio;

struct RemotePost::Gate {
  std::mutex mutex;
  bool open = true;
};

// A service of the context, so that it learns of its end.
class RemotePost::Lifeline final : public asio::execution_context::service {
 public:
  using key_type = Lifeline;
  static asio::execution_context::id id;

  explicit Lifeline(asio::execution_context& context)
      : asio::execution_context::service(context), gate(std::make_shared<Gate>()) {}

  const std::shared_ptr<Gate> gate;

 private:
  void shutdown() override {
    const std::lock_guard lock(gate->mutex);
    gate->open = false;
  }
};

asio::execution_context::id RemotePost::Lifeline::id;

RemotePost::RemotePost(const asio::any_io_executor& executor)
    : executor_(executor), gate_(asio::use_service<Lifeline>(executor.context()).gate) {}

bool RemotePost::operator()(std::function<void()> work) const {
  const std::lock_guard lock(gate_->mutex);
  if (!gate_->open) return false;
  asio::post(executor_, std::move(work));
  return true;
}

}  // namespace cria::server
