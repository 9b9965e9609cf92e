// An HTTP/1.1 server on 127.0.0.1 for tests, whose answers are written byte by byte by the test.
#ifndef CRIA_PROVIDER_HTTP_TESTING_H_
#define CRIA_PROVIDER_HTTP_TESTING_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace cria::provider {

struct TestRequest {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  // names in lower case

  std::string Header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class TestConnection {
 public:
  explicit TestConnection(int fd) : fd_(fd) {}

  // False when the client has gone.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // A whole answer.
  bool Answer(int status, std::string_view body, std::string_view type = "application/json",
              std::string_view more_headers = "") {
    return Send(absl::StrCat("HTTP/1.1 ", status, " X\r\nContent-Type: ", std::string(type),
                             "\r\nContent-Length: ", body.size(), "\r\n", std::string(more_headers),
                             "\r\n", std::string(body)));
  }
  bool StartStream() {
    return Send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
  }
  bool Chunk(std::string_view bytes) {
    return Send(absl::StrCat(absl::Hex(bytes.size()), "\r\n", std::string(bytes), "\r\n"));
  }
  bool EndStream() { return Send("0\r\n\r\n"); }
  void Close() { closing_ = true; }
  // Resets the connection: the client sees an error, not an end.
  void Reset() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    closing_ = true;
  }
  // Until the client closes it. False when it sent something instead.
  bool WaitForClose() {
    char byte;
    return recv(fd_, &byte, 1, 0) <= 0;
  }

 private:
  friend class TestServer;
  const int fd_;
  bool closing_ = false;
};

// Each connection has a thread that calls the handler request by request.
class TestServer {
 public:
  using Handler = std::function<void(const TestRequest&, TestConnection&)>;

  explicit TestServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CRIA_CHECK_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    CRIA_CHECK_EQ(listen(listener_, 512), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~TestServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    close(listener_);
  }

  int port() const { return port_; }
  std::string url() const { return absl::StrCat("http://127.0.0.1:", port_); }
  int connections() const { return connections_; }
  std::vector<TestRequest> requests() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }

 private:
  void Accept() {
    while (true) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ++connections_;
      const std::lock_guard<std::mutex> lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    TestConnection connection(fd);
    std::string pending;
    TestRequest request;
    while (!connection.closing_ && ReadRequest(fd, &pending, &request)) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        requests_.push_back(request);
      }
      handler_(request, connection);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    std::erase(open_, fd);
    close(fd);
  }

  static bool ReadMore(int fd, std::string* pending) {
    char buffer[65536];
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got > 0) pending->append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  static bool ReadRequest(int fd, std::string* pending, TestRequest* request) {
    size_t end;
    while ((end = pending->find("\r\n\r\n")) == std::string::npos)
      if (!ReadMore(fd, pending)) return false;
    *request = ParseHead(pending->substr(0, end + 2));
    pending->erase(0, end + 4);
    const std::string length = request->Header("content-length");
    const size_t size = length.empty() ? 0 : std::stoul(length);
    while (pending->size() < size)
      if (!ReadMore(fd, pending)) return false;
    request->body = pending->substr(0, size);
    pending->erase(0, size);
    return true;
  }

  static TestRequest ParseHead(const std::string& head) {
    TestRequest request;
    size_t begin = head.find("\r\n") + 2;
    const std::string first = head.substr(0, begin - 2);
    const size_t space = first.find(' ');
    request.method = first.substr(0, space);
    request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
    while (begin < head.size()) {
      const size_t end = head.find("\r\n", begin);
      const size_t colon = head.find(':', begin);
      request.headers[absl::AsciiStrToLower(head.substr(begin, colon - begin))] =
          std::string(absl::StripAsciiWhitespace(head.substr(colon + 1, end - colon - 1)));
      begin = end + 2;
    }
    return request;
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::vector<TestRequest> requests_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_HTTP_TESTING_H_
