#include "server/http_server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "server/connection.h"
#include "server/connection_table.h"
#include "server/errors.h"
#include "server/listener.h"
#include "server/response_head.h"
#include "server/tls.h"

namespace cria::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptPause{100};  // when there are no descriptors left
constexpr std::chrono::milliseconds kBreakOffTime{2'000};

// What a client gets when there are too many.
std::string BusyAnswer() {
  const Reply reply =
      ErrorReply(absl::UnavailableError("the server has too many connections; try again later"));
  ResponseHead head;
  head.status = reply.status;
  head.content_type = reply.content_type;
  head.content_length = reply.body.size();
  head.keep_alive = false;
  head.headers = &reply.headers;
  return Serialize(head) + reply.body;
}

}  // namespace

struct HttpServer::Impl {
  explicit Impl(ServerOptions given)
      : options(std::move(given)),
        threads_wanted(
            std::clamp(options.threads, 1,
                       std::max(1, static_cast<int>(std::thread::hardware_concurrency())))),
        io(threads_wanted) {}

  asio::awaitable<void> Accept(Acceptor& acceptor) {
    asio::steady_timer pause(acceptor.get_executor());
    while (acceptor.is_open()) {
      auto [error, socket] =
          co_await acceptor.async_accept(asio::any_io_executor(asio::make_strand(io)), kAwait);
      if (!error) {
        Begin(std::move(socket));
      } else if (error != asio::error::operation_aborted) {
        pause.expires_after(kAcceptPause);
        co_await pause.async_wait(kAwait);
      }
    }
  }

  void Begin(Socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    const tcp::endpoint remote = socket.remote_endpoint(ignored);
    if (context.draining) return;
    if (connections.size() >= options.limits.max_connections) {
      ++refused;
      if (options.tls != nullptr) return;
      socket.non_blocking(true, ignored);
      socket.write_some(asio::buffer(busy_answer), ignored);
      return;
    }
    auto transport = options.tls == nullptr
                         ? MakePlainTransport(std::move(socket))
                         : MakeTlsTransport(std::move(socket), options.tls->current());
    auto connection =
        std::make_shared<Connection>(std::move(transport), &context, remote.address().to_string());
    connections.Add(connection);
    asio::co_spawn(
        connection->executor(), [connection] { return connection->Run(); },
        [this, connection](std::exception_ptr) { connections.Remove(connection.get()); });
  }

  void StopAccepting() {
    context.draining = true;
    asio::post(accept_strand, [this] {
      error_code ignored;
      for (Acceptor& acceptor : acceptors) acceptor.close(ignored);
    });
  }

  ServerOptions options;
  const int threads_wanted;
  const std::string busy_answer = BusyAnswer();
  ConnectionContext context;
  ConnectionTable connections;
  std::atomic<uint64_t> refused{0};
  std::atomic<bool> aborted{false};
  std::vector<std::string> addresses;
  uint16_t port = 0;

  asio::io_context io;  // destroyed before what its handlers use
  asio::any_io_executor accept_strand = asio::make_strand(io);
  std::vector<Acceptor> acceptors;
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  std::vector<std::thread> threads;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(ServerOptions options,
                                                              Service* service) {
  auto impl = std::make_unique<Impl>(std::move(options));
  impl->context.limits = impl->options.limits;
  impl->context.service = service;
  CRIA_ASSIGN_OR_RETURN(impl->acceptors,
                        Listen(impl->accept_strand, impl->options.host, impl->options.port));
  for (const Acceptor& acceptor : impl->acceptors)
    impl->addresses.push_back(ToString(acceptor.local_endpoint()));
  impl->port = impl->acceptors.front().local_endpoint().port();
  for (Acceptor& acceptor : impl->acceptors)
    asio::co_spawn(impl->accept_strand, impl->Accept(acceptor), asio::detached);
  for (int i = 0; i < impl->threads_wanted; ++i)
    impl->threads.emplace_back([io = &impl->io] { io->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() {
  Abort();
  impl_->connections.WaitUntilEmpty(kBreakOffTime, [] { return false; });
  impl_->io.stop();
  for (std::thread& thread : impl_->threads) thread.join();
}

uint16_t HttpServer::port() const { return impl_->port; }

std::vector<std::string> HttpServer::addresses() const { return impl_->addresses; }

size_t HttpServer::connections() const { return impl_->connections.size(); }

uint64_t HttpServer::refused_connections() const { return impl_->refused; }

void HttpServer::Shutdown() {
  const auto aborted = [this] { return impl_->aborted.load(); };
  impl_->StopAccepting();
  impl_->connections.PostToAll(&Connection::BeginDrain);
  if (impl_->connections.WaitUntilEmpty(impl_->options.drain_time, aborted)) return;
  if (impl_->options.cancel) impl_->options.cancel();
  if (impl_->connections.WaitUntilEmpty(impl_->options.cancel_time, aborted)) return;
  Abort();
  impl_->connections.WaitUntilEmpty(kBreakOffTime, [] { return false; });
}

void HttpServer::Abort() {
  impl_->aborted = true;
  impl_->StopAccepting();
  impl_->connections.PostToAll(&Connection::Close);
  impl_->connections.Wake();
}

}  // namespace cria::server
