#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <thread>

#include "server/http_server.h"

namespace cria::server {

void ServeUntilSignal(HttpServer& server, const std::function<void()>& reload) {
  boost::asio::io_context io;
  boost::asio::signal_set stop(io, SIGINT, SIGTERM), hang_up(io, SIGHUP);
  std::thread shutdown;
  std::function<void()> wait_for_stop = [&] {
    stop.async_wait([&](boost::system::error_code error, int) {
      if (error) return;
      if (shutdown.joinable()) return server.Abort();
      shutdown = std::thread([&] {
        server.Shutdown();
        io.stop();
      });
      wait_for_stop();
    });
  };
  std::function<void()> wait_for_hang_up = [&] {
    hang_up.async_wait([&](boost::system::error_code error, int) {
      if (error) return;
      if (reload) reload();
      wait_for_hang_up();
    });
  };
  wait_for_stop();
  wait_for_hang_up();
  io.run();
  shutdown.join();
}

}  // namespace cria::server
