#include "server/handle_completions.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random_id.h"
#include "server/answering.h"
#include "server/errors.h"
#include "server/request_body.h"
#include "server/sse.h"
#include "server/translate_openai.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::object;
using boost::asio::awaitable;

struct CompletionCall {
  AnswerHead head;
  std::vector<chat::CompletionRequest> requests;  // prompts, each `n` times in a row
  std::vector<std::string> echoes;                // of each; empty: none
  size_t answers_per_prompt = 1;
  bool stream = false, include_usage = false, done_frame = true;
};

absl::StatusOr<std::string> EchoOf(const chat::CompletionRequest& request) {
  if (const auto* text = std::get_if<std::string>(&request.prompt)) return *text;
  return absl::UnimplementedError("echo: expected prompts that are texts, found token ids");
}

absl::StatusOr<CompletionCall> ReadCall(const Services& services, const Request& request) {
  CompletionCall call;
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "CompletionRequest"));
  CRIA_ASSIGN_OR_RETURN(const auto prompts, CompletionRequestsFrom(body));
  CRIA_ASSIGN_OR_RETURN(const chat::Caller caller, CallerOf(request));
  CRIA_ASSIGN_OR_RETURN(const auto n, base::GetInt(body, "n"));
  CRIA_ASSIGN_OR_RETURN(const auto best_of, base::GetInt(body, "best_of"));
  if (best_of && *best_of != n.value_or(1))
    return absl::UnimplementedError("best_of: answers are not ranked: expected no more than n");
  call.answers_per_prompt = static_cast<size_t>(n.value_or(1));
  CRIA_ASSIGN_OR_RETURN(const auto echo, base::GetBool(body, "echo"));
  for (const chat::CompletionRequest& prompt : prompts) {
    for (chat::CompletionRequest& copy : Copies(prompt, n.value_or(1))) {
      copy.caller = caller;
      std::string before;
      if (echo.value_or(false)) {
        CRIA_ASSIGN_OR_RETURN(before, EchoOf(copy));
      }
      call.echoes.push_back(std::move(before));
      call.requests.push_back(std::move(copy));
    }
  }
  constexpr size_t kMaxAnswers = 128;
  if (call.requests.empty() || call.requests.size() > kMaxAnswers)
    return absl::InvalidArgumentError(absl::StrCat("prompt: expected 1 to ", kMaxAnswers,
                                                   " answers in all (prompts times n), found ",
                                                   call.requests.size()));
  CRIA_ASSIGN_OR_RETURN(const auto stream, base::GetBool(body, "stream"));
  call.stream = stream.value_or(false);
  if (const object* options = base::FindObject(body, "stream_options")) {
    CRIA_ASSIGN_OR_RETURN(const auto usage, base::GetBool(*options, "include_usage"));
    call.include_usage = usage.value_or(false);
  }
  call.done_frame = !IsLlamaStackClient(request);
  call.head = {absl::StrCat("cmpl-", base::RandomUuid()), std::string(body.at("model").as_string()),
               services.now(), call.requests.front().sampling.logprobs >= 0};
  return call;
}

chat::Usage UsageOf(const CompletionCall& call, const std::vector<chat::Outcome>& outcomes) {
  chat::Usage total;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const chat::Usage& usage = outcomes[i].usage;
    total.completion_tokens += usage.completion_tokens;
    if (i % call.answers_per_prompt != 0) continue;  // the same prompt again
    total.prompt_tokens += usage.prompt_tokens;
    total.cached_tokens += usage.cached_tokens;
  }
  return total;
}

awaitable<void> AnswerWhole(Exchange& exchange, const CompletionCall& call, StreamSet& streams) {
  const auto answers = co_await GatherAll(streams);
  if (!answers.ok()) {
    co_await SendError(exchange, answers.status());
    co_return;
  }
  base::json::array choices;
  std::vector<chat::Outcome> outcomes;
  for (size_t i = 0; i < answers->size(); ++i) {
    choices.push_back(CompletionChoice(i, (*answers)[i], call.echoes[i], call.head.logprobs));
    outcomes.push_back((*answers)[i].outcome);
  }
  Reply reply;
  reply.body =
      base::json::serialize(Completion(call.head, std::move(choices), UsageOf(call, outcomes)));
  co_await exchange.Send(std::move(reply));
}

// Writes the pieces of the answers as they come.
class PieceWriter {
 public:
  PieceWriter(const CompletionCall& call, const StreamSet& streams)
      : call_(call), streams_(streams), offsets_(streams.size()), outcomes_(streams.size()) {
    for (size_t i = 0; i < offsets_.size(); ++i) offsets_[i] = call.echoes[i].size();
  }

  std::string Echoes() {
    std::string frames;
    size_t none = 0;
    for (size_t i = 0; i < call_.echoes.size(); ++i)
      if (!call_.echoes[i].empty())
        frames += DataFrame(CompletionChunk(call_.head, i, call_.echoes[i], {}, &none));
    return frames;
  }

  std::string Frames(const std::vector<StreamSet::News>& all) {
    std::string frames;
    for (const StreamSet::News& news : all) {
      for (const chat::Event& event : news.events)
        frames += DataFrame(CompletionChunk(call_.head, news.index, event.text, event.logprobs,
                                            &offsets_[news.index]));
      if (!news.ended) continue;
      outcomes_[news.index] = streams_.outcome(news.index);
      if (outcomes_[news.index].status.ok())
        frames += DataFrame(LastCompletionChunk(call_.head, news.index, outcomes_[news.index]));
    }
    return frames;
  }

  std::string LastFrames() const {
    std::string frames;
    if (call_.include_usage)
      frames += DataFrame(UsageChunk(call_.head, "text_completion", UsageOf(call_, outcomes_)));
    if (call_.done_frame) frames += kDoneFrame;
    return frames;
  }

 private:
  const CompletionCall& call_;
  const StreamSet& streams_;
  std::vector<size_t> offsets_;
  std::vector<chat::Outcome> outcomes_;
};

awaitable<void> AnswerInPieces(Exchange& exchange, const CompletionCall& call, StreamSet& streams) {
  PieceWriter writer(call, streams);
  std::vector<StreamSet::News> news = co_await streams.Next(kHeadPatience);
  if (absl::Status failure = FailureIn(news, streams); !failure.ok()) {
    co_await SendError(exchange, failure);
    co_return;
  }
  co_await exchange.StartStream(kEventStream, /*keep_alive_comments=*/true);
  std::string frames = writer.Echoes();
  if (news.empty()) news = co_await streams.Next();
  while (!news.empty()) {
    frames += writer.Frames(news);
    const absl::Status failure = FailureIn(news, streams);
    if (!failure.ok()) frames += ErrorFrame(failure);
    if (!co_await WriteAll(exchange, &frames)) co_return;
    if (!failure.ok()) {
      co_await exchange.FinishStream();
      co_return;
    }
    news = co_await streams.Next();
  }
  frames = writer.LastFrames();
  if (!co_await WriteAll(exchange, &frames)) co_return;
  co_await exchange.FinishStream();
}

awaitable<void> Create(const Services& services, Exchange& exchange) {
  absl::StatusOr<CompletionCall> call = ReadCall(services, exchange.request());
  if (!call.ok()) {
    co_await SendError(exchange, call.status());
    co_return;
  }
  absl::StatusOr<StreamSet> streams =
      co_await StartCompletions(services, call->head.model, call->requests);
  if (!streams.ok()) {
    co_await SendError(exchange, streams.status());
    co_return;
  }
  exchange.OnDisconnect([&streams = *streams] { streams.Cancel(); });
  if (call->stream) {
    co_await AnswerInPieces(exchange, *call, *streams);
  } else {
    co_await AnswerWhole(exchange, *call, *streams);
  }
}

}  // namespace

void AddCompletionRoutes(const Services& services, const std::string& prefix, bool deprecated,
                         Router* router) {
  router->Add({"POST",
               prefix + "/completions",
               [&services](Exchange& exchange) { return Create(services, exchange); },
               {"createCompletion", "Continue a text, whole or in pieces", "Inference", "v1",
                deprecated, "CompletionRequest", "Completion"},
               {}});
}

}  // namespace cria::server
