// One client's connection: reads requests one after another and has them answered.
#ifndef CRIA_SERVER_CONNECTION_H_
#define CRIA_SERVER_CONNECTION_H_

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "server/alarm.h"
#include "server/limits.h"
#include "server/read_buffer.h"
#include "server/request_parser.h"
#include "server/service.h"
#include "server/transport.h"
#include "server/wakeup.h"

namespace cria::server {

// What all connections of a server share.
struct ConnectionContext {
  Limits limits;
  Service* service = nullptr;
  std::atomic<size_t> body_bytes{0};  // in memory, of all requests
  std::atomic<bool> draining{false};  // no request after the present one
};

// Everything runs on the strand of the transport. A read is usually under way: while a handler
// works, it is how a disconnect is noticed, and what it brings waits in the buffer.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::unique_ptr<Transport> transport, ConnectionContext* context, std::string peer);

  // Until the connection ends.
  boost::asio::awaitable<void> Run();
  boost::asio::any_io_executor executor() { return transport_->executor(); }

  void BeginDrain();  // the context is draining: ends now if nothing is being asked
  void Close();       // what is under way fails

  // --- For HttpExchange ---

  const Limits& limits() const { return context_->limits; }
  ConnectionContext& context() { return *context_; }
  const std::string& peer() const { return peer_; }
  ReadBuffer& buffer() { return buffer_; }

  // Waits for more bytes, at most until the alarm. False: there are none, because the client is
  // gone or timed_out().
  boost::asio::awaitable<bool> Fill(size_t room);
  void SetReadDeadline(std::chrono::milliseconds delay);
  void ClearDeadline();
  bool timed_out() const { return timed_out_; }

  // All of it, as fast as the client takes it. False: it took nothing for too long, or is gone.
  boost::asio::awaitable<bool> Write(std::span<const boost::asio::const_buffer> buffers);
  boost::asio::awaitable<void> WriteDone();  // when no write is under way
  // `text`, a literal, whenever nothing was written for so long; empty: no more.
  void SetFiller(std::string_view text) { filler_ = text; }

  // From now to Unwatch: `on_gone` is called once when the client goes.
  void Watch(std::function<void()> on_gone);
  void Unwatch();
  bool gone() const { return gone_ || broken_; }  // closed its end, at least
  bool broken() const { return broken_; }         // can't be written to

 private:
  boost::asio::awaitable<bool> ServeOne();
  boost::asio::awaitable<absl::StatusOr<bool>> ReadHead(RequestParser& parser);
  boost::asio::awaitable<void> Refuse(absl::Status status);
  boost::asio::awaitable<void> Linger();
  boost::asio::awaitable<void> Push(std::span<const boost::asio::const_buffer> buffers);
  void StartRead(size_t room);
  void OnRead(boost::system::error_code error, size_t bytes);
  void NoteGone();
  void SendFiller();

  std::unique_ptr<Transport> transport_;
  ConnectionContext* context_;
  std::string peer_;
  ReadBuffer buffer_;
  Alarm alarm_;
  Wakeup read_done_, write_done_;
  std::function<void()> on_gone_;
  std::string_view filler_;
  bool watching_ = false;
  bool reading_ = false, writing_ = false;
  bool idle_ = true;        // between two requests, or before the first
  bool first_ = true;       // no request yet
  bool timed_out_ = false;  // the read deadline passed
  bool gone_ = false, broken_ = false;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_CONNECTION_H_
