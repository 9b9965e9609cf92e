// Listens, and runs the threads on which connections are served.
#ifndef CRIA_SERVER_HTTP_SERVER_H_
#define CRIA_SERVER_HTTP_SERVER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "server/limits.h"

namespace cria::server {

class Service;
class TlsContext;

struct ServerOptions {
  // A name or an address; empty: all addresses, IPv6 and IPv4.
  std::string host;
  uint16_t port = 8321;  // 0: a free one
  int threads = 2;       // at most as many as there are processors
  Limits limits;
  std::shared_ptr<TlsContext> tls;  // nullptr: plain HTTP

  // Shutdown lets running requests go on for `drain_time`, then calls `cancel` (on any thread),
  // which should end what they wait for, and breaks them off after `cancel_time`.
  std::chrono::milliseconds drain_time{30'000};
  std::function<void()> cancel;
  std::chrono::milliseconds cancel_time{5'000};
};

// Any thread may call, but none of its own.
class HttpServer {
 public:
  // Accepts from now on. kInvalidArgument for a host that is none; kAlreadyExists if the port is
  // taken; kPermissionDenied. `service` must outlive the server.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(ServerOptions options, Service* service);
  ~HttpServer();  // Abort, and joins the threads

  uint16_t port() const;
  std::vector<std::string> addresses() const;  // "[::]:8321"
  size_t connections() const;
  uint64_t refused_connections() const;  // because of the limit

  // Stops accepting, closes idle connections and returns when all are closed: see ServerOptions.
  void Shutdown();
  // Breaks everything off; a Shutdown that waits returns at once.
  void Abort();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Waits for SIGINT or SIGTERM and shuts `server` down; a second one aborts. On SIGHUP calls
// `reload`. These signals must not be handled elsewhere meanwhile.
void ServeUntilSignal(HttpServer& server, const std::function<void()>& reload);

}  // namespace cria::server

#endif  // CRIA_SERVER_HTTP_SERVER_H_
