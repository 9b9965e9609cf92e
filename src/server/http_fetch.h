// One HTTP request of the server itself, to the servers that vouch for its callers and those that
// take its traces.
#ifndef CRIA_SERVER_HTTP_FETCH_H_
#define CRIA_SERVER_HTTP_FETCH_H_

#include <chrono>
#include <string>

#include "base/status.h"
#include "server/exchange.h"

namespace cria::server {

struct FetchRequest {
  std::string url;  // http or https
  std::string method = "GET";
  Headers headers;
  std::string body;  // for POST
  std::chrono::milliseconds timeout{10'000};
  size_t max_bytes = size_t{1} << 20;
  bool verify_tls = true;
  std::string ca_file;  // PEM; empty: the system's
};

struct FetchResult {
  int status = 0;
  std::string body;
};

// Blocks. Redirects aren't followed: what is asked holds tokens. kUnavailable when there was no
// answer in time, kResourceExhausted when it is larger than max_bytes, kInvalidArgument for what
// isn't an http URL. Messages don't show headers or bodies.
absl::StatusOr<FetchResult> Fetch(const FetchRequest& request);

}  // namespace cria::server

#endif  // CRIA_SERVER_HTTP_FETCH_H_
