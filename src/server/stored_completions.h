// Chat completions that are kept, so that they can be asked for again.
#ifndef CRIA_SERVER_STORED_COMPLETIONS_H_
#define CRIA_SERVER_STORED_COMPLETIONS_H_

#include <boost/asio/awaitable.hpp>

#include "base/json.h"
#include "base/status.h"
#include "server/exchange.h"
#include "server/services.h"

namespace cria::server {

// Goes on when it is committed.
boost::asio::awaitable<absl::Status> KeepCompletion(const Services& services,
                                                    const Request& request,
                                                    const base::json::object& asked,
                                                    const base::json::object& completion);

// On a worker.
absl::StatusOr<Reply> ListCompletions(const Services& services, const Request& request);
absl::StatusOr<Reply> GetCompletion(const Services& services, const Request& request);
absl::StatusOr<Reply> ListCompletionMessages(const Services& services, const Request& request);

}  // namespace cria::server

#endif  // CRIA_SERVER_STORED_COMPLETIONS_H_
