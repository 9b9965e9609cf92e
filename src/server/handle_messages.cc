#include "server/handle_messages.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random_id.h"
#include "server/answering.h"
#include "server/anthropic_writer.h"
#include "server/blocking.h"
#include "server/errors.h"
#include "server/request_body.h"
#include "server/sse.h"
#include "server/translate_anthropic.h"
#include "server/translate_openai.h"

namespace cria::server {
namespace {

using base::json::object;
using boost::asio::awaitable;

struct MessageCall {
  MessageHead head;
  chat::ChatRequest request;
  bool stream = false;
};

absl::StatusOr<MessageCall> ReadCall(const Services& services, const Request& request,
                                     std::string_view schema) {
  CRIA_ASSIGN_OR_RETURN(const object body, ReadBody(request, services.schemas, schema));
  MessageCall call;
  CRIA_ASSIGN_OR_RETURN(call.request, MessagesRequestFrom(body));
  CRIA_ASSIGN_OR_RETURN(call.request.caller, CallerOf(request));
  CRIA_ASSIGN_OR_RETURN(const auto stream, base::GetBool(body, "stream"));
  call.stream = stream.value_or(false);
  call.head = {absl::StrCat("msg_", base::RandomHex(24)),
               std::string(body.at("model").as_string())};
  return call;
}

// Anthropic's clients look for the request's id under this name.
awaitable<void> Send(Exchange& exchange, Reply reply) {
  reply.headers.emplace_back("request-id", exchange.request().id);
  co_await exchange.Send(std::move(reply));
}

awaitable<void> Fail(Exchange& exchange, const absl::Status& status) {
  co_await Send(exchange, AnthropicErrorReply(status));
}

awaitable<absl::StatusOr<int64_t>> PromptTokens(const Services& services, const MessageCall& call) {
  auto count = [&router = services.router, model = call.head.model,
                request = call.request]() mutable -> absl::StatusOr<int64_t> {
    CRIA_ASSIGN_OR_RETURN(const stack::InferenceRoute route, router.Route(model));
    request.model = route.model.provider_model_id;
    return route.provider->CountTokens(request);
  };
  return OnWorker(services.workers, std::move(count));
}

awaitable<void> AnswerWhole(Exchange& exchange, const MessageCall& call, StreamSet& streams) {
  absl::StatusOr<std::vector<GatheredAnswer>> answers = co_await GatherAll(streams);
  if (!answers.ok()) {
    co_await Fail(exchange, answers.status());
    co_return;
  }
  Reply reply;
  reply.body = base::json::serialize(AnthropicMessage(call.head, answers->front()));
  co_await Send(exchange, std::move(reply));
}

// The frames of what has come, the end or an error included.
std::string Frames(const std::vector<StreamSet::News>& all, const StreamSet& streams,
                   MessageFrames* message) {
  std::string frames;
  for (const StreamSet::News& news : all) {
    for (const chat::Event& event : news.events) frames += message->Add(event);
    if (!news.ended) continue;
    const chat::Outcome& outcome = streams.outcome(news.index);
    frames += outcome.status.ok() ? message->End(outcome) : AnthropicErrorFrame(outcome.status);
  }
  return frames;
}

awaitable<void> AnswerInPieces(const Services& services, Exchange& exchange,
                               const MessageCall& call, StreamSet& streams) {
  // The model is at work on the prompt meanwhile. A provider that can't count tells at the end.
  const absl::StatusOr<int64_t> prompt_tokens = co_await PromptTokens(services, call);
  std::vector<StreamSet::News> news = co_await streams.Next(kHeadPatience);
  if (absl::Status failure = FailureIn(news, streams); !failure.ok()) {
    co_await Fail(exchange, failure);
    co_return;
  }
  co_await exchange.StartStream(kEventStream, /*keep_alive_comments=*/true);
  MessageFrames message(call.head);
  std::string frames = message.Start(prompt_tokens.ok() ? *prompt_tokens : 0);
  if (news.empty()) {
    if (!(co_await exchange.Write(std::exchange(frames, {}))).ok()) co_return;
    news = co_await streams.Next();
  }
  while (!news.empty()) {
    frames += Frames(news, streams, &message);
    if (!(co_await exchange.Write(std::exchange(frames, {}))).ok()) co_return;
    news = co_await streams.Next();
  }
  co_await exchange.FinishStream();
}

awaitable<void> Create(const Services& services, Exchange& exchange) {
  absl::StatusOr<MessageCall> call =
      ReadCall(services, exchange.request(), "AnthropicMessageRequest");
  if (!call.ok()) {
    co_await Fail(exchange, call.status());
    co_return;
  }
  absl::StatusOr<StreamSet> streams =
      co_await StartChats(services, call->head.model, Copies(call->request, 1));
  if (!streams.ok()) {
    co_await Fail(exchange, streams.status());
    co_return;
  }
  exchange.OnDisconnect([&streams = *streams] { streams.Cancel(); });
  if (call->stream) {
    co_await AnswerInPieces(services, exchange, *call, *streams);
  } else {
    co_await AnswerWhole(exchange, *call, *streams);
  }
}

awaitable<void> CountTokens(const Services& services, Exchange& exchange) {
  const absl::StatusOr<MessageCall> call =
      ReadCall(services, exchange.request(), "AnthropicCountTokensRequest");
  if (!call.ok()) {
    co_await Fail(exchange, call.status());
    co_return;
  }
  const absl::StatusOr<int64_t> tokens = co_await PromptTokens(services, *call);
  if (!tokens.ok()) {
    co_await Fail(exchange, tokens.status());
    co_return;
  }
  Reply reply;
  reply.body = base::json::serialize(object{{"input_tokens", *tokens}});
  co_await Send(exchange, std::move(reply));
}

}  // namespace

void AddMessageRoutes(const Services& services, const std::string& prefix, Router* router) {
  const std::string path = prefix + "/messages";
  router->Add({"POST",
               path,
               [&services](Exchange& exchange) { return Create(services, exchange); },
               {"createMessage", "Answer a conversation, in Anthropic's shapes", "Messages", "v1",
                false, "AnthropicMessageRequest", "AnthropicMessageResponse"},
               {}});
  router->Add({"POST",
               path + "/count_tokens",
               [&services](Exchange& exchange) { return CountTokens(services, exchange); },
               {"countMessageTokens", "How many tokens a conversation has", "Messages", "v1", false,
                "AnthropicCountTokensRequest", "AnthropicCountTokensResponse"},
               {}});
}

}  // namespace cria::server
