#include "server/connection.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/check.h"
#include "server/errors.h"
#include "server/http_exchange.h"
#include "server/response_head.h"

namespace cria::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kSmallRead = 1024;                 // a usual request's headers
constexpr size_t kMaxPipelined = size_t{16} << 10;  // waits in the buffer; more waits in the kernel
constexpr size_t kMaxLinger = size_t{1} << 20;

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, ConnectionContext* context,
                       std::string peer)
    : transport_(std::move(transport)),
      context_(context),
      peer_(std::move(peer)),
      alarm_(transport_->executor()),
      read_done_(transport_->executor()),
      write_done_(transport_->executor()) {}

asio::awaitable<void> Connection::Run() {
  alarm_.Set(limits().handshake_time, [this] { Close(); });
  const error_code error = co_await transport_->Handshake();
  alarm_.Clear();
  if (error) broken_ = true;
  while (!broken_ && co_await ServeOne()) {
  }
  if (!gone()) co_await Linger();
  Close();
  while (reading_) co_await read_done_.Wait();  // its completion still needs this object
}

asio::awaitable<bool> Connection::ServeOne() {
  RequestParser parser(limits());
  absl::StatusOr<bool> head = co_await ReadHead(parser);
  if (!head.ok()) {
    co_await Refuse(head.status());
    co_return false;
  }
  if (!*head) co_return false;
  HttpExchange exchange(this, &parser);
  co_await context_->service->Serve(exchange);
  co_return co_await exchange.Finish();
}

// True: `parser` has the head. False: no request comes. An error: what came is none.
asio::awaitable<absl::StatusOr<bool>> Connection::ReadHead(RequestParser& parser) {
  SetReadDeadline(first_ ? limits().header_time : limits().idle_time);
  first_ = false;
  idle_ = true;
  while (true) {  // an empty line before the request is forgiven (RFC 9112, section 2.2)
    while (buffer_.bytes().starts_with('\r') || buffer_.bytes().starts_with('\n')) buffer_.Take(1);
    if (!buffer_.bytes().empty()) break;
    if (context_->draining || !co_await Fill(kSmallRead)) co_return false;
  }
  idle_ = false;
  SetReadDeadline(limits().header_time);
  while (true) {
    const absl::StatusOr<size_t> taken = parser.TakeHead(buffer_.bytes());
    if (!taken.ok()) co_return taken.status();
    buffer_.Take(*taken);
    if (parser.head_done()) break;
    if (co_await Fill(kSmallRead)) continue;
    if (!timed_out_) co_return false;
    co_return HttpError(408, "the request's headers didn't come in time");
  }
  ClearDeadline();
  co_return true;
}

asio::awaitable<void> Connection::Refuse(absl::Status status) {
  const Reply reply = ErrorReply(status);
  context_->service->Refused(reply.status);
  ResponseHead head;
  head.status = reply.status;
  head.content_type = reply.content_type;
  head.content_length = reply.body.size();
  head.keep_alive = false;
  head.headers = &reply.headers;
  const std::string text = Serialize(head) + reply.body;
  const std::array<asio::const_buffer, 1> buffers{asio::buffer(text)};
  co_await Write(buffers);
}

// A socket that is closed while bytes of the client wait in it is reset, and the reset may overtake
// our answer. So take them for a while.
asio::awaitable<void> Connection::Linger() {
  Unwatch();
  timed_out_ = false;
  alarm_.Set(limits().linger_time, [this] { Close(); });
  co_await transport_->ShutdownSend();
  for (size_t total = 0; total < kMaxLinger;) {
    total += buffer_.bytes().size();
    buffer_.Take(buffer_.bytes().size());
    if (!co_await Fill(kSmallRead)) break;
  }
  alarm_.Clear();
}

void Connection::BeginDrain() {
  if (idle_) transport_->Cancel();
}

void Connection::Close() {
  broken_ = true;
  transport_->Close();
}

asio::awaitable<bool> Connection::Fill(size_t room) {
  const size_t before = buffer_.bytes().size();
  if (!reading_ && !gone() && !timed_out_) StartRead(room);
  while (reading_) co_await read_done_.Wait();
  co_return buffer_.bytes().size() > before;
}

void Connection::SetReadDeadline(std::chrono::milliseconds delay) {
  timed_out_ = false;
  alarm_.Set(delay, [this] {
    timed_out_ = true;
    transport_->Cancel();
  });
}

void Connection::ClearDeadline() { alarm_.Clear(); }

void Connection::StartRead(size_t room) {
  reading_ = true;
  if (room <= kSmallRead) buffer_.Release(kSmallRead);  // what a body needed
  const std::span<char> space = buffer_.Prepare(room);
  transport_->ReadSome(asio::mutable_buffer(space.data(), space.size()),
                       [this](error_code error, size_t bytes) { OnRead(error, bytes); });
}

void Connection::OnRead(error_code error, size_t bytes) {
  const auto self = shared_from_this();  // what is woken below may be the last to use it
  reading_ = false;
  buffer_.Commit(bytes);
  if (error == asio::error::eof) {
    gone_ = true;
  } else if (error && error != asio::error::operation_aborted) {
    gone_ = broken_ = true;
  }
  if (gone()) {
    NoteGone();
  } else if (!error && watching_ && buffer_.bytes().size() < kMaxPipelined) {
    StartRead(kSmallRead);
    return;
  }
  read_done_.Notify();
}

void Connection::NoteGone() {
  if (const auto on_gone = std::exchange(on_gone_, nullptr)) on_gone();
}

void Connection::Watch(std::function<void()> on_gone) {
  on_gone_ = std::move(on_gone);
  if (gone()) return NoteGone();
  watching_ = true;
  if (!reading_ && buffer_.bytes().size() < kMaxPipelined) StartRead(kSmallRead);
}

void Connection::Unwatch() {
  on_gone_ = nullptr;
  watching_ = false;
}

asio::awaitable<bool> Connection::Write(std::span<const asio::const_buffer> buffers) {
  co_await WriteDone();
  writing_ = true;
  co_await Push(buffers);
  writing_ = false;
  if (filler_.empty() || broken_) {
    alarm_.Clear();
  } else {
    alarm_.Set(limits().keep_alive_comment_time, [this] { SendFiller(); });
  }
  write_done_.Notify();
  co_return !broken_;
}

asio::awaitable<void> Connection::WriteDone() {
  while (writing_) co_await write_done_.Wait();
}

asio::awaitable<void> Connection::Push(std::span<const asio::const_buffer> given) {
  constexpr size_t kMostBuffers = 4;
  CRIA_CHECK_LE(given.size(), kMostBuffers);
  std::array<asio::const_buffer, kMostBuffers> buffers;
  std::copy(given.begin(), given.end(), buffers.begin());
  std::span<asio::const_buffer> rest(buffers.data(), given.size());
  while (!broken_) {
    while (!rest.empty() && rest.front().size() == 0) rest = rest.subspan(1);
    if (rest.empty()) break;
    alarm_.Set(limits().write_stall_time, [this] { Close(); });
    const Transport::Written written = co_await transport_->WriteSome(rest);
    if (written.error) broken_ = true;
    size_t sent = written.bytes;
    for (asio::const_buffer& buffer : rest) {
      const size_t part = std::min(sent, buffer.size());
      buffer += part;
      sent -= part;
    }
  }
  if (broken_) NoteGone();
}

void Connection::SendFiller() {
  if (writing_ || gone() || filler_.empty()) return;
  asio::co_spawn(
      executor(),
      [self = shared_from_this()]() -> asio::awaitable<void> {
        const std::array<asio::const_buffer, 1> buffers{
            asio::const_buffer(self->filler_.data(), self->filler_.size())};
        co_await self->Write(buffers);
      },
      asio::detached);
}

}  // namespace cria::server
