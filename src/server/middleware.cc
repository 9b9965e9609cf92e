#include "server/middleware.h"

namespace cria::server {

boost::asio::awaitable<std::optional<Reply>> Middleware::Before(Call&) { co_return std::nullopt; }

void Middleware::OnHead(const Call&, Headers*) {}

void Middleware::After(const Call&) {}

void Middleware::Refused(int) {}

}  // namespace cria::server
