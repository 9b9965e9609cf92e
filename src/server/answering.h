// What all handlers that ask a model do alike.
#ifndef CRIA_SERVER_ANSWERING_H_
#define CRIA_SERVER_ANSWERING_H_

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "chat/request.h"
#include "server/exchange.h"
#include "server/openai_writer.h"
#include "server/services.h"
#include "server/stream_set.h"

namespace cria::server {

// Begins the answers to requests that all name the same model of the stack, on a worker. The model
// of each request becomes the provider's own name for it.
boost::asio::awaitable<absl::StatusOr<StreamSet>> StartChats(
    const Services& services, std::string model, std::vector<chat::ChatRequest> requests);
boost::asio::awaitable<absl::StatusOr<StreamSet>> StartCompletions(
    const Services& services, std::string model, std::vector<chat::CompletionRequest> requests);

// Copies of one request, for `n` answers: with a seed each gets one of its own.
template <typename T>
std::vector<T> Copies(const T& request, int64_t n) {
  std::vector<T> copies(static_cast<size_t>(n), request);
  for (size_t i = 1; i < copies.size(); ++i)
    if (copies[i].sampling.seed) *copies[i].sampling.seed += i;
  return copies;
}

// Waits for all answers. The status of one that failed, and the others are cancelled.
boost::asio::awaitable<absl::StatusOr<std::vector<GatheredAnswer>>> GatherAll(StreamSet& streams);

// How long a stream's head waits for the first news, so that an early failure has its own HTTP
// status.
inline constexpr std::chrono::milliseconds kHeadPatience{2000};

// The error among the news, if an answer failed.
absl::Status FailureIn(const std::vector<StreamSet::News>& news, const StreamSet& streams);

// Writes `frames` and empties it. False: the client is gone, or too slow.
boost::asio::awaitable<bool> WriteAll(Exchange& exchange, std::string* frames);

}  // namespace cria::server

#endif  // CRIA_SERVER_ANSWERING_H_
