#include "server/transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace cria::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

class Plain final : public Transport {
 public:
  explicit Plain(Socket socket) : socket_(std::move(socket)) {}

  asio::any_io_executor executor() override { return socket_.get_executor(); }
  asio::awaitable<error_code> Handshake() override { co_return error_code(); }

  void ReadSome(asio::mutable_buffer space, std::function<void(error_code, size_t)> done) override {
    socket_.async_read_some(space, std::move(done));
  }

  asio::awaitable<Written> WriteSome(std::span<const asio::const_buffer> buffers) override {
    const auto [error, bytes] = co_await socket_.async_write_some(buffers, kAwait);
    co_return Written{error, bytes};
  }

  asio::awaitable<void> ShutdownSend() override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    co_return;
  }

  void Cancel() override {
    error_code ignored;
    socket_.cancel(ignored);
  }
  void Close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
};

class Tls final : public Transport {
 public:
  Tls(Socket socket, std::shared_ptr<asio::ssl::context> context)
      : context_(std::move(context)), stream_(std::move(socket), *context_) {}

  asio::any_io_executor executor() override { return stream_.get_executor(); }

  asio::awaitable<error_code> Handshake() override {
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kAwait);
    co_return error;
  }

  void ReadSome(asio::mutable_buffer space, std::function<void(error_code, size_t)> done) override {
    stream_.async_read_some(space, std::move(done));
  }

  asio::awaitable<Written> WriteSome(std::span<const asio::const_buffer> buffers) override {
    // A TLS stream takes the first buffer only: small ones go together into one record.
    size_t total = 0;
    for (const asio::const_buffer& buffer : buffers) total += buffer.size();
    if (buffers.size() > 1 && total <= kRecordBytes) {
      std::string record;
      record.reserve(total);
      for (const asio::const_buffer& buffer : buffers)
        record.append(static_cast<const char*>(buffer.data()), buffer.size());
      const auto [error, bytes] = co_await stream_.async_write_some(
          asio::const_buffer(record.data(), record.size()), kAwait);
      co_return Written{error, bytes};
    }
    const auto [error, bytes] = co_await stream_.async_write_some(buffers, kAwait);
    co_return Written{error, bytes};
  }

  asio::awaitable<void> ShutdownSend() override { co_await stream_.async_shutdown(kAwait); }

  void Cancel() override {
    error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }
  void Close() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  static constexpr size_t kRecordBytes = size_t{16} << 10;

  std::shared_ptr<asio::ssl::context> context_;
  asio::ssl::stream<Socket> stream_;
};

}  // namespace

std::unique_ptr<Transport> MakePlainTransport(Socket socket) {
  return std::make_unique<Plain>(std::move(socket));
}

std::unique_ptr<Transport> MakeTlsTransport(Socket socket,
                                            std::shared_ptr<asio::ssl::context> context) {
  return std::make_unique<Tls>(std::move(socket), std::move(context));
}

}  // namespace cria::server
