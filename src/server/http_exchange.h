// An exchange over HTTP/1.1: the framing of one answer.
#ifndef CRIA_SERVER_HTTP_EXCHANGE_H_
#define CRIA_SERVER_HTTP_EXCHANGE_H_

#include <memory>
#include <string>

#include "server/connection.h"

namespace cria::server {

// Lives within Connection::ServeOne, on the connection's strand.
class HttpExchange final : public ServerExchange {
 public:
  HttpExchange(Connection* connection, RequestParser* parser);
  ~HttpExchange() override;

  // After the service: true if another request may follow on the connection.
  boost::asio::awaitable<bool> Finish();

  const Request& request() const override { return parser_->request(); }
  boost::asio::awaitable<void> Send(Reply reply) override;
  boost::asio::awaitable<void> StartStream(std::string content_type,
                                           bool keep_alive_comments) override;
  boost::asio::awaitable<absl::Status> Write(std::string bytes) override;
  boost::asio::awaitable<void> FinishStream() override;
  void OnDisconnect(std::function<void()> on_gone) override;
  bool disconnected() const override;
  bool answered() const override { return answered_; }

  Request& mutable_request() override { return parser_->request(); }
  const std::string& raw_path() const override { return parser_->raw_path(); }
  boost::asio::awaitable<absl::Status> ReadBody(size_t max_bytes) override;
  void OnHead(std::function<void(int, Headers*)> edit) override { on_head_ = std::move(edit); }
  void SetDeadline(std::chrono::milliseconds delay) override;
  bool expired() const override { return expired_; }
  bool complete() const override { return complete_; }
  uint64_t bytes_sent() const override { return bytes_sent_; }

 private:
  boost::asio::awaitable<absl::Status> TakeBody();
  absl::Status CountBody();
  boost::asio::awaitable<bool> Discard();
  bool CanDiscard() const;
  bool KeepAlive() const;
  std::string Head(int status, std::string_view content_type, std::optional<uint64_t> length,
                   Headers headers);
  boost::asio::awaitable<bool> WriteParts(std::string_view first, std::string_view second,
                                          std::string_view third);
  void ClientGone();

  Connection* connection_;
  RequestParser* parser_;
  std::function<void(int, Headers*)> on_head_;
  std::function<void()> on_gone_;
  std::unique_ptr<Alarm> deadline_;
  size_t counted_body_ = 0;  // in the context's sum
  uint64_t bytes_sent_ = 0;
  bool body_read_ = false, body_lost_ = false;
  bool keep_alive_ = true;  // as the head of the answer said
  bool answered_ = false, streaming_ = false, chunked_ = false, complete_ = false;
  bool without_body_ = false;  // HEAD, 204, 304
  bool expired_ = false;
};

}  // namespace cria::server

#endif  // CRIA_SERVER_HTTP_EXCHANGE_H_
