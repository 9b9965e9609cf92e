#include "provider/http_pool_transfer.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace cria::provider {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxHeaderBytes = size_t{64} << 10;
constexpr milliseconds kFirstDelay{100};
constexpr milliseconds kMaxDelay{2'000};
constexpr int64_t kMaxRetryAfterS = 10;  // a server that wants a longer pause is answered for

bool IsSendable(std::string_view header) {
  return header.find(':') != std::string_view::npos &&
         std::all_of(header.begin(), header.end(),
                     [](char c) { return (c >= 0x20 && c != 0x7f) || c == '\t' || c < 0; });
}

// The server can't have seen the request.
bool NeverSent(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
         code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR;
}

bool ConnectionBroke(CURLcode code) {
  return code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
         code == CURLE_PARTIAL_FILE || code == CURLE_HTTP2;
}

// Exponential with full jitter, so that many who failed together don't come back together.
milliseconds Delay(int tries, base::Rng& rng) {
  const milliseconds most = std::min(kMaxDelay, kFirstDelay * (1 << std::min(tries - 1, 10)));
  return milliseconds(rng.Below(static_cast<uint32_t>(most.count()) + 1));
}

std::string Printable(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c < 0x20 || c == 0x7f) c = ' ';
  return result;
}

std::string Seconds(milliseconds time) {
  return absl::StrCat(static_cast<double>(time.count()) / 1000, " s");
}

}  // namespace

HttpMailbox::~HttpMailbox() { close(event_fd_); }

bool HttpMailbox::Post(Letter letter) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return false;
  closed_ = letter.wish == Wish::kClose;
  letters_.push_back(std::move(letter));
  if (letters_.size() == 1) eventfd_write(event_fd_, 1);
  return true;
}

std::vector<HttpMailbox::Letter> HttpMailbox::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  eventfd_t count = 0;
  if (!letters_.empty()) eventfd_read(event_fd_, &count);
  return std::exchange(letters_, {});
}

HttpTransfer::HttpTransfer(HttpRequest request, std::shared_ptr<HttpHandler> handler,
                           std::shared_ptr<HttpMailbox> mailbox)
    : request_(std::move(request)),
      handler_(std::move(handler)),
      mailbox_(std::move(mailbox)),
      started_(Clock::now()) {}

absl::Status HttpTransfer::Check() const {
  if (ServerOf(request_.url).empty())
    return absl::InvalidArgumentError("not a URL that starts with https:// or http://");
  for (const std::string& header : request_.headers) {
    if (!IsSendable(header))
      return absl::InvalidArgumentError(absl::StrCat(ServerOf(request_.url), ": the header ",
                                                     header.substr(0, header.find(':')),
                                                     " has control characters in it"));
  }
  return absl::OkStatus();
}

void HttpTransfer::BeginTry(EasyHandle easy, Clock::time_point now) {
  easy_ = std::move(easy);
  ++tries_;
  head_given_ = discard_ = paused_ = stopped_ = false;
  retry_after_s_.reset();
  header_bytes_ = 0;
  body_bytes_ = 0;
  sent_bytes_ = 0;
  last_moved_ = now;
  next_try_.reset();
  error_[0] = '\0';
  SetConnection();
  SetRequest();
}

void HttpTransfer::SetConnection() {
  CURL* easy = easy_.get();
  const HttpSettings& settings = *request_.settings;
  const auto text = [easy](CURLoption option, const std::string& value) {
    if (!value.empty()) curl_easy_setopt(easy, option, value.c_str());
  };
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // cancelling doesn't wait for the resolver
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(settings.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, settings.verify_tls ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, settings.verify_tls ? 2L : 0L);
  text(CURLOPT_CAINFO, settings.ca_file);
  text(CURLOPT_SSLCERT, settings.client_cert);
  text(CURLOPT_SSLKEY, settings.client_key);
  text(CURLOPT_SSL_CIPHER_LIST, settings.ciphers);
  if (!settings.min_tls_version.empty())
    curl_easy_setopt(
        easy, CURLOPT_SSLVERSION,
        static_cast<long>(settings.min_tls_version == "TLSv1.3" ? CURL_SSLVERSION_TLSv1_3
                                                                : CURL_SSLVERSION_TLSv1_2));
  if (settings.proxy) curl_easy_setopt(easy, CURLOPT_PROXY, settings.proxy->c_str());
  text(CURLOPT_NOPROXY, settings.no_proxy);
  text(CURLOPT_PROXY_CAINFO, settings.proxy_ca_file);
}

void HttpTransfer::SetRequest() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "cria");
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpTransfer::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpTransfer::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_slist* list = nullptr;
  if (request_.method == HttpRequest::Method::kPost) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
    list = curl_slist_append(list, "Expect:");  // a large body doesn't wait for leave to be sent
  }
  for (const std::string& header : request_.headers) list = curl_slist_append(list, header.c_str());
  headers_.reset(list);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
}

EasyHandle HttpTransfer::EndTry() {
  if (easy_ != nullptr) {
    long opened = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_NUM_CONNECTS, &opened);
    connections_ += static_cast<int>(opened);
  }
  return std::move(easy_);
}

size_t HttpTransfer::OnHeader(char*, size_t one, size_t length, void* self_pointer) {
  auto& self = *static_cast<HttpTransfer*>(self_pointer);
  self.header_bytes_ += one * length;
  self.last_moved_ = Clock::now();
  return self.header_bytes_ > kMaxHeaderBytes ? 0 : one * length;
}

void HttpTransfer::GiveHead() {
  if (head_given_) return;
  head_given_ = true;
  HttpHead head;
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  head.status = static_cast<int>(status);
  char* type = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) head.content_type = type;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_after);
  if (retry_after > 0) head.retry_after_s = retry_after;
  retry_after_s_ = head.retry_after_s;
  discard_ = MayTryStatusAgain(head);
  if (!discard_) handler_->OnHead(head);
}

bool HttpTransfer::MayTryStatusAgain(const HttpHead& head) const {
  if (!request_.idempotent || tries_ >= request_.tries) return false;
  if ((head.status != 429 && head.status != 503) || !head.retry_after_s) return false;
  if (*head.retry_after_s > kMaxRetryAfterS) return false;
  const auto then = Clock::now() + std::chrono::seconds(*head.retry_after_s);
  return request_.deadline.count() == 0 || then < started_ + request_.deadline;
}

size_t HttpTransfer::OnBody(char* data, size_t one, size_t length, void* self_pointer) {
  auto& self = *static_cast<HttpTransfer*>(self_pointer);
  const size_t size = one * length;
  self.last_moved_ = Clock::now();
  self.GiveHead();
  if (size > self.request_.max_body_bytes - self.body_bytes_) {
    self.body_bytes_ = self.request_.max_body_bytes + 1;
    return CURL_WRITEFUNC_ERROR;
  }
  if (!self.discard_) {
    switch (self.handler_->OnBody({data, size})) {
      case HttpHandler::Verdict::kTaken:
        break;
      case HttpHandler::Verdict::kPause:
        self.paused_ = true;
        return CURL_WRITEFUNC_PAUSE;
      case HttpHandler::Verdict::kStop:
        self.stopped_ = true;
        return CURL_WRITEFUNC_ERROR;
    }
  }
  self.body_bytes_ += size;
  return size;
}

void HttpTransfer::ResumeBody(Clock::time_point now) {
  if (!paused_ || easy_ == nullptr) return;
  paused_ = false;
  last_moved_ = now;
  curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
}

std::optional<Clock::time_point> HttpTransfer::NextTry(CURLcode code, Clock::time_point now,
                                                       base::Rng& rng, absl::Status* status) {
  if (code == CURLE_OK) GiveHead();  // a response without a body
  std::optional<milliseconds> delay;
  if (code == CURLE_OK && discard_) {
    delay = std::chrono::seconds(retry_after_s_.value_or(0)) + Delay(1, rng);
  } else if (tries_ < request_.tries && !head_given_ &&
             (NeverSent(code) || (request_.idempotent && ConnectionBroke(code)))) {
    delay = Delay(tries_, rng);
  }
  if (delay && request_.deadline.count() > 0 && now + *delay >= started_ + request_.deadline &&
      !discard_)
    delay.reset();
  if (!delay) {
    *status = FailureOf(code);
    return std::nullopt;
  }
  next_try_ = now + *delay;
  return next_try_;
}

absl::Status HttpTransfer::FailureOf(CURLcode code) const {
  if (code == CURLE_OK) return absl::OkStatus();
  const std::string server = ServerOf(request_.url);
  const std::string detail = Printable(error_[0] != '\0' ? error_ : curl_easy_strerror(code));
  if (stopped_) return absl::CancelledError(absl::StrCat(server, ": ended by its reader"));
  if (body_bytes_ > request_.max_body_bytes)
    return absl::ResourceExhaustedError(absl::StrCat(server, ": the answer has more than the ",
                                                     request_.max_body_bytes,
                                                     " bytes that are read"));
  if (header_bytes_ > kMaxHeaderBytes)
    return absl::ResourceExhaustedError(absl::StrCat(server,
                                                     ": the answer's headers have more than the ",
                                                     kMaxHeaderBytes, " bytes that are read"));
  if (code == CURLE_OUT_OF_MEMORY)
    return absl::ResourceExhaustedError(absl::StrCat(server, ": ", detail));
  const std::string after = tries_ > 1 ? absl::StrCat(" (", tries_, " tries)") : "";
  return absl::UnavailableError(absl::StrCat(server, ": ", detail, after));
}

// Whether bytes went out since the last look.
bool HttpTransfer::Moved() {
  curl_off_t sent = 0;
  curl_off_t ready_us = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  // Before the connection is there, the time to connect is what counts.
  const bool moved = paused_ || ready_us == 0 || sent != sent_bytes_;
  sent_bytes_ = sent;
  return moved;
}

Clock::time_point HttpTransfer::due() const {
  const Clock::time_point own =
      next_try_ ? *next_try_ : last_moved_ + request_.settings->read_timeout;
  return request_.deadline.count() > 0 ? std::min(own, started_ + request_.deadline) : own;
}

std::optional<absl::Status> HttpTransfer::TimedOut(Clock::time_point now) {
  if (request_.deadline.count() > 0 && now >= started_ + request_.deadline)
    return absl::DeadlineExceededError(
        absl::StrCat(ServerOf(request_.url), ": no whole answer in ", Seconds(request_.deadline)));
  if (next_try_) {
    if (now >= *next_try_) return absl::OkStatus();
    return std::nullopt;
  }
  if (now < last_moved_ + request_.settings->read_timeout) return std::nullopt;
  if (Moved()) {
    last_moved_ = now;
    return std::nullopt;
  }
  return absl::DeadlineExceededError(absl::StrCat(ServerOf(request_.url), ": no byte came for ",
                                                  Seconds(request_.settings->read_timeout)));
}

void HttpTransfer::Finish(const absl::Status& status) {
  // Out of the way first: the handler may hold the call, and with it this.
  if (const std::shared_ptr<HttpHandler> handler = std::exchange(handler_, nullptr))
    handler->OnDone(status);
}

}  // namespace cria::provider
