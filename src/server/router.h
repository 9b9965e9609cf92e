// Which handler answers for a method and a path.
#ifndef CRIA_SERVER_ROUTER_H_
#define CRIA_SERVER_ROUTER_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/exchange.h"

namespace cria::server {

// What a route is to people and to the OpenAPI document.
struct RouteInfo {
  std::string operation_id;
  std::string summary;
  std::string tag;         // groups the operations: "Models", "Inference", ...
  std::string generation;  // of the API: "alpha", "v1", ...
  bool deprecated = false;
  std::string request_schema, response_schema;  // names of schemas; may be empty
};

struct Route {
  std::string method;
  // "/v1/prompts/{prompt_id}/versions": a name in braces takes one segment, "{model_id:path}" one
  // or more, at most once in a pattern.
  std::string pattern;
  Handler handler;
  RouteInfo info;
  std::optional<size_t> max_body_bytes;  // instead of the server's own limit
};

// Built by one thread, then read by any number. A trie over the segments: what a look-up costs
// depends on the path's length, hardly on the number of routes.
class Router {
 public:
  Router();
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // A malformed pattern, or a second route for the same method and shape, is a bug: CHECK.
  void Add(Route route);

  struct Match {
    const Route* route = nullptr;               // nullptr: none
    std::map<std::string, std::string> params;  // decoded
    std::vector<std::string> allowed;           // without a route: methods that have one here
  };
  // `raw_path`: still percent-encoded, so that %2F inside a parameter stays part of it; a slash at
  // the end doesn't count. Literal segments win over parameters, and the first difference decides.
  // A "path" parameter takes as many segments as the rest of its pattern leaves. HEAD is answered
  // by GET's route.
  Match Find(std::string_view method, std::string_view raw_path) const;

  const std::deque<Route>& routes() const { return routes_; }  // in the order of Add

 private:
  struct Node;
  struct Search;

  std::deque<Route> routes_;
  std::unique_ptr<Node> root_;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_ROUTER_H_
