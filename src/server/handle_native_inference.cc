#include "server/handle_native_inference.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/answering.h"
#include "server/errors.h"
#include "server/handle_embeddings.h"
#include "server/native_writer.h"
#include "server/request_body.h"
#include "server/sse.h"
#include "server/translate_native.h"
#include "server/translate_openai.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::object;
using boost::asio::awaitable;

// How one kind of request is read and answered: chat, or completion.
template <typename RequestType>
struct Kind;

template <>
struct Kind<chat::ChatRequest> {
  static constexpr char kSchema[] = "NativeChatRequest", kBatchSchema[] = "NativeBatchChatRequest";
  static constexpr char kInput[] = "messages", kBatchInput[] = "messages_batch";
  static auto Read(const object& body, const base::json::value& input) {
    return NativeChatRequestFrom(body, input);
  }
  static auto Start(const Services& services, std::string model,
                    std::vector<chat::ChatRequest> requests) {
    return StartChats(services, std::move(model), std::move(requests));
  }
  static object Answer(const GatheredAnswer& answer, bool logprobs, NativeGeneration) {
    return NativeChatAnswer(answer, logprobs);
  }
  static std::string First(NativeGeneration generation) {
    return DataFrame(NativeStart(generation));
  }
  static std::string Progress(const chat::Event& event, NativeGeneration generation,
                              bool logprobs) {
    std::string frames;
    for (const object& chunk : NativeProgress(event, generation, logprobs))
      frames += DataFrame(chunk);
    return frames;
  }
  static std::string Last(const chat::Outcome& outcome, NativeGeneration generation) {
    std::string frames;
    for (const object& chunk : NativeCalls(outcome, generation)) frames += DataFrame(chunk);
    return frames + DataFrame(NativeComplete(outcome, generation));
  }
};

template <>
struct Kind<chat::CompletionRequest> {
  static constexpr char kSchema[] = "NativeCompletionRequest",
                        kBatchSchema[] = "NativeBatchCompletionRequest";
  static constexpr char kInput[] = "content", kBatchInput[] = "content_batch";
  static auto Read(const object& body, const base::json::value& input) {
    return NativeCompletionRequestFrom(body, input);
  }
  static auto Start(const Services& services, std::string model,
                    std::vector<chat::CompletionRequest> requests) {
    return StartCompletions(services, std::move(model), std::move(requests));
  }
  static object Answer(const GatheredAnswer& answer, bool logprobs, NativeGeneration generation) {
    return NativeCompletionAnswer(answer, logprobs, generation);
  }
  static std::string First(NativeGeneration) { return ""; }
  static std::string Progress(const chat::Event& event, NativeGeneration, bool logprobs) {
    return DataFrame(NativeCompletionChunk(event, logprobs));
  }
  static std::string Last(const chat::Outcome& outcome, NativeGeneration) {
    return DataFrame(NativeLastCompletionChunk(outcome));
  }
};

template <typename RequestType>
struct Call {
  std::string model;
  std::vector<RequestType> requests;
  bool stream = false, logprobs = false;
};

template <typename RequestType>
absl::StatusOr<Call<RequestType>> ReadCall(const Services& services, const Request& request,
                                           bool batch) {
  using This = Kind<RequestType>;
  CRIA_ASSIGN_OR_RETURN(const object body, ReadBody(request, services.schemas,
                                                    batch ? This::kBatchSchema : This::kSchema));
  Call<RequestType> call;
  CRIA_ASSIGN_OR_RETURN(call.model, NativeModel(body));
  CRIA_ASSIGN_OR_RETURN(const chat::Caller caller, CallerOf(request));
  base::json::array inputs;
  if (batch) {
    inputs = body.at(This::kBatchInput).as_array();
  } else {
    inputs.push_back(body.at(This::kInput));
  }
  constexpr size_t kMaxBatch = 1024;
  if (inputs.empty() || inputs.size() > kMaxBatch)
    return absl::InvalidArgumentError(absl::StrCat(This::kBatchInput, ": expected 1 to ", kMaxBatch,
                                                   " items, found ", inputs.size()));
  for (const base::json::value& input : inputs) {
    CRIA_ASSIGN_OR_RETURN(RequestType one, This::Read(body, input));
    one.caller = caller;
    call.requests.push_back(std::move(one));
  }
  call.logprobs = call.requests.front().sampling.logprobs >= 0;
  CRIA_ASSIGN_OR_RETURN(const auto stream, base::GetBool(body, "stream"));
  call.stream = stream.value_or(false) && !batch;
  return call;
}

template <typename RequestType>
awaitable<void> AnswerInPieces(Exchange& exchange, const Call<RequestType>& call,
                               StreamSet& streams, NativeGeneration generation) {
  using This = Kind<RequestType>;
  std::vector<StreamSet::News> news = co_await streams.Next(kHeadPatience);
  if (absl::Status failure = FailureIn(news, streams); !failure.ok()) {
    co_await SendError(exchange, failure);
    co_return;
  }
  co_await exchange.StartStream(kEventStream, /*keep_alive_comments=*/true);
  std::string frames = This::First(generation);
  if (news.empty()) {
    if (!co_await WriteAll(exchange, &frames)) co_return;
    news = co_await streams.Next();
  }
  while (!news.empty()) {
    for (const chat::Event& event : news.front().events)
      frames += This::Progress(event, generation, call.logprobs);
    if (news.front().ended) {
      const chat::Outcome& outcome = streams.outcome(0);
      frames += outcome.status.ok() ? This::Last(outcome, generation) : ErrorFrame(outcome.status);
    }
    if (!co_await WriteAll(exchange, &frames)) co_return;
    news = co_await streams.Next();
  }
  co_await exchange.FinishStream();
}

template <typename RequestType>
Reply WholeReply(const Call<RequestType>& call, const std::vector<GatheredAnswer>& answers,
                 NativeGeneration generation, bool batch) {
  using This = Kind<RequestType>;
  if (!batch) return JsonReply(This::Answer(answers.front(), call.logprobs, generation));
  // Up to 0.1 a batch is a list of messages, later a list of whole answers.
  base::json::array all, messages;
  for (const GatheredAnswer& answer : answers) {
    all.push_back(This::Answer(answer, call.logprobs, generation));
    messages.push_back(NativeChatAnswer(answer, false).at("completion_message"));
  }
  return JsonReply(
      object{{"batch", std::move(all)}, {"completion_message_batch", std::move(messages)}});
}

template <typename RequestType>
awaitable<void> Answer(const Services& services, Exchange& exchange, NativeGeneration generation,
                       bool batch) {
  absl::StatusOr<Call<RequestType>> call =
      ReadCall<RequestType>(services, exchange.request(), batch);
  if (!call.ok()) {
    co_await SendError(exchange, call.status());
    co_return;
  }
  absl::StatusOr<StreamSet> streams =
      co_await Kind<RequestType>::Start(services, call->model, call->requests);
  if (!streams.ok()) {
    co_await SendError(exchange, streams.status());
    co_return;
  }
  exchange.OnDisconnect([&streams = *streams] { streams.Cancel(); });
  if (call->stream) {
    co_await AnswerInPieces(exchange, *call, *streams, generation);
    co_return;
  }
  const auto answers = co_await GatherAll(*streams);
  if (!answers.ok()) {
    co_await SendError(exchange, answers.status());
    co_return;
  }
  Reply reply = WholeReply(*call, *answers, generation, batch);
  co_await exchange.Send(std::move(reply));
}

absl::StatusOr<Reply> CreateEmbeddings(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object body,
                        ReadBody(request, services.schemas, "NativeEmbeddingsRequest"));
  CRIA_ASSIGN_OR_RETURN(chat::EmbeddingRequest wanted, NativeEmbeddingRequestFrom(body));
  CRIA_ASSIGN_OR_RETURN(wanted.caller, CallerOf(request));
  CRIA_ASSIGN_OR_RETURN(const std::string model, NativeModel(body));
  CRIA_ASSIGN_OR_RETURN(const chat::Embeddings embeddings,
                        EmbedWithModel(services, model, std::move(wanted)));
  CRIA_ASSIGN_OR_RETURN(const auto dimension, base::GetInt(body, "output_dimension"));
  CRIA_RETURN_IF_ERROR(CheckDimensions("output_dimension", dimension, embeddings));
  base::json::array vectors;
  for (const std::vector<float>& vector : embeddings.vectors) {
    base::json::array numbers;
    for (const float number : vector)
      numbers.push_back(base::FiniteOrNull(static_cast<double>(number)));
    vectors.push_back(std::move(numbers));
  }
  return JsonReply(object{{"embeddings", std::move(vectors)}});
}

template <typename RequestType>
void AddRoute(const Services& services, const std::string& path, const RouteInfo& info,
              NativeGeneration generation, bool batch, Router* router) {
  router->Add({"POST",
               path,
               [&services, generation, batch](Exchange& exchange) {
                 return Answer<RequestType>(services, exchange, generation, batch);
               },
               info,
               {}});
}

// The paths of one generation.
struct Paths {
  const char* generation;
  NativeGeneration shapes;
  const char *chat, *completion, *embeddings, *batch_chat, *batch_completion;
};

constexpr Paths kPaths[] = {
    {"launch", NativeGeneration::kLaunch, "/inference/chat_completion", "/inference/completion",
     "/inference/embeddings", "/batch_inference/chat_completion", "/batch_inference/completion"},
    {"alpha", NativeGeneration::kLaunch, "/alpha/inference/chat-completion",
     "/alpha/inference/completion", "/alpha/inference/embeddings",
     "/alpha/batch-inference/chat-completion", "/alpha/batch-inference/completion"},
    {"v1", NativeGeneration::kTyped, "/v1/inference/chat-completion", "/v1/inference/completion",
     "/v1/inference/embeddings", "/v1/inference/batch-chat-completion",
     "/v1/inference/batch-completion"},
    {"v1", NativeGeneration::kTyped, nullptr, nullptr, nullptr,
     "/v1/batch-inference/chat-completion", "/v1/batch-inference/completion"}};

}  // namespace

void AddNativeInferenceRoutes(const Services& services, Router* router) {
  const auto info = [](const Paths& paths, const char* operation, const char* summary,
                       const char* request, const char* response) {
    return RouteInfo{operation,           summary, "Inference", paths.generation,
                     /*deprecated=*/true, request, response};
  };
  for (const Paths& paths : kPaths) {
    AddRoute<chat::ChatRequest>(services, paths.batch_chat,
                                info(paths, "batchChatCompletion", "Answer several conversations",
                                     "NativeBatchChatRequest", "NativeBatchChatResponse"),
                                paths.shapes, true, router);
    AddRoute<chat::CompletionRequest>(
        services, paths.batch_completion,
        info(paths, "batchCompletion", "Continue several texts", "NativeBatchCompletionRequest",
             "NativeBatchCompletionResponse"),
        paths.shapes, true, router);
    if (paths.chat == nullptr) continue;
    AddRoute<chat::ChatRequest>(
        services, paths.chat,
        info(paths, "chatCompletion", "Answer a conversation, whole or in pieces",
             "NativeChatRequest", "NativeChatResponse"),
        paths.shapes, false, router);
    AddRoute<chat::CompletionRequest>(
        services, paths.completion,
        info(paths, "completion", "Continue a text, whole or in pieces", "NativeCompletionRequest",
             "NativeCompletionResponse"),
        paths.shapes, false, router);
    AddWorkerRoute(
        services,
        {"POST", paths.embeddings, CreateEmbeddings, "embeddings", "A vector for each text",
         "NativeEmbeddingsRequest", "NativeEmbeddingsResponse"},
        "Inference", paths.generation, true, router);
  }
}

}  // namespace cria::server
