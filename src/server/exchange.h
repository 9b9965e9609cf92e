// One HTTP request and its answer, as handlers see them.
#ifndef CRIA_SERVER_EXCHANGE_H_
#define CRIA_SERVER_EXCHANGE_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace cria::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;                              // "GET", ...
  std::string path;                                // percent-decoded, without the query
  Headers query;                                   // decoded, in order
  Headers headers;                                 // names in lower case
  std::string body;                                // decompressed
  std::string peer;                                // address of the client
  std::string id;                                  // for logs and the X-Request-Id of the answer
  std::map<std::string, std::string> path_params;  // by the names in the route's pattern
  std::string principal;                           // who asks, where auth knows; empty: anonymous
  std::map<std::string, std::vector<std::string>> attributes;  // roles, teams, projects, namespaces

  // The first of that name (lower case); nullptr: none.
  const std::string* Header(std::string_view name) const;
  const std::string* Query(std::string_view name) const;
};

struct Reply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  Headers headers;
};

// A handler answers by exactly one Send, or one StartStream, any number of Write and one
// FinishStream. All of it runs on the connection's strand. A handler that returns without an answer
// is a bug that the client sees as 500.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;
  virtual boost::asio::awaitable<void> Send(Reply reply) = 0;
  // Sends the head: 200 with these headers and chunked coding. `keep_alive_comments`: SSE comment
  // lines go out while nothing else does, so that proxies keep the connection.
  virtual boost::asio::awaitable<void> StartStream(std::string content_type,
                                                   bool keep_alive_comments) = 0;
  // Waits while the client is slow. kCancelled: it went away, or took nothing for too long; write
  // no more.
  virtual boost::asio::awaitable<absl::Status> Write(std::string bytes) = 0;
  virtual boost::asio::awaitable<void> FinishStream() = 0;
  // `on_gone` is called, on the strand, when the client disconnects while the handler is at work
  // (or has already). Replaced by the next call; dropped when the handler returns.
  virtual void OnDisconnect(std::function<void()> on_gone) = 0;
  virtual bool disconnected() const = 0;
  virtual bool answered() const = 0;  // Send or StartStream was called
};

using Handler = std::function<boost::asio::awaitable<void>(Exchange&)>;

}  // namespace cria::server

#endif  // CRIA_SERVER_EXCHANGE_H_
