// What stands between connections and handlers: the exchange as the server itself sees it.
#ifndef CRIA_SERVER_SERVICE_H_
#define CRIA_SERVER_SERVICE_H_

#include <chrono>
#include <cstdint>
#include <functional>

#include "server/exchange.h"

namespace cria::server {

// All on the connection's strand. When it begins, the headers are there and the body isn't.
class ServerExchange : public Exchange {
 public:
  virtual Request& mutable_request() = 0;
  virtual const std::string& raw_path() const = 0;  // percent-encoded

  // Reads the body into the request, at most `max_bytes` of it. Any error but kCancelled (the
  // client is gone) is fit to be sent. An exchange that is answered without it gives up the body.
  virtual boost::asio::awaitable<absl::Status> ReadBody(size_t max_bytes) = 0;

  // `edit` is called once, when the head of the answer is about to go out.
  virtual void OnHead(std::function<void(int status, Headers* headers)> edit) = 0;

  // When the time is over the handler is told as if the client had gone, and expired() is true.
  virtual void SetDeadline(std::chrono::milliseconds delay) = 0;
  virtual bool expired() const = 0;

  virtual bool complete() const = 0;        // the whole answer was given to the system
  virtual uint64_t bytes_sent() const = 0;  // of the answer, with its head
};

// Shared by all connections and called on their strands: thread-safe.
class Service {
 public:
  virtual ~Service() = default;
  // Answers, and doesn't throw. A stream that it leaves unfinished is broken off, so that the
  // client can tell.
  virtual boost::asio::awaitable<void> Serve(ServerExchange& exchange) = 0;
  // A request that was answered with this status because it couldn't be read.
  virtual void Refused(int http_status) = 0;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_SERVICE_H_
