// A server on a free port of the loopback, and a client that sends and reads raw bytes. For tests.
#ifndef CRIA_SERVER_SERVER_TESTING_H_
#define CRIA_SERVER_SERVER_TESTING_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/dispatcher.h"
#include "server/http_server.h"
#include "server/router.h"

namespace cria::server {

// A blocking TCP connection. Whatever doesn't come within ten seconds counts as never.
class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { Close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the server took no more.
  bool Send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Reads until `end` came; what was read up to its end. Everything, if the connection ends first.
  std::string ReadUntil(std::string_view end) {
    while (buffer_.find(end) == std::string::npos)
      if (!Receive()) return std::exchange(buffer_, "");
    return TakeBytes(buffer_.find(end) + end.size());
  }

  std::string ReadBytes(size_t count) {
    while (buffer_.size() < count && Receive()) {
    }
    return TakeBytes(std::min(count, buffer_.size()));
  }

  std::string ReadToEnd() {
    while (Receive()) {
    }
    return std::exchange(buffer_, "");
  }

  // True if the server closes now, without another byte.
  bool AtEnd() { return buffer_.empty() && !Receive() && !timed_out_; }

  // A whole answer with a Content-Length: its head and its body.
  struct Answer {
    int status = 0;
    std::string head, body;
    bool Has(std::string_view line) const { return head.find(line) != std::string::npos; }
  };
  Answer ReadAnswer(bool has_body = true) {
    Answer answer;
    answer.head = ReadUntil("\r\n\r\n");
    if (answer.head.size() > 12) answer.status = std::atoi(answer.head.c_str() + 9);
    const size_t at = answer.head.find("Content-Length: ");
    if (at != std::string::npos && has_body)
      answer.body = ReadBytes(std::strtoul(answer.head.c_str() + at + 16, nullptr, 10));
    return answer;
  }

  void HalfClose() { shutdown(fd_, SHUT_WR); }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  // Closes with a reset.
  void Reset() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Close();
  }

 private:
  std::string TakeBytes(size_t count) {
    std::string taken = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return taken;
  }

  bool Receive() {
    pollfd wait{fd_, POLLIN, 0};
    timed_out_ = poll(&wait, 1, 10'000) <= 0;
    if (timed_out_) return false;
    char bytes[4096];
    const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  int fd_;
  std::string buffer_;
  bool timed_out_ = false;
};

// Add routes and middlewares, then Start.
class TestServer {
 public:
  TestServer() {
    options.host = "127.0.0.1";
    options.port = 0;
  }
  ~TestServer() { server.reset(); }

  void Add(std::string method, std::string pattern, Handler handler,
           std::optional<size_t> max_body_bytes = std::nullopt) {
    router.Add({std::move(method), std::move(pattern), std::move(handler), {}, max_body_bytes});
  }

  void Start() {
    DispatcherOptions dispatching;
    dispatching.max_body_bytes = options.limits.max_body_bytes;
    dispatching.on_bug = on_bug;
    dispatcher =
        std::make_unique<Dispatcher>(&router, std::move(middlewares), std::move(dispatching));
    auto started = HttpServer::Start(options, dispatcher.get());
    ASSERT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
  }
  uint16_t port() const { return server->port(); }

  ServerOptions options;
  Router router;
  std::vector<std::unique_ptr<Middleware>> middlewares;
  std::function<void(const Request&, const absl::Status&)> on_bug;
  std::unique_ptr<Dispatcher> dispatcher;
  std::unique_ptr<HttpServer> server;
};

// "GET /path HTTP/1.1" with a Host.
inline std::string Get(std::string_view path, std::string_view headers = "") {
  std::string text = "GET ";
  return text.append(path).append(" HTTP/1.1\r\nHost: x\r\n").append(headers).append("\r\n");
}

inline std::string Post(std::string_view path, std::string_view body,
                        std::string_view headers = "") {
  std::string text = "POST ";
  text.append(path).append(" HTTP/1.1\r\nHost: x\r\n").append(headers);
  return text.append("Content-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n\r\n")
      .append(body);
}

}  // namespace cria::server

#endif  // CRIA_SERVER_SERVER_TESTING_H_
