#include "provider/openai_stream.h"

#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "base/quote.h"
#include "provider/event_queue.h"
#include "provider/sse_reader.h"

namespace cria::provider {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxEventBytes = size_t{4} << 20;
constexpr size_t kMaxErrorBytes = size_t{64} << 10;
constexpr size_t kMaxQueuedBytes = size_t{256} << 10;

// Reads the response on the pool's thread and fills the queue.
class AnswerHandler final : public HttpHandler {
 public:
  AnswerHandler(OpenAiAnswerKind kind, RemoteName name, std::shared_ptr<EventQueue> queue)
      : name_(std::move(name)),
        chunks_(kind, name_),
        sse_(kMaxEventBytes),
        queue_(std::move(queue)),
        started_(Clock::now()) {}

  void OnHead(const HttpHead& head) override {
    head_ = head;
    if (head.status / 100 != 2) {
      form_ = Form::kError;
    } else if (absl::StartsWithIgnoreCase(head.content_type, "text/event-stream") ||
               head.content_type.empty()) {
      form_ = Form::kEvents;
    } else if (absl::StartsWithIgnoreCase(head.content_type, "application/json")) {
      form_ = Form::kWhole;  // some servers never stream
    } else {
      form_ = Form::kOther;
    }
  }

  Verdict OnBody(std::string_view bytes) override {
    if (finished_) return Verdict::kTaken;  // what may follow [DONE]
    switch (form_) {
      case Form::kEvents:
        return TakeEvents(bytes);
      case Form::kWhole:
        whole_.append(bytes);
        return Verdict::kTaken;
      case Form::kError:
      case Form::kOther:
        whole_.append(bytes.substr(0, kMaxErrorBytes - std::min(kMaxErrorBytes, whole_.size())));
        return whole_.size() < kMaxErrorBytes ? Verdict::kTaken : Verdict::kStop;
    }
    return Verdict::kStop;
  }

  void OnDone(const absl::Status& status) override {
    if (finished_) return;
    // A part of an error's body says enough.
    if (form_ == Form::kError && (status.ok() || !whole_.empty()))
      return Finish(RemoteError(name_, head_.status, whole_));
    if (form_ == Form::kOther) return Finish(NotAStream());
    if (!status.ok())
      return Finish(chunks_.complete() ? absl::OkStatus() : AnnotateRemote(name_, status));
    if (form_ == Form::kWhole) {
      std::vector<chat::Event> events;
      const absl::Status read = chunks_.Read(whole_, &events);
      Push(std::move(events), whole_.size());
      return Finish(read);
    }
    Finish(absl::OkStatus());
  }

 private:
  enum class Form : uint8_t { kEvents, kWhole, kError, kOther };

  Verdict TakeEvents(std::string_view bytes) {
    if (!queue_->HasRoom()) return Verdict::kPause;
    std::vector<chat::Event> events;
    absl::Status status;
    const absl::Status fed = sse_.Feed(bytes, [&](const SseEvent& event) {
      status = chunks_.Read(event.data, &events);
      return status.ok() && !chunks_.done();
    });
    if (!fed.ok()) status = AnnotateRemote(name_, fed);
    if (!Push(std::move(events), bytes.size())) return Verdict::kStop;
    if (!status.ok() || chunks_.done()) Finish(status);
    return status.ok() ? Verdict::kTaken : Verdict::kStop;
  }

  bool Push(std::vector<chat::Event> events, size_t bytes) {
    if (!events.empty() && ttft_s_ == 0)
      ttft_s_ = std::chrono::duration<double>(Clock::now() - started_).count();
    return queue_->Push(std::move(events), bytes);
  }

  void Finish(const absl::Status& status) {
    finished_ = true;
    std::vector<chat::Event> events;
    chat::Outcome outcome = chunks_.Finish(status, &events);
    outcome.ttft_s = ttft_s_;
    queue_->Push(std::move(events), 0);
    queue_->Finish(std::move(outcome));
  }

  absl::Status NotAStream() const {
    return absl::UnavailableError(absl::StrCat(
        name_.provider, " answered ", base::Quote(head_.content_type),
        ", expected text/event-stream: check base_url; it begins ", base::Quote(whole_)));
  }

  const RemoteName name_;
  OpenAiChunkReader chunks_;
  SseReader sse_;
  const std::shared_ptr<EventQueue> queue_;
  const Clock::time_point started_;
  HttpHead head_;
  Form form_ = Form::kEvents;
  std::string whole_;
  double ttft_s_ = 0;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<chat::Stream> StartOpenAiStream(HttpPool& pool, HttpRequest request,
                                                OpenAiAnswerKind kind, RemoteName name) {
  const auto queue = std::make_shared<EventQueue>(kMaxQueuedBytes);
  const std::shared_ptr<HttpCall> call =
      pool.Start(std::move(request), std::make_shared<AnswerHandler>(kind, std::move(name), queue));
  return std::make_unique<QueuedStream>(
      queue, [call] { call->Resume(); }, [call] { call->Cancel(); });
}

}  // namespace cria::provider
