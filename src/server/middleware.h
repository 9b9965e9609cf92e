// What is done with every exchange, around its handler.
#ifndef CRIA_SERVER_MIDDLEWARE_H_
#define CRIA_SERVER_MIDDLEWARE_H_

#include <chrono>
#include <optional>
#include <string>

#include "server/router.h"
#include "server/service.h"

namespace cria::server {

// One exchange on its way through the middlewares.
struct Call {
  ServerExchange& exchange;
  Request& request;
  const Route* route = nullptr;  // nullptr: none fits
  std::chrono::steady_clock::time_point start;
  int status = 0;           // of the answer, from OnHead on
  std::string parent_span;  // the caller's, in hex; may be empty
};

// Shared by all exchanges and called on their strands: thread-safe. Nothing throws.
class Middleware {
 public:
  virtual ~Middleware() = default;

  // Before the body is read. A reply ends it: neither the handler nor the middlewares further down
  // the list see the exchange.
  virtual boost::asio::awaitable<std::optional<Reply>> Before(Call& call);
  // The answer's head is about to go out.
  virtual void OnHead(const Call& call, Headers* headers);
  // The answer is out, or nobody is there to take it.
  virtual void After(const Call& call);
  // A request that couldn't even be read.
  virtual void Refused(int http_status);
};

}  // namespace cria::server

#endif  // CRIA_SERVER_MIDDLEWARE_H_
