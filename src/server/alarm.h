// Calls something later, unless it is told otherwise before: cheap to set again and again.
#ifndef CRIA_SERVER_ALARM_H_
#define CRIA_SERVER_ALARM_H_

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace cria::server {

// One strand: all calls, and the action, run on `executor`. Setting it to a later time than it was
// set to doesn't touch the timer, which looks again when it goes off.
class Alarm {
 public:
  explicit Alarm(const boost::asio::any_io_executor& executor);
  ~Alarm();  // as Clear
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Replaces what was set.
  void Set(std::chrono::milliseconds delay, std::function<void()> action);
  void Clear();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_ALARM_H_
