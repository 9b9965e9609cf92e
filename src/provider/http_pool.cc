#include "provider/http_pool.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <future>
#include <random>
#include <set>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "provider/http_pool_transfer.h"

namespace cria::provider {
namespace {

constexpr size_t kMaxSpareHandles = 128;
constexpr int kMaxEpollEvents = 128;
constexpr int kLongestWaitMs = 60'000;

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct MultiFree {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string result = text;
  curl_free(text);
  return result;
}

// Waits for a whole response.
class Collector final : public HttpHandler {
 public:
  void OnHead(const HttpHead& head) override { response_.head = head; }
  Verdict OnBody(std::string_view bytes) override {
    response_.body.append(bytes);
    return Verdict::kTaken;
  }
  void OnDone(const absl::Status& status) override {
    if (status.ok()) {
      done_.set_value(std::move(response_));
    } else {
      done_.set_value(status);
    }
  }
  absl::StatusOr<HttpResponse> Wait() { return done_.get_future().get(); }

 private:
  HttpResponse response_;
  std::promise<absl::StatusOr<HttpResponse>> done_;
};

}  // namespace

std::string ServerOf(const std::string& url) {
  const std::unique_ptr<CURLU, UrlFree> parsed(curl_url());
  if (parsed == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return "";
  const std::string scheme = UrlPart(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return "";
  const std::string port = UrlPart(parsed.get(), CURLUPART_PORT);
  return absl::StrCat(scheme, "://", UrlPart(parsed.get(), CURLUPART_HOST), port.empty() ? "" : ":",
                      port);
}

// The pool's thread and all that only it touches.
class HttpPool::Loop {
 public:
  Loop(int epoll_fd, int event_fd)
      : mailbox(std::make_shared<HttpMailbox>(event_fd)),
        epoll_fd_(epoll_fd),
        multi_(curl_multi_init()),
        rng_(std::random_device()()) {}
  ~Loop() {
    spare_.clear();
    multi_.reset();
    close(epoll_fd_);
  }

  absl::Status Init(const HttpPoolOptions& options);
  void Run();

  const std::shared_ptr<HttpMailbox> mailbox;
  std::atomic<uint64_t> requests{0}, tries{0}, connections{0}, running{0};

 private:
  // By what is due next.
  using Timers = std::set<std::pair<Clock::time_point, HttpTransfer*>>;
  struct Running {
    std::shared_ptr<HttpTransfer> transfer;
    Clock::time_point due;  // its place in timers_
  };

  static int OnSocket(CURL*, curl_socket_t socket, int what, void* self, void* known);
  static int OnTimer(CURLM*, long timeout_ms, void* self);
  int WaitMs() const;
  void Wait();
  void ReadMail();
  void RunTimers();
  void ReadResults();
  void Start(std::shared_ptr<HttpTransfer> transfer);
  absl::Status BeginTry(HttpTransfer& transfer);
  void EndTry(HttpTransfer& transfer);
  void Finish(HttpTransfer& transfer, const absl::Status& status);
  void Arm(HttpTransfer& transfer);

  const int epoll_fd_;  // owned
  std::unique_ptr<CURLM, MultiFree> multi_;
  std::optional<Clock::time_point> curl_due_;
  absl::flat_hash_map<HttpTransfer*, Running> running_;
  Timers timers_;
  std::vector<EasyHandle> spare_;
  base::Rng rng_;
  bool closing_ = false;
};

absl::Status HttpPool::Loop::Init(const HttpPoolOptions& options) {
  if (multi_ == nullptr) return absl::ResourceExhaustedError("no memory for the HTTP pool");
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Loop::OnSocket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Loop::OnTimer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                    static_cast<long>(options.max_idle_connections));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = mailbox->event_fd();
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, mailbox->event_fd(), &event) != 0)
    return absl::ResourceExhaustedError("cannot watch the HTTP pool's event");
  return absl::OkStatus();
}

int HttpPool::Loop::OnSocket(CURL*, curl_socket_t socket, int what, void* self_pointer,
                             void* known) {
  auto& self = *static_cast<Loop*>(self_pointer);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(self.epoll_fd_, EPOLL_CTL_DEL, socket, nullptr);  // perhaps closed already
    return 0;
  }
  epoll_event event{};
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  event.data.fd = socket;
  if (known != nullptr && epoll_ctl(self.epoll_fd_, EPOLL_CTL_MOD, socket, &event) == 0) return 0;
  if (epoll_ctl(self.epoll_fd_, EPOLL_CTL_ADD, socket, &event) != 0)
    epoll_ctl(self.epoll_fd_, EPOLL_CTL_MOD, socket, &event);
  curl_multi_assign(self.multi_.get(), socket, &self);
  return 0;
}

int HttpPool::Loop::OnTimer(CURLM*, long timeout_ms, void* self_pointer) {
  auto& self = *static_cast<Loop*>(self_pointer);
  self.curl_due_.reset();
  if (timeout_ms >= 0) self.curl_due_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

int HttpPool::Loop::WaitMs() const {
  const Clock::time_point now = Clock::now();
  Clock::time_point due = now + std::chrono::milliseconds(kLongestWaitMs);
  if (curl_due_) due = std::min(due, *curl_due_);
  if (!timers_.empty()) due = std::min(due, timers_.begin()->first);
  if (due <= now) return 0;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(due - now).count());
}

void HttpPool::Loop::Wait() {
  std::array<epoll_event, kMaxEpollEvents> events;
  const int count = epoll_wait(epoll_fd_, events.data(), kMaxEpollEvents, WaitMs());
  int left = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.fd == mailbox->event_fd()) continue;  // ReadMail looks anyway
    int what = 0;
    if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
    curl_multi_socket_action(multi_.get(), event.data.fd, what, &left);
  }
}

void HttpPool::Loop::Run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the program's own threads
  while (!closing_) {
    Wait();
    ReadMail();
    RunTimers();
    if (curl_due_ && *curl_due_ <= Clock::now()) {
      curl_due_.reset();
      int left = 0;
      curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &left);
    }
    ReadResults();
  }
  while (!running_.empty())
    Finish(*running_.begin()->first, absl::CancelledError("the HTTP pool is closed"));
}

void HttpPool::Loop::ReadMail() {
  for (HttpMailbox::Letter& letter : mailbox->Take()) {
    switch (letter.wish) {
      case HttpMailbox::Wish::kStart:
        Start(std::move(letter.transfer));
        break;
      case HttpMailbox::Wish::kCancel:
        if (!letter.transfer->done()) Finish(*letter.transfer, absl::CancelledError("cancelled"));
        break;
      case HttpMailbox::Wish::kResume:
        letter.transfer->ResumeBody(Clock::now());
        break;
      case HttpMailbox::Wish::kClose:
        closing_ = true;
        break;
    }
  }
}

void HttpPool::Loop::Start(std::shared_ptr<HttpTransfer> transfer) {
  ++requests;
  ++running;
  HttpTransfer& started = *transfer;
  running_.emplace(&started, Running{std::move(transfer), Clock::time_point::max()});
  absl::Status status = started.Check();
  if (status.ok()) status = BeginTry(started);
  if (status.ok()) {
    Arm(started);
  } else {
    Finish(started, status);
  }
}

absl::Status HttpPool::Loop::BeginTry(HttpTransfer& transfer) {
  EasyHandle easy;
  if (spare_.empty()) {
    easy.reset(curl_easy_init());
    if (easy == nullptr) return absl::ResourceExhaustedError("no memory for an HTTP request");
  } else {
    easy = std::move(spare_.back());
    spare_.pop_back();
  }
  transfer.BeginTry(std::move(easy), Clock::now());
  if (curl_multi_add_handle(multi_.get(), transfer.easy()) != CURLM_OK)
    return absl::ResourceExhaustedError("cannot start an HTTP request");
  return absl::OkStatus();
}

void HttpPool::Loop::EndTry(HttpTransfer& transfer) {
  if (transfer.easy() == nullptr) return;
  curl_multi_remove_handle(multi_.get(), transfer.easy());
  EasyHandle easy = transfer.EndTry();
  curl_easy_reset(easy.get());
  if (spare_.size() < kMaxSpareHandles) spare_.push_back(std::move(easy));
}

// Puts the transfer where it is due now among the timers.
void HttpPool::Loop::Arm(HttpTransfer& transfer) {
  Running& running_transfer = running_.at(&transfer);
  timers_.erase({running_transfer.due, &transfer});
  running_transfer.due = transfer.due();
  timers_.insert({running_transfer.due, &transfer});
}

void HttpPool::Loop::Finish(HttpTransfer& transfer, const absl::Status& status) {
  EndTry(transfer);
  const auto found = running_.find(&transfer);
  timers_.erase({found->second.due, &transfer});
  const std::shared_ptr<HttpTransfer> kept = std::move(found->second.transfer);
  running_.erase(found);
  connections += static_cast<uint64_t>(kept->connections());
  --running;
  kept->Finish(status);
}

void HttpPool::Loop::RunTimers() {
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    HttpTransfer& transfer = *timers_.begin()->second;
    std::optional<absl::Status> failed = transfer.TimedOut(now);
    if (failed && failed->ok()) {
      ++tries;
      failed = BeginTry(transfer);
      if (failed->ok()) failed.reset();
    }
    if (failed) {
      Finish(transfer, *failed);
    } else {
      Arm(transfer);
    }
  }
}

void HttpPool::Loop::ReadResults() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* data = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &data);
    auto& transfer = *reinterpret_cast<HttpTransfer*>(data);
    absl::Status status;
    if (transfer.NextTry(code, Clock::now(), rng_, &status)) {
      EndTry(transfer);
      Arm(transfer);
    } else {
      Finish(transfer, status);
    }
  }
}

HttpPool::HttpPool(std::shared_ptr<Loop> loop)
    : loop_(std::move(loop)), thread_([kept = loop_] { kept->Run(); }) {}

HttpPool::~HttpPool() {
  loop_->mailbox->Post({HttpMailbox::Wish::kClose, nullptr});
  thread_.join();
}

absl::StatusOr<std::unique_ptr<HttpPool>> HttpPool::Create(const HttpPoolOptions& options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_fd < 0 || event_fd < 0) {
    if (epoll_fd >= 0) close(epoll_fd);
    if (event_fd >= 0) close(event_fd);
    return absl::ResourceExhaustedError("no file descriptors left for the HTTP pool");
  }
  auto loop = std::make_shared<Loop>(epoll_fd, event_fd);
  CRIA_RETURN_IF_ERROR(loop->Init(options));
  try {
    return std::unique_ptr<HttpPool>(new HttpPool(std::move(loop)));
  } catch (const std::system_error& failure) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no thread for the HTTP pool: ", failure.what()));
  }
}

std::shared_ptr<HttpCall> HttpPool::Start(HttpRequest request,
                                          std::shared_ptr<HttpHandler> handler) {
  if (request.settings == nullptr) request.settings = std::make_shared<const HttpSettings>();
  auto transfer =
      std::make_shared<HttpTransfer>(std::move(request), std::move(handler), loop_->mailbox);
  if (!loop_->mailbox->Post({HttpMailbox::Wish::kStart, transfer}))
    transfer->Finish(absl::CancelledError("the HTTP pool is closed"));
  return transfer;
}

absl::StatusOr<HttpResponse> HttpPool::Fetch(HttpRequest request) {
  const auto collector = std::make_shared<Collector>();
  Start(std::move(request), collector);
  return collector->Wait();
}

HttpPoolStats HttpPool::stats() const {
  return {loop_->requests, loop_->tries, loop_->connections, loop_->running};
}

}  // namespace cria::provider
