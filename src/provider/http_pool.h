// HTTP requests to remote providers: one thread that runs them all over libcurl and epoll.
//
// HTTP/1.1, connections are kept and used again, bodies are handed on as they come. Redirects are
// not followed: a provider's API has none, and a key must not go elsewhere.
#ifndef CRIA_PROVIDER_HTTP_POOL_H_
#define CRIA_PROVIDER_HTTP_POOL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/status.h"

namespace cria::provider {

// How a server is reached: shared by all requests to it.
struct HttpSettings {
  bool verify_tls = true;
  std::string ca_file;          // PEM; empty: the system's
  std::string client_cert;      // PEM file; empty: none
  std::string client_key;       // PEM file; empty: in client_cert
  std::string min_tls_version;  // "TLSv1.2", "TLSv1.3"; empty: the library's
  std::string ciphers;          // of OpenSSL, joined by colons; empty: the library's
  // URL of the proxy; empty: none; absent: http_proxy, https_proxy and no_proxy of the environment.
  std::optional<std::string> proxy;
  std::string no_proxy;       // hosts, joined by commas
  std::string proxy_ca_file;  // PEM, of a proxy that is spoken to by TLS
  std::chrono::milliseconds connect_timeout{10'000};
  // The server took or gave no byte for so long.
  std::chrono::milliseconds read_timeout{600'000};
};

struct HttpRequest {
  enum class Method : uint8_t { kGet, kPost };
  Method method = Method::kGet;
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // kPost
  std::shared_ptr<const HttpSettings> settings;
  std::chrono::milliseconds deadline{0};  // for all of it, further tries too; 0: none
  uint64_t max_body_bytes = uint64_t{64} << 20;
  // Whether asking twice is the same as asking once. Others are only tried again where the server
  // can't have seen the request: no connection came about.
  bool idempotent = false;
  int tries = 3;
};

struct HttpHead {
  int status = 0;
  std::string content_type;
  std::optional<int64_t> retry_after_s;
};

// Takes a response. Called on the pool's thread, so it must be quick and must not wait.
class HttpHandler {
 public:
  enum class Verdict : uint8_t {
    kTaken,
    kPause,  // nothing of it was taken: the same bytes come again after HttpCall::Resume
    kStop,   // end the request; OnDone gets kCancelled
  };
  virtual ~HttpHandler() = default;
  // Once, before the body, whatever the status is.
  virtual void OnHead(const HttpHead& head) = 0;
  virtual Verdict OnBody(std::string_view bytes) = 0;
  // Once, and last. OK: the whole response came, whatever its status. kInvalidArgument: a URL or
  // header that can't be sent; kUnavailable: no connection, or it broke; kDeadlineExceeded;
  // kResourceExhausted: more bytes than allowed; kCancelled. Messages begin with the server's
  // scheme, host and port, and never show a header.
  virtual void OnDone(const absl::Status& status) = 0;
};

// A request on its way. Any thread may call, also when it is done or its pool is gone.
class HttpCall {
 public:
  virtual ~HttpCall() = default;
  virtual void Cancel() = 0;  // its connection is closed at once
  virtual void Resume() = 0;  // after kPause
};

struct HttpResponse {
  HttpHead head;
  std::string body;
};

struct HttpPoolOptions {
  int max_idle_connections = 256;
};

struct HttpPoolStats {
  uint64_t requests = 0;     // started
  uint64_t tries = 0;        // beyond the first of a request
  uint64_t connections = 0;  // opened
  uint64_t running = 0;      // requests, now
};

// Any thread may call. The destructor ends what runs, with kCancelled, and waits for the thread.
class HttpPool {
 public:
  // kResourceExhausted: no file descriptors or memory for it.
  static absl::StatusOr<std::unique_ptr<HttpPool>> Create(const HttpPoolOptions& options = {});
  ~HttpPool();
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  // Never waits: all errors go to the handler.
  std::shared_ptr<HttpCall> Start(HttpRequest request, std::shared_ptr<HttpHandler> handler);

  // Waits for the whole response, whatever its status. Not to be called by handlers.
  absl::StatusOr<HttpResponse> Fetch(HttpRequest request);

  HttpPoolStats stats() const;

 private:
  class Loop;
  explicit HttpPool(std::shared_ptr<Loop> loop);

  std::shared_ptr<Loop> loop_;
  std::thread thread_;
};

// "https://host:port" of a URL, for messages: without user, path and query. Empty if it is none.
std::string ServerOf(const std::string& url);

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_HTTP_POOL_H_
