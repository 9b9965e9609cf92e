// The sockets on which a server listens.
#ifndef CRIA_SERVER_LISTENER_H_
#define CRIA_SERVER_LISTENER_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <vector>

#include "base/status.h"

namespace cria::server {

using Acceptor =
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::any_io_executor>;

// One for each address of `host`, all on one port; empty: one for all addresses, IPv6 and IPv4, or
// IPv4 alone where there is no IPv6. Errors as HttpServer::Start.
absl::StatusOr<std::vector<Acceptor>> Listen(const boost::asio::any_io_executor& executor,
                                             const std::string& host, uint16_t port);

// "127.0.0.1:8321", "[::1]:8321".
std::string ToString(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace cria::server

#endif  // CRIA_SERVER_LISTENER_H_
