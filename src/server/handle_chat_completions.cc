#include "server/handle_chat_completions.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random_id.h"
#include "server/answering.h"
#include "server/errors.h"
#include "server/request_body.h"
#include "server/sse.h"
#include "server/stored_completions.h"
#include "server/translate_openai.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::object;
using boost::asio::awaitable;

// A request as it came, and as the system understands it.
struct ChatCall {
  object body;
  AnswerHead head;
  chat::ChatRequest request;
  int64_t choices = 1;
  bool stream = false, include_usage = false, store = true, done_frame = true;
};

absl::StatusOr<ChatCall> ReadCall(const Services& services, const Request& request) {
  ChatCall call;
  CRIA_ASSIGN_OR_RETURN(call.body, ReadBody(request, services.schemas, "ChatCompletionRequest"));
  CRIA_ASSIGN_OR_RETURN(call.request, ChatRequestFrom(call.body));
  CRIA_ASSIGN_OR_RETURN(call.request.caller, CallerOf(request));
  CRIA_ASSIGN_OR_RETURN(const auto n, base::GetInt(call.body, "n"));
  call.choices = n.value_or(1);
  CRIA_ASSIGN_OR_RETURN(const auto stream, base::GetBool(call.body, "stream"));
  call.stream = stream.value_or(false);
  CRIA_ASSIGN_OR_RETURN(const auto store, base::GetBool(call.body, "store"));
  call.store = store.value_or(true);
  if (const object* options = base::FindObject(call.body, "stream_options")) {
    CRIA_ASSIGN_OR_RETURN(const auto usage, base::GetBool(*options, "include_usage"));
    call.include_usage = usage.value_or(false);
  }
  call.done_frame = !IsLlamaStackClient(request);
  call.head = {absl::StrCat("chatcmpl-", base::RandomUuid()),
               std::string(call.body.at("model").as_string()), services.now(),
               call.request.sampling.logprobs >= 0};
  return call;
}

// Keeps an answer, unless the client wants none kept.
awaitable<absl::Status> Keep(const Services& services, const Exchange& exchange,
                             const ChatCall& call, const object& completion) {
  if (!call.store) co_return absl::OkStatus();
  co_return co_await KeepCompletion(services, exchange.request(), call.body, completion);
}

awaitable<void> AnswerWhole(const Services& services, Exchange& exchange, const ChatCall& call,
                            StreamSet& streams) {
  absl::StatusOr<std::vector<GatheredAnswer>> answers = co_await GatherAll(streams);
  if (!answers.ok()) {
    co_await SendError(exchange, answers.status());
    co_return;
  }
  const object completion = ChatCompletion(call.head, *answers);
  const absl::Status kept = co_await Keep(services, exchange, call, completion);
  if (!kept.ok()) {
    co_await SendError(exchange, kept);
    co_return;
  }
  Reply reply;
  reply.body = base::json::serialize(completion);
  co_await exchange.Send(std::move(reply));
}

// The frames of what has come.
std::string Frames(const ChatCall& call, const std::vector<StreamSet::News>& all,
                   const StreamSet& streams, std::vector<GatheredAnswer>* answers) {
  std::string frames;
  for (const StreamSet::News& news : all) {
    GatheredAnswer& answer = (*answers)[news.index];
    for (const chat::Event& event : news.events) {
      frames += DataFrame(ChatChunk(call.head, news.index, event));
      answer.Add(event);
    }
    if (!news.ended) continue;
    answer.outcome = streams.outcome(news.index);
    if (answer.outcome.status.ok())
      frames += DataFrame(LastChatChunk(call.head, news.index, answer.outcome));
  }
  return frames;
}

// What follows the last choice: usage and the end, or why the answer can't be kept.
std::string LastFrames(const ChatCall& call, const std::vector<GatheredAnswer>& answers,
                       const absl::Status& kept) {
  if (!kept.ok()) return ErrorFrame(kept);
  std::string frames;
  if (call.include_usage) {
    std::vector<chat::Usage> usages;
    for (const GatheredAnswer& answer : answers) usages.push_back(answer.outcome.usage);
    frames += DataFrame(UsageChunk(call.head, "chat.completion.chunk", TotalUsage(usages)));
  }
  if (call.done_frame) frames += kDoneFrame;
  return frames;
}

awaitable<void> AnswerInPieces(const Services& services, Exchange& exchange, const ChatCall& call,
                               StreamSet& streams) {
  std::vector<GatheredAnswer> answers(streams.size());
  std::vector<StreamSet::News> news = co_await streams.Next(kHeadPatience);
  if (absl::Status failure = FailureIn(news, streams); !failure.ok()) {
    co_await SendError(exchange, failure);
    co_return;
  }
  co_await exchange.StartStream(kEventStream, /*keep_alive_comments=*/true);
  std::string frames;
  for (size_t i = 0; i < streams.size(); ++i) frames += DataFrame(FirstChatChunk(call.head, i));
  if (news.empty()) {
    if (!co_await WriteAll(exchange, &frames)) co_return;
    news = co_await streams.Next();
  }
  while (!news.empty()) {
    frames += Frames(call, news, streams, &answers);
    absl::Status failure = FailureIn(news, streams);
    if (!failure.ok()) frames += ErrorFrame(failure);
    if (!co_await WriteAll(exchange, &frames)) co_return;
    if (!failure.ok()) {
      co_await exchange.FinishStream();
      co_return;
    }
    news = co_await streams.Next();
  }
  const absl::Status kept =
      co_await Keep(services, exchange, call, ChatCompletion(call.head, answers));
  frames += LastFrames(call, answers, kept);
  if (!co_await WriteAll(exchange, &frames)) co_return;
  co_await exchange.FinishStream();
}

awaitable<void> Create(const Services& services, Exchange& exchange) {
  absl::StatusOr<ChatCall> call = ReadCall(services, exchange.request());
  if (!call.ok()) {
    co_await SendError(exchange, call.status());
    co_return;
  }
  absl::StatusOr<StreamSet> streams =
      co_await StartChats(services, call->head.model, Copies(call->request, call->choices));
  if (!streams.ok()) {
    co_await SendError(exchange, streams.status());
    co_return;
  }
  exchange.OnDisconnect([&streams = *streams] { streams.Cancel(); });
  if (call->stream) {
    co_await AnswerInPieces(services, exchange, *call, *streams);
  } else {
    co_await AnswerWhole(services, exchange, *call, *streams);
  }
}

}  // namespace

void AddChatCompletionRoutes(const Services& services, const std::string& prefix, bool deprecated,
                             Router* router) {
  const std::string path = prefix + "/chat/completions";
  router->Add({"POST",
               path,
               [&services](Exchange& exchange) { return Create(services, exchange); },
               {"createChatCompletion", "Answer a conversation, whole or in pieces", "Inference",
                "v1", deprecated, "ChatCompletionRequest", "ChatCompletion"},
               {}});
  const WorkerRoute routes[] = {
      {"GET", path, ListCompletions, "listChatCompletions", "Answers that were kept",
       "StoredListQuery", "StoredChatCompletionList"},
      {"GET", path + "/{completion_id}", GetCompletion, "getChatCompletion",
       "An answer that was kept, with its messages", "", "StoredChatCompletion"},
      {"GET", path + "/{completion_id}/messages", ListCompletionMessages,
       "listChatCompletionMessages", "The messages of an answer that was kept", "MessageListQuery",
       "ChatCompletionMessageList"}};
  for (const WorkerRoute& route : routes)
    AddWorkerRoute(services, route, "Inference", "v1", deprecated, router);
}

}  // namespace cria::server
