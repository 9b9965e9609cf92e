#include "server/http_exchange.h"

#include <array>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "server/errors.h"
#include "server/response_head.h"
#include "server/sse.h"

namespace cria::server {
namespace {

namespace asio = boost::asio;

constexpr size_t kBodyRead = size_t{64} << 10;
// An unread body up to this is read after the answer, so that the connection can be used again.
constexpr uint64_t kMaxDiscard = size_t{64} << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kFiller = ": keep-alive\n\n";
constexpr std::string_view kChunkedFiller = "e\r\n: keep-alive\n\n\r\n";
static_assert(kFiller.size() == 0xe);
constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

HttpExchange::HttpExchange(Connection* connection, RequestParser* parser)
    : connection_(connection), parser_(parser) {
  parser_->request().peer = connection->peer();
  without_body_ = request().method == "HEAD";
  body_read_ = parser_->body_done();
  if (body_read_) connection_->Watch([this] { ClientGone(); });
}

HttpExchange::~HttpExchange() { connection_->context().body_bytes -= counted_body_; }

void HttpExchange::ClientGone() {
  if (const auto on_gone = std::exchange(on_gone_, nullptr)) on_gone();
}

void HttpExchange::OnDisconnect(std::function<void()> on_gone) {
  on_gone_ = std::move(on_gone);
  if (disconnected()) ClientGone();
}

bool HttpExchange::disconnected() const { return expired_ || connection_->gone(); }

void HttpExchange::SetDeadline(std::chrono::milliseconds delay) {
  if (deadline_ == nullptr) deadline_ = std::make_unique<Alarm>(connection_->executor());
  deadline_->Set(delay, [this] {
    expired_ = true;
    ClientGone();
  });
}

// --- The body ---

asio::awaitable<absl::Status> HttpExchange::ReadBody(size_t max_bytes) {
  if (body_read_) co_return absl::OkStatus();
  body_lost_ = true;  // until it is there: who fails in the middle doesn't find its end
  absl::Status status = parser_->StartBody(max_bytes, connection_->limits().max_decompressed_bytes);
  if (!status.ok()) co_return status;
  if (parser_->expects_continue() && connection_->buffer().bytes().empty()) {
    co_await WriteParts(kContinue, "", "");
    bytes_sent_ = 0;
  }
  status = co_await TakeBody();
  connection_->ClearDeadline();
  if (!status.ok()) co_return status;
  body_read_ = true;
  body_lost_ = false;
  connection_->Watch([this] { ClientGone(); });
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> HttpExchange::TakeBody() {
  const Limits& limits = connection_->limits();
  ReadBuffer& buffer = connection_->buffer();
  const auto start = std::chrono::steady_clock::now();
  size_t received = 0;
  while (!parser_->body_done()) {
    const absl::StatusOr<size_t> taken = parser_->TakeBody(buffer.bytes());
    if (!taken.ok()) co_return taken.status();
    buffer.Take(*taken);
    received += *taken;
    const absl::Status counted = CountBody();
    if (!counted.ok()) co_return counted;
    if (parser_->body_done()) break;
    if (*taken > 0 && !buffer.bytes().empty()) continue;
    if (buffer.bytes().size() >= kBodyRead)
      co_return HttpError(400, "malformed HTTP request: a chunk's first line is too long");
    const auto allowed =
        limits.body_time + std::chrono::milliseconds(received * 1000 / limits.min_body_rate);
    const auto spent = std::chrono::steady_clock::now() - start;
    connection_->SetReadDeadline(std::chrono::ceil<std::chrono::milliseconds>(allowed - spent));
    if (co_await connection_->Fill(kBodyRead)) continue;
    if (!connection_->timed_out()) co_return absl::CancelledError("the client is gone");
    co_return HttpError(408, "the request's body didn't come in time");
  }
  co_return absl::OkStatus();
}

// All bodies together have a limit, too.
absl::Status HttpExchange::CountBody() {
  const size_t more = request().body.size() - counted_body_;
  counted_body_ += more;
  const size_t before = connection_->context().body_bytes.fetch_add(more);
  if (more == 0 || before + more <= connection_->limits().max_total_body_bytes)
    return absl::OkStatus();
  return absl::UnavailableError(
      "the server has too many large requests in memory; try again later");
}

// Only where the client doesn't wait for permission to send it.
bool HttpExchange::CanDiscard() const {
  return !body_lost_ && !parser_->expects_continue() &&
         parser_->content_length().value_or(UINT64_MAX) <= kMaxDiscard;
}

asio::awaitable<bool> HttpExchange::Discard() {
  parser_->SkipBody();
  const absl::Status status = co_await TakeBody();
  connection_->ClearDeadline();
  co_return status.ok();
}

// --- The answer ---

bool HttpExchange::KeepAlive() const {
  return parser_->keep_alive() && !connection_->context().draining && !connection_->gone() &&
         (body_read_ || CanDiscard());
}

std::string HttpExchange::Head(int status, std::string_view content_type,
                               std::optional<uint64_t> length, Headers headers) {
  if (on_head_) std::exchange(on_head_, nullptr)(status, &headers);
  chunked_ = !length.has_value() && !parser_->is_http_1_0() && !without_body_;
  keep_alive_ = KeepAlive() && (length.has_value() || !parser_->is_http_1_0());
  ResponseHead head;
  head.status = status;
  head.content_type = content_type;
  if (status != 204 && status != 304) head.content_length = length;
  head.chunked = chunked_;
  head.keep_alive = keep_alive_;
  head.is_http_1_0 = parser_->is_http_1_0();
  head.headers = &headers;
  return Serialize(head);
}

asio::awaitable<bool> HttpExchange::WriteParts(std::string_view first, std::string_view second,
                                               std::string_view third) {
  const std::array<asio::const_buffer, 3> buffers{asio::buffer(first), asio::buffer(second),
                                                  asio::buffer(third)};
  bytes_sent_ += first.size() + second.size() + third.size();
  co_return co_await connection_->Write(buffers);
}

asio::awaitable<void> HttpExchange::Send(Reply reply) {
  CRIA_CHECK(!answered_);
  answered_ = true;
  if (reply.status == 204 || reply.status == 304) without_body_ = true;
  const std::string head = Head(reply.status, reply.body.empty() ? "" : reply.content_type,
                                reply.body.size(), std::move(reply.headers));
  if (without_body_) reply.body.clear();
  complete_ = co_await WriteParts(head, reply.body, "");
}

asio::awaitable<void> HttpExchange::StartStream(std::string content_type,
                                                bool keep_alive_comments) {
  CRIA_CHECK(!answered_);
  answered_ = streaming_ = true;
  Headers headers;
  if (content_type == kEventStream) {
    headers.emplace_back("Cache-Control", "no-cache");
    headers.emplace_back("X-Accel-Buffering", "no");  // nginx would hold events back
  }
  const std::string head = Head(200, content_type, std::nullopt, std::move(headers));
  if (keep_alive_comments && !without_body_)
    connection_->SetFiller(chunked_ ? kChunkedFiller : kFiller);
  co_await WriteParts(head, "", "");
}

asio::awaitable<absl::Status> HttpExchange::Write(std::string bytes) {
  CRIA_CHECK(streaming_);
  if (expired_) co_return absl::DeadlineExceededError("the request took too long");
  if (connection_->gone()) co_return absl::CancelledError("the client is gone");
  if (bytes.empty() || without_body_) co_return absl::OkStatus();
  bool written;
  if (chunked_) {
    const std::string size = absl::StrFormat("%x\r\n", bytes.size());
    written = co_await WriteParts(size, bytes, "\r\n");
  } else {
    written = co_await WriteParts(bytes, "", "");
  }
  if (written) co_return absl::OkStatus();
  co_return absl::CancelledError("the client is gone, or took nothing for too long");
}

asio::awaitable<void> HttpExchange::FinishStream() {
  CRIA_CHECK(streaming_);
  streaming_ = false;
  connection_->SetFiller("");
  complete_ = co_await WriteParts(chunked_ ? kLastChunk : "", "", "");
}

asio::awaitable<bool> HttpExchange::Finish() {
  connection_->SetFiller("");
  connection_->Unwatch();
  on_gone_ = nullptr;
  deadline_ = nullptr;
  co_await connection_->WriteDone();
  if (!complete_ || connection_->broken()) {
    if (answered_) connection_->Close();  // the client shall see that something is missing
    co_return false;
  }
  if (!keep_alive_) co_return false;
  co_return body_read_ || co_await Discard();
}

}  // namespace cria::server
