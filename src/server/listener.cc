#include "server/listener.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <optional>
#include <utility>

namespace cria::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

absl::Status ListenError(const tcp::endpoint& endpoint, const error_code& error) {
  const std::string message =
      absl::StrCat("can't listen on ", ToString(endpoint), ": ", error.message());
  if (error == asio::error::address_in_use)
    return absl::AlreadyExistsError(message + "; another server has it: choose another port");
  if (error == asio::error::access_denied)
    return absl::PermissionDeniedError(message + "; ports below 1024 are root's");
  return absl::InvalidArgumentError(message);
}

error_code Open(const tcp::endpoint& endpoint, Acceptor* acceptor) {
  error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(Acceptor::reuse_address(true), error);
  // One that is for every address takes IPv4, too; others are for their own address.
  if (!error && endpoint.protocol() == tcp::v6())
    acceptor->set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  return error;
}

absl::StatusOr<std::vector<tcp::endpoint>> Resolve(const asio::any_io_executor& executor,
                                                   const std::string& host, uint16_t port) {
  error_code error;
  tcp::resolver resolver(executor);
  const auto results = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
  std::vector<tcp::endpoint> endpoints;
  for (const auto& result : results) endpoints.push_back(result.endpoint());
  if (error || endpoints.empty())
    return absl::InvalidArgumentError(
        absl::StrCat("host '", host, "': no address of this machine: ", error.message()));
  return endpoints;
}

// "localhost" may have an IPv6 address though the machine has none.
bool IsAbsent(const error_code& error) {
  return error == boost::system::errc::address_family_not_supported ||
         error == boost::system::errc::address_not_available;
}

}  // namespace

std::string ToString(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", address, "]:", endpoint.port())
                                    : absl::StrCat(address, ":", endpoint.port());
}

absl::StatusOr<std::vector<Acceptor>> Listen(const asio::any_io_executor& executor,
                                             const std::string& host, uint16_t port) {
  std::vector<Acceptor> acceptors;
  if (host.empty()) {
    Acceptor& all = acceptors.emplace_back(executor);
    if (!Open(tcp::endpoint(tcp::v6(), port), &all)) return acceptors;
    acceptors.clear();
  }
  std::vector<tcp::endpoint> endpoints{tcp::endpoint(tcp::v4(), port)};
  if (!host.empty()) {
    CRIA_ASSIGN_OR_RETURN(endpoints, Resolve(executor, host, port));
  }
  std::optional<absl::Status> first_error;
  for (tcp::endpoint endpoint : endpoints) {
    if (!acceptors.empty()) endpoint.port(acceptors.front().local_endpoint().port());
    Acceptor acceptor(executor);
    const error_code error = Open(endpoint, &acceptor);
    if (!error) {
      acceptors.push_back(std::move(acceptor));
    } else if (!IsAbsent(error)) {
      return ListenError(endpoint, error);
    } else if (!first_error.has_value()) {
      first_error = ListenError(endpoint, error);
    }
  }
  if (acceptors.empty()) return *first_error;
  return acceptors;
}

}  // namespace cria::server
