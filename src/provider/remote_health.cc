#include "provider/remote_health.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace cria::provider {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFresh{10};
constexpr std::chrono::seconds kLongestWait{2};
constexpr std::chrono::seconds kDeadline{5};
constexpr uint64_t kMaxBytes = uint64_t{16} << 20;

}  // namespace

struct RemoteHealth::State {
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::optional<Health> last;
  Clock::time_point time;          // of `last`
  bool asking = false;             // a request is on its way,
  std::shared_ptr<HttpCall> call;  // this one
};

// One question to the server.
class RemoteHealth::Probe final : public HttpHandler {
 public:
  Probe(std::shared_ptr<State> state, std::string server, bool has_key)
      : state_(std::move(state)), server_(std::move(server)), has_key_(has_key) {}

  void OnHead(const HttpHead& head) override { http_status_ = head.status; }
  Verdict OnBody(std::string_view) override { return Verdict::kTaken; }
  void OnDone(const absl::Status& status) override {
    Health now = Judge(status);
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->last = std::move(now);
    state_->time = Clock::now();
    state_->asking = false;
    state_->call.reset();
    state_->changed.notify_all();
  }

 private:
  Health Judge(const absl::Status& status) const {
    if (http_status_ == 0) return {false, std::string(status.message())};
    const bool refused = http_status_ == 401 || http_status_ == 403;
    if (http_status_ / 100 == 2 || (refused && !has_key_)) return {};
    return {false, absl::StrCat(server_, " answered ", http_status_,
                                refused ? ": it refuses the key of the configuration" : "")};
  }

  const std::shared_ptr<State> state_;
  const std::string server_;
  const bool has_key_;
  int http_status_ = 0;
};

RemoteHealth::RemoteHealth(HttpPool& pool) : pool_(pool), state_(std::make_shared<State>()) {}

RemoteHealth::~RemoteHealth() {
  std::shared_ptr<HttpCall> call;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    call = state_->call;
  }
  if (call != nullptr) call->Cancel();
}

void RemoteHealth::Ask(HttpRequest request, bool has_key) {
  request.deadline = kDeadline;
  request.max_body_bytes = kMaxBytes;
  request.tries = 1;
  const auto probe = std::make_shared<Probe>(state_, ServerOf(request.url), has_key);
  std::shared_ptr<HttpCall> call = pool_.Start(std::move(request), probe);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->asking) state_->call = std::move(call);
}

Health RemoteHealth::Get(HttpRequest request, bool has_key) {
  bool ask = false;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    const bool fresh = state_->last && Clock::now() < state_->time + kFresh;
    ask = !fresh && !state_->asking;
    if (ask) state_->asking = true;
  }
  const std::string server = ServerOf(request.url);
  if (ask) Ask(std::move(request), has_key);
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->changed.wait_for(lock, kLongestWait, [&] { return state_->last.has_value(); });
  if (state_->last) return *state_->last;
  return {false, absl::StrCat(server, " has not answered for ", kLongestWait.count(), " s")};
}

}  // namespace cria::provider
