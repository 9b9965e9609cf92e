#include "server/answering.h"

#include <utility>

#include "server/blocking.h"

namespace cria::server {
namespace {

using Streams = std::vector<std::unique_ptr<chat::Stream>>;

// `start(provider, request)` for each.
template <typename Request, typename Start>
boost::asio::awaitable<absl::StatusOr<StreamSet>> StartAll(const Services& services,
                                                           std::string model,
                                                           std::vector<Request> requests,
                                                           Start start) {
  auto call = [&router = services.router, model = std::move(model), requests = std::move(requests),
               start]() -> absl::StatusOr<Streams> {
    CRIA_ASSIGN_OR_RETURN(const stack::InferenceRoute route, router.Route(model));
    Streams streams;
    for (const Request& request : requests) {
      Request mine = request;
      mine.model = route.model.provider_model_id;
      CRIA_ASSIGN_OR_RETURN(auto stream, start(*route.provider, mine));
      streams.push_back(std::move(stream));
    }
    return streams;
  };
  absl::StatusOr<Streams> streams = co_await OnWorker(services.workers, std::move(call));
  if (!streams.ok()) co_return streams.status();
  co_return StreamSet(*std::move(streams));
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<StreamSet>> StartChats(
    const Services& services, std::string model, std::vector<chat::ChatRequest> requests) {
  return StartAll(services, std::move(model), std::move(requests),
                  [](provider::Inference& provider, const chat::ChatRequest& request) {
                    return provider.Chat(request);
                  });
}

boost::asio::awaitable<absl::StatusOr<StreamSet>> StartCompletions(
    const Services& services, std::string model, std::vector<chat::CompletionRequest> requests) {
  return StartAll(services, std::move(model), std::move(requests),
                  [](provider::Inference& provider, const chat::CompletionRequest& request) {
                    return provider.Complete(request);
                  });
}

boost::asio::awaitable<absl::StatusOr<std::vector<GatheredAnswer>>> GatherAll(StreamSet& streams) {
  std::vector<GatheredAnswer> answers(streams.size());
  while (true) {
    const std::vector<StreamSet::News> all = co_await streams.Next();
    if (all.empty()) break;
    if (absl::Status failure = FailureIn(all, streams); !failure.ok()) {
      streams.Cancel();
      co_return failure;
    }
    for (const StreamSet::News& news : all) {
      for (const chat::Event& event : news.events) answers[news.index].Add(event);
      if (news.ended) answers[news.index].outcome = streams.outcome(news.index);
    }
  }
  co_return answers;
}

boost::asio::awaitable<bool> WriteAll(Exchange& exchange, std::string* frames) {
  std::string bytes = std::move(*frames);
  frames->clear();
  const absl::Status written = co_await exchange.Write(std::move(bytes));
  co_return written.ok();
}

absl::Status FailureIn(const std::vector<StreamSet::News>& news, const StreamSet& streams) {
  for (const StreamSet::News& one : news)
    if (one.ended && !streams.outcome(one.index).status.ok())
      return streams.outcome(one.index).status;
  return absl::OkStatus();
}

}  // namespace cria::server
