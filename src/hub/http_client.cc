#include "hub/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/check.h"
#include "base/file.h"

namespace cria::hub {
namespace {

constexpr long kStallBytesPerSecond = 64;
constexpr size_t kMaxHeaderBytes = size_t{64} << 10;
constexpr size_t kMaxErrorMessage = 200;

struct EasyFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string CaFile() {
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    std::string file = FromEnvironment(name);
    if (!file.empty()) return file;
  }
  return "";
}

std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string result = text;
  curl_free(text);
  return result;
}

std::unique_ptr<CURLU, UrlFree> ParseUrl(const std::string& text) {
  std::unique_ptr<CURLU, UrlFree> url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return nullptr;
  return url;
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" || absl::StartsWith(host, "127.");
}

std::optional<uint64_t> ParseUint(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string Printable(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, kMaxErrorMessage)) result += (c >= 0x20 && c < 0x7f) ? c : '?';
  return result;
}

// Failures that say something about this moment, not about the request.
bool IsTransient(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_AGAIN:
      return true;
    default:
      return false;
  }
}

bool IsTransientHttp(int status) {
  return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

absl::Status FromHttpStatus(const HttpHead& head, const std::string& url) {
  const std::string said =
      head.error_message.empty() ? "" : absl::StrCat(" (", head.error_message, ")");
  const std::string what =
      absl::StrCat(RedactUrl(url), ": the server answered ", head.status, said);
  switch (head.status) {
    case 401:
    case 403:
      return absl::UnauthenticatedError(absl::StrCat(
          what,
          ": access is refused; accept the model's licence on its page and give a token by "
          "--hf-token or HF_TOKEN, or ask for a new signed URL"));
    case 404:
    case 410:
      return absl::NotFoundError(absl::StrCat(what, ": there is no such file or model"));
    case 429:
      return absl::UnavailableError(absl::StrCat(what, ": too many requests; try again later"));
    default:
      return absl::UnavailableError(absl::StrCat(what, ", expected 200"));
  }
}

// Refuses what must not be sent. True for https.
absl::StatusOr<bool> CheckRequest(const HttpRequest& request) {
  const std::unique_ptr<CURLU, UrlFree> url = ParseUrl(request.url);
  const std::string scheme = url == nullptr ? "" : UrlPart(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    return absl::InvalidArgumentError(absl::StrCat(
        "'", RedactUrl(request.url), "': not a URL that starts with https:// or http://"));
  const std::string& token = request.bearer_token;
  if (token.empty()) return scheme == "https";
  if (scheme == "http" && !IsLoopback(UrlPart(url.get(), CURLUPART_HOST)))
    return absl::InvalidArgumentError(
        absl::StrCat(RedactUrl(request.url),
                     ": a token is never sent unencrypted: use https, or give no token"));
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    return absl::InvalidArgumentError("the access token has spaces or control characters in it");
  return scheme == "https";
}

// What every transfer may and may not do.
void SetPolicy(CURL* easy, const HttpOptions& options, bool is_https) {
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(options.max_redirects));
  curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "cria");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
}

}  // namespace

struct HttpClient::Multi {
  Multi() : handle(curl_multi_init()) {}
  ~Multi() { curl_multi_cleanup(handle); }
  CURLM* handle;
};

struct HttpClient::Transfer {
  std::unique_ptr<CURL, EasyFree> easy;
  std::unique_ptr<curl_slist, ListFree> headers;
  HttpRequest request;
  HttpSink* sink = nullptr;
  HttpHead head;
  size_t header_bytes = 0;
  bool head_given = false;
  absl::Status sink_status;
  char error[CURL_ERROR_SIZE] = "";

  bool CarriesBody() const { return head.status == 200 || head.status == 206; }

  absl::Status GiveHead() {
    if (head_given) return absl::OkStatus();
    head_given = true;
    return sink->OnHead(head);
  }

  void TakeHeader(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // a new response: after a redirect, say
      HttpHead next;
      next.redirected = head.status >= 300 && head.status < 400 ? true : head.redirected;
      next.linked_etag = head.linked_etag;
      next.linked_size = head.linked_size;
      const size_t space = line.find(' ');
      if (space != std::string_view::npos)
        next.status = static_cast<int>(ParseUint(line.substr(space + 1, 3)).value_or(0));
      head = std::move(next);
      return;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string name = absl::AsciiStrToLower(std::string(line.substr(0, colon)));
    const std::string value =
        std::string(absl::StripAsciiWhitespace(std::string(line.substr(colon + 1))));
    if (name == "content-length") head.content_length = ParseUint(value);
    if (name == "content-type") head.content_type = value;
    if (name == "content-range") head.content_range = value;
    if (name == "etag") head.etag = value;
    if (name == "x-error-message") head.error_message = Printable(value);
    if (head.redirected) return;
    if (name == "x-linked-etag") head.linked_etag = value;
    if (name == "x-linked-size") head.linked_size = ParseUint(value);
  }

  // Sets on `easy` what belongs to this transfer.
  void Attach() {
    CURL* handle = easy.get();
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Transfer::OnData);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
    if (!request.bearer_token.empty()) {
      curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
      curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, request.bearer_token.c_str());
    }
    curl_slist* list = nullptr;
    if (!request.accept.empty())
      list = curl_slist_append(list, absl::StrCat("Accept: ", request.accept).c_str());
    if (request.range_start > 0) {
      curl_easy_setopt(handle, CURLOPT_RANGE, absl::StrCat(request.range_start, "-").c_str());
      if (!request.if_range.empty())
        list = curl_slist_append(list, absl::StrCat("If-Range: ", request.if_range).c_str());
    }
    headers.reset(list);
    if (list != nullptr) curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
  }

  static size_t OnHeader(char* data, size_t one, size_t length, void* self_pointer) {
    auto& self = *static_cast<Transfer*>(self_pointer);
    self.header_bytes += one * length;
    if (self.header_bytes > kMaxHeaderBytes) return 0;
    std::string_view line(data, one * length);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    self.TakeHeader(line);
    return one * length;
  }

  static size_t OnData(char* data, size_t one, size_t length, void* self_pointer) {
    auto& self = *static_cast<Transfer*>(self_pointer);
    if (!self.CarriesBody()) return one * length;
    self.sink_status = self.GiveHead();
    if (self.sink_status.ok())
      self.sink_status = self.sink->OnBody({reinterpret_cast<const uint8_t*>(data), one * length});
    return self.sink_status.ok() ? one * length : CURL_WRITEFUNC_ERROR;
  }
};

HttpClient::HttpClient(const HttpOptions& options)
    : options_(options), ca_file_(CaFile()), multi_(std::make_unique<Multi>()) {}

HttpClient::~HttpClient() { CancelAll(); }

absl::StatusOr<std::unique_ptr<HttpClient>> HttpClient::Create(const HttpOptions& options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  std::unique_ptr<HttpClient> client(new HttpClient(options));
  if (client->multi_->handle == nullptr)
    return absl::ResourceExhaustedError("no memory for the HTTP client");
  if (!client->ca_file_.empty() && !base::FileExists(client->ca_file_))
    return absl::InvalidArgumentError(
        absl::StrCat(client->ca_file_,
                     ": no such certificate bundle, though CURL_CA_BUNDLE or "
                     "SSL_CERT_FILE names it"));
  return client;
}

absl::Status HttpClient::Start(const HttpRequest& request, HttpSink* sink) {
  CRIA_ASSIGN_OR_RETURN(const bool is_https, CheckRequest(request));
  auto transfer = std::make_unique<Transfer>();
  transfer->easy.reset(curl_easy_init());
  if (transfer->easy == nullptr) return absl::ResourceExhaustedError("no memory for a transfer");
  transfer->request = request;
  transfer->sink = sink;
  CURL* easy = transfer->easy.get();
  SetPolicy(easy, options_, is_https);
  if (!ca_file_.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file_.c_str());
  transfer->Attach();
  if (curl_multi_add_handle(multi_->handle, easy) != CURLM_OK)
    return absl::InternalError("cannot start a transfer");
  transfers_.push_back(std::move(transfer));
  return absl::OkStatus();
}

void HttpClient::CancelAll() {
  for (const auto& transfer : transfers_)
    curl_multi_remove_handle(multi_->handle, transfer->easy.get());
  transfers_.clear();
}

void HttpClient::Finish(Transfer& transfer, int curl_code) {
  const auto code = static_cast<CURLcode>(curl_code);
  HttpResult result;
  result.head = transfer.head;
  char* final_url = nullptr;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_EFFECTIVE_URL, &final_url);
  result.final_url = final_url == nullptr ? transfer.request.url : final_url;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RETRY_AFTER, &retry_after);
  result.retry_after = std::chrono::seconds(retry_after);

  if (code == CURLE_OK && transfer.CarriesBody()) transfer.sink_status = transfer.GiveHead();
  if (!transfer.sink_status.ok()) {
    result.status = transfer.sink_status;
  } else if (code != CURLE_OK) {
    const char* detail = transfer.error[0] != '\0' ? transfer.error : curl_easy_strerror(code);
    result.may_retry = IsTransient(code);
    result.status = absl::UnavailableError(
        absl::StrCat(RedactUrl(transfer.request.url), ": ", Printable(detail)));
  } else if (!transfer.CarriesBody()) {
    result.may_retry = IsTransientHttp(transfer.head.status);
    result.status = FromHttpStatus(transfer.head, transfer.request.url);
    if (result.may_retry && result.retry_after > kMaxRetryAfter) {
      result.may_retry = false;
      result.status = absl::UnavailableError(absl::StrCat(
          result.status.message(), "; it asks for a pause of ", result.retry_after.count(), " s"));
    }
  }
  HttpSink* sink = transfer.sink;
  curl_multi_remove_handle(multi_->handle, transfer.easy.get());
  std::erase_if(transfers_, [&](const auto& other) { return other.get() == &transfer; });
  sink->OnDone(result);
}

absl::Status HttpClient::Step(std::chrono::milliseconds timeout) {
  int running = 0;
  CURLMcode code = curl_multi_perform(multi_->handle, &running);
  int left = 0;
  bool finished = false;
  while (CURLMsg* message = curl_multi_info_read(multi_->handle, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    Finish(*reinterpret_cast<Transfer*>(transfer), message->data.result);
    finished = true;
  }
  if (code == CURLM_OK && !finished)
    code = curl_multi_poll(multi_->handle, nullptr, 0, static_cast<int>(timeout.count()), nullptr);
  if (code != CURLM_OK)
    return absl::InternalError(absl::StrCat("HTTP client: ", curl_multi_strerror(code)));
  return absl::OkStatus();
}

namespace {

class TextSink : public HttpSink {
 public:
  TextSink(std::string url, uint64_t max_bytes) : url_(std::move(url)), max_bytes_(max_bytes) {}

  absl::Status OnHead(const HttpHead&) override { return absl::OkStatus(); }
  absl::Status OnBody(std::span<const uint8_t> bytes) override {
    if (bytes.size() > max_bytes_ - body.size())
      return absl::ResourceExhaustedError(absl::StrCat(
          RedactUrl(url_), ": the answer is larger than the ", max_bytes_, " bytes allowed here"));
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return absl::OkStatus();
  }
  void OnDone(const HttpResult& done) override { result = done; }

  std::string body;
  std::optional<HttpResult> result;

 private:
  std::string url_;
  uint64_t max_bytes_;
};

constexpr std::chrono::milliseconds kPoll{100};  // how soon a cancellation is seen

absl::Status SleepFor(std::chrono::milliseconds duration, const Cancelled& cancelled) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) {
    CRIA_RETURN_IF_ERROR(CheckCancelled(cancelled));
    std::this_thread::sleep_for(
        std::min<std::chrono::nanoseconds>(kPoll, end - std::chrono::steady_clock::now()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HttpClient::Document> HttpClient::Get(const HttpRequest& request, uint64_t max_bytes,
                                                     int tries, const Cancelled& cancelled) {
  for (int attempt = 1;; ++attempt) {
    TextSink sink(request.url, max_bytes);
    CRIA_RETURN_IF_ERROR(Start(request, &sink));
    while (!sink.result.has_value()) {
      absl::Status status =
          cancelled && cancelled() ? absl::CancelledError("interrupted") : Step(kPoll);
      if (status.ok()) continue;
      CancelAll();
      return status;
    }
    const HttpResult& result = *sink.result;
    if (result.status.ok()) return Document{std::move(sink.body), result.head, result.final_url};
    if (!result.may_retry || attempt >= tries) return result.status;
    CRIA_RETURN_IF_ERROR(SleepFor(RetryDelay(attempt, result.retry_after), cancelled));
  }
}

std::chrono::milliseconds RetryDelay(int attempt, std::chrono::seconds retry_after) {
  const int doublings = std::clamp(attempt - 1, 0, 6);
  const std::chrono::milliseconds backoff{std::min(500LL << doublings, 30000LL)};
  return std::max<std::chrono::milliseconds>(backoff, std::min(retry_after, kMaxRetryAfter));
}

std::string RedactUrl(const std::string& text) {
  const std::unique_ptr<CURLU, UrlFree> url = ParseUrl(text);
  if (url == nullptr) return Printable(text.substr(0, text.find_first_of("?#@")));
  for (const CURLUPart part :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_QUERY, CURLUPART_FRAGMENT})
    curl_url_set(url.get(), part, nullptr, 0);
  return UrlPart(url.get(), CURLUPART_URL);
}

absl::StatusOr<std::string> ResolveUrl(const std::string& base, const std::string& reference) {
  const std::unique_ptr<CURLU, UrlFree> url = ParseUrl(base);
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK)
    return absl::DataLossError(
        absl::StrCat(RedactUrl(base), ": '", Printable(reference), "' in it is not a URL"));
  return UrlPart(url.get(), CURLUPART_URL);
}

std::string EncodePath(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
        std::string_view("-._~/").find(c) != std::string_view::npos) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += '%';
      result += "0123456789ABCDEF"[byte >> 4];
      result += "0123456789ABCDEF"[byte & 15];
    }
  }
  return result;
}

}  // namespace cria::hub
