// HTTP(S) GET over libcurl's multi interface: many transfers in one thread, bodies pushed into
// sinks.
//
// Certificates are always verified; CURL_CA_BUNDLE and SSL_CERT_FILE name another bundle. Redirects
// are followed up to a limit, never from https to http, and a bearer token goes only to the host,
// port and scheme that it was given for. Proxies are those of the usual environment variables.
// Messages never show a token, a query or a user in a URL.
#ifndef CRIA_HUB_HTTP_CLIENT_H_
#define CRIA_HUB_HTTP_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "hub/disk.h"

namespace cria::hub {

struct HttpOptions {
  std::chrono::seconds connect_timeout{30};
  // A transfer that brings fewer than 64 bytes a second for this long has stalled.
  std::chrono::seconds stall_timeout{30};
  int max_redirects = 8;
};

struct HttpRequest {
  std::string url;           // http or https
  std::string bearer_token;  // refused over http, but to loopback
  std::string accept;        // Accept header, or empty
  uint64_t range_start = 0;  // 0: the whole
  std::string if_range;      // strong validator for range_start, or empty
};

// Status line and headers of the response that carries the body; the `linked` fields are of the
// first response, from the host that was asked (Hugging Face answers for LFS files with a redirect
// that names size and sha256).
struct HttpHead {
  int status = 0;
  bool redirected = false;
  std::optional<uint64_t> content_length;
  std::string content_type;
  std::string content_range;
  std::string etag;  // as sent, with its quotes
  std::string linked_etag;
  std::optional<uint64_t> linked_size;
  std::string error_message;  // X-Error-Message, printable and short
};

struct HttpResult {
  absl::Status status;     // OK only for 200 and 206 with the whole body got
  bool may_retry = false;  // the same request may succeed later
  std::chrono::seconds retry_after{0};
  HttpHead head;
  std::string final_url;  // after redirects
};

// Where a body goes. Called from HttpClient::Step, never at the same time for one sink.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  // Before the first byte of a 200 or 206. A failed status ends the transfer with it, not to be
  // retried.
  virtual absl::Status OnHead(const HttpHead& head) = 0;
  virtual absl::Status OnBody(std::span<const uint8_t> bytes) = 0;
  // Last call; the sink may be destroyed after it.
  virtual void OnDone(const HttpResult& result) = 0;
};

// One thread. Transfers that still run end without OnDone when the client is destroyed.
class HttpClient {
 public:
  static absl::StatusOr<std::unique_ptr<HttpClient>> Create(const HttpOptions& options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Starts a transfer. kInvalidArgument for a URL or token that can't be sent. `sink` lives until
  // OnDone or Cancel.
  absl::Status Start(const HttpRequest& request, HttpSink* sink);

  // Ends all transfers without OnDone.
  void CancelAll();

  // Moves every transfer on, waiting at most `timeout` for something to happen.
  absl::Status Step(std::chrono::milliseconds timeout);

  // A small document, with up to `tries` tries. kCancelled when `cancelled` says so;
  // kResourceExhausted if larger than `max_bytes`; kNotFound (404), kUnauthenticated (401, 403),
  // kUnavailable (the network, or any other answer).
  struct Document {
    std::string body;
    HttpHead head;
    std::string final_url;
  };
  absl::StatusOr<Document> Get(const HttpRequest& request, uint64_t max_bytes, int tries,
                               const Cancelled& cancelled);

 private:
  struct Transfer;
  struct Multi;

  explicit HttpClient(const HttpOptions& options);
  void Finish(Transfer& transfer, int curl_code);

  HttpOptions options_;
  std::string ca_file_;
  std::unique_ptr<Multi> multi_;
  std::vector<std::unique_ptr<Transfer>> transfers_;
};

// How long to wait before try number `attempt` (1 = the first repetition): exponential from half a
// second to 30 s, never less than what the server asked for.
std::chrono::milliseconds RetryDelay(int attempt, std::chrono::seconds retry_after);

// A server may ask for a pause of at most this; longer is a failure that says so.
inline constexpr std::chrono::seconds kMaxRetryAfter{300};

// The URL without user, query and fragment: fit for messages and records.
std::string RedactUrl(const std::string& url);

// `reference` as it stands in a document at `base` (RFC 3986, section 5). kDataLoss if it isn't a
// URL.
absl::StatusOr<std::string> ResolveUrl(const std::string& base, const std::string& reference);

// Percent-encodes all but unreserved characters and '/'.
std::string EncodePath(const std::string& path);

}  // namespace cria::hub

#endif  // CRIA_HUB_HTTP_CLIENT_H_
