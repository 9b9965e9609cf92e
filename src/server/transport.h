// The bytes of one client: TCP, or TLS over TCP.
#ifndef CRIA_SERVER_TRANSPORT_H_
#define CRIA_SERVER_TRANSPORT_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>
#include <span>

namespace cria::server {

// One strand, that of the socket. At most one read and one write at a time.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual boost::asio::any_io_executor executor() = 0;
  virtual boost::asio::awaitable<boost::system::error_code> Handshake() = 0;

  // `done` is called, later, with what came; it and `space` live until then.
  virtual void ReadSome(boost::asio::mutable_buffer space,
                        std::function<void(boost::system::error_code, size_t)> done) = 0;

  struct Written {
    boost::system::error_code error;
    size_t bytes = 0;
  };
  virtual boost::asio::awaitable<Written> WriteSome(
      std::span<const boost::asio::const_buffer> buffers) = 0;

  // Tells the client that nothing more comes.
  virtual boost::asio::awaitable<void> ShutdownSend() = 0;
  virtual void Cancel() = 0;  // ends what is waited for, with operation_aborted
  virtual void Close() = 0;   // the same, for good
};

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::any_io_executor>;

std::unique_ptr<Transport> MakePlainTransport(Socket socket);
std::unique_ptr<Transport> MakeTlsTransport(Socket socket,
                                            std::shared_ptr<boost::asio::ssl::context> context);

}  // namespace cria::server

#endif  // CRIA_SERVER_TRANSPORT_H_
