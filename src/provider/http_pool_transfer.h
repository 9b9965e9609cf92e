// One request inside HttpPool: its libcurl handle, its response, its tries and deadlines.
#ifndef CRIA_PROVIDER_HTTP_POOL_TRANSFER_H_
#define CRIA_PROVIDER_HTTP_POOL_TRANSFER_H_

#include <curl/curl.h>

#include <memory>
#include <mutex>
#include <vector>

#include "base/rng.h"
#include "provider/http_pool.h"

namespace cria::provider {

using Clock = std::chrono::steady_clock;

class HttpTransfer;

// What other threads ask of the pool's thread. Any thread may call.
class HttpMailbox {
 public:
  enum class Wish : uint8_t { kStart, kCancel, kResume, kClose };
  struct Letter {
    Wish wish;
    std::shared_ptr<HttpTransfer> transfer;  // null for kClose
  };

  explicit HttpMailbox(int event_fd) : event_fd_(event_fd) {}
  ~HttpMailbox();
  HttpMailbox(const HttpMailbox&) = delete;
  HttpMailbox& operator=(const HttpMailbox&) = delete;

  int event_fd() const { return event_fd_; }  // readable when there are letters
  // Nothing happens after kClose; false then.
  bool Post(Letter letter);
  std::vector<Letter> Take();  // by the pool's thread

 private:
  const int event_fd_;  // owned
  std::mutex mutex_;    // guards what follows
  std::vector<Letter> letters_;
  bool closed_ = false;
};

struct EasyFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using EasyHandle = std::unique_ptr<CURL, EasyFree>;

// But for Cancel and Resume, the pool's thread only.
class HttpTransfer final : public HttpCall, public std::enable_shared_from_this<HttpTransfer> {
 public:
  HttpTransfer(HttpRequest request, std::shared_ptr<HttpHandler> handler,
               std::shared_ptr<HttpMailbox> mailbox);

  void Cancel() override { mailbox_->Post({HttpMailbox::Wish::kCancel, shared_from_this()}); }
  void Resume() override { mailbox_->Post({HttpMailbox::Wish::kResume, shared_from_this()}); }

  // kInvalidArgument: what can't be sent.
  absl::Status Check() const;
  // Sets `easy` up for a try; it stays in use until EndTry.
  void BeginTry(EasyHandle easy, Clock::time_point now);
  // The handle, out of use; null between tries.
  EasyHandle EndTry();
  CURL* easy() const { return easy_.get(); }

  // After a try that ended with `code`: when to try again; nullopt: that was the last one, and
  // `status` is how it ended.
  std::optional<Clock::time_point> NextTry(CURLcode code, Clock::time_point now, base::Rng& rng,
                                           absl::Status* status);
  // When TimedOut is to be asked next.
  Clock::time_point due() const;
  // The time is up: a try that waited may begin (OK), or the request has failed. nullopt: neither.
  std::optional<absl::Status> TimedOut(Clock::time_point now);
  void ResumeBody(Clock::time_point now);
  // Tells the handler, once.
  void Finish(const absl::Status& status);

  int connections() const { return connections_; }  // that it opened
  bool done() const { return handler_ == nullptr; }

 private:
  static size_t OnHeader(char*, size_t one, size_t length, void* self);
  static size_t OnBody(char* data, size_t one, size_t length, void* self);
  void SetConnection();
  void SetRequest();
  void GiveHead();
  bool MayTryStatusAgain(const HttpHead& head) const;
  absl::Status FailureOf(CURLcode code) const;
  bool Moved();

  const HttpRequest request_;
  std::shared_ptr<HttpHandler> handler_;
  const std::shared_ptr<HttpMailbox> mailbox_;
  const Clock::time_point started_;
  EasyHandle easy_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_{nullptr,
                                                                       &curl_slist_free_all};
  char error_[CURL_ERROR_SIZE] = "";
  int tries_ = 0;
  int connections_ = 0;
  // Of this try.
  bool head_given_ = false;
  bool discard_ = false;  // the answer is "later", and it will be tried again
  bool paused_ = false;
  bool stopped_ = false;  // by the handler
  std::optional<int64_t> retry_after_s_;
  size_t header_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  int64_t sent_bytes_ = 0;  // as last seen
  Clock::time_point last_moved_;
  std::optional<Clock::time_point> next_try_;
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_HTTP_POOL_TRANSFER_H_
