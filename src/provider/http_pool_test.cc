#include "provider/http_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>

#include "provider/http_testing.h"

namespace cria::provider {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<HttpPool> MakePool() {
  absl::StatusOr<std::unique_ptr<HttpPool>> pool = HttpPool::Create();
  CRIA_CHECK(pool.ok());
  return *std::move(pool);
}

HttpRequest GetOf(const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.idempotent = true;
  return request;
}

HttpRequest PostOf(const std::string& url, std::string body) {
  HttpRequest request;
  request.method = HttpRequest::Method::kPost;
  request.url = url;
  request.body = std::move(body);
  return request;
}

HttpRequest WithTimeout(HttpRequest request, milliseconds read_timeout) {
  auto settings = std::make_shared<HttpSettings>();
  settings->read_timeout = read_timeout;
  request.settings = settings;
  return request;
}

void Echo(const TestRequest& request, TestConnection& connection) {
  connection.Answer(200, request.body);
}

// Keeps what comes, and can be waited for.
class Recorder : public HttpHandler {
 public:
  void OnHead(const HttpHead& head) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    status_ = head.status;
  }
  Verdict OnBody(std::string_view bytes) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (full_) {
      ++pauses_;
      changed_.notify_all();
      return Verdict::kPause;
    }
    if (stop_) return Verdict::kStop;
    body_.append(bytes);
    changed_.notify_all();
    return Verdict::kTaken;
  }
  void OnDone(const absl::Status& status) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    outcome_ = status;
    changed_.notify_all();
  }
  absl::Status WaitUntilDone() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return done_ > 0; });
    return outcome_;
  }
  void WaitForBody(size_t bytes) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return body_.size() >= bytes; });
  }
  void WaitForPause() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return pauses_ > 0; });
  }
  void SetFull(bool full) {
    const std::lock_guard<std::mutex> lock(mutex_);
    full_ = full;
  }
  void SetStop() { stop_ = true; }
  std::string body() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return body_;
  }
  int done() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return done_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int status_ = 0, done_ = 0, pauses_ = 0;
  bool full_ = false, stop_ = false;
  std::string body_;
  absl::Status outcome_;
};

TEST(HttpPool, SendsWhatItIsGivenAndGivesWhatComes) {
  TestServer server(Echo);
  const auto pool = MakePool();
  HttpRequest request = PostOf(server.url() + "/a/b?c=d", std::string(3 << 20, 'x'));
  request.headers = {"X-One: 1", "Content-Type: application/json"};
  const absl::StatusOr<HttpResponse> response = pool->Fetch(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->head.status, 200);
  EXPECT_EQ(response->head.content_type, "application/json");
  EXPECT_EQ(response->body, request.body);
  const std::vector<TestRequest> requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/a/b?c=d");
  EXPECT_EQ(requests[0].Header("x-one"), "1");
  EXPECT_EQ(requests[0].Header("expect"), "") << "a large body must not wait for leave";
}

TEST(HttpPool, UsesConnectionsAgain) {
  TestServer server(Echo);
  const auto pool = MakePool();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool->Fetch(PostOf(server.url(), "x")).ok());
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(pool->stats().requests, 50u);
  EXPECT_EQ(pool->stats().connections, 1u);
  EXPECT_EQ(pool->stats().running, 0u);
}

TEST(HttpPool, AnErrorOfTheServerIsAnAnswer) {
  TestServer server([](const TestRequest&, TestConnection& c) { c.Answer(500, "no"); });
  const auto pool = MakePool();
  const absl::StatusOr<HttpResponse> response = pool->Fetch(GetOf(server.url()));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->head.status, 500);
  EXPECT_EQ(response->body, "no");
}

TEST(HttpPool, RedirectsAreNotFollowed) {
  TestServer server([](const TestRequest&, TestConnection& c) {
    c.Answer(302, "", "text/plain", "Location: /elsewhere\r\n");
  });
  const auto pool = MakePool();
  const absl::StatusOr<HttpResponse> response = pool->Fetch(GetOf(server.url()));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->head.status, 302);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpPool, TriesAgainWhereNobodyListens) {
  std::string url;
  {
    TestServer gone(Echo);
    url = gone.url();
  }
  const auto pool = MakePool();
  const absl::StatusOr<HttpResponse> response = pool->Fetch(PostOf(url, "x"));
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(response.status().message()), HasSubstr(url));
  EXPECT_EQ(pool->stats().tries, 2u);
}

// The first request that a connection sees breaks it.
TEST(HttpPool, OnlyIdempotentRequestsAreSentTwice) {
  std::atomic<int> seen{0};
  TestServer server([&](const TestRequest& request, TestConnection& c) {
    if (seen++ % 2 == 0) {
      c.Reset();
    } else {
      Echo(request, c);
    }
  });
  const auto pool = MakePool();
  EXPECT_EQ(pool->Fetch(PostOf(server.url(), "x")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(seen, 1);
  seen = 0;
  HttpRequest request = PostOf(server.url(), "again");
  request.idempotent = true;
  const absl::StatusOr<HttpResponse> response = pool->Fetch(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "again");
  EXPECT_EQ(seen, 2);
}

TEST(HttpPool, TriesAreCounted) {
  TestServer server([](const TestRequest&, TestConnection& c) { c.Reset(); });
  const auto pool = MakePool();
  HttpRequest request = GetOf(server.url());
  request.tries = 4;
  EXPECT_EQ(pool->Fetch(request).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST(HttpPool, ComesBackWhenTheServerSaysWhen) {
  std::atomic<int> seen{0};
  TestServer server([&](const TestRequest&, TestConnection& c) {
    if (seen++ == 0) {
      c.Answer(503, "later", "text/plain", "Retry-After: 1\r\n");
    } else {
      c.Answer(200, "now");
    }
  });
  const auto pool = MakePool();
  const absl::StatusOr<HttpResponse> response = pool->Fetch(GetOf(server.url()));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->head.status, 200);
  EXPECT_EQ(response->body, "now");
}

TEST(HttpPool, DoesNotComeBackForAPostOrAfterALongPause) {
  TestServer server([&](const TestRequest& request, TestConnection& c) {
    c.Answer(429, "later", "text/plain",
             request.method == "POST" ? "Retry-After: 1\r\n" : "Retry-After: 3600\r\n");
  });
  const auto pool = MakePool();
  absl::StatusOr<HttpResponse> response = pool->Fetch(PostOf(server.url(), "x"));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->head.status, 429);
  EXPECT_EQ(response->head.retry_after_s, 1);
  response = pool->Fetch(GetOf(server.url()));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->body, "later");
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(HttpPool, ASilentServerTimesOut) {
  TestServer server([](const TestRequest&, TestConnection& c) { c.WaitForClose(); });
  const auto pool = MakePool();
  const absl::Status silent =
      pool->Fetch(WithTimeout(GetOf(server.url()), milliseconds(50))).status();
  EXPECT_EQ(silent.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(silent.message()), HasSubstr("no byte came for 0.05 s"));
  HttpRequest request = GetOf(server.url());
  request.deadline = milliseconds(50);
  const absl::Status late = pool->Fetch(request).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(late.message()), HasSubstr("no whole answer in 0.05 s"));
}

TEST(HttpPool, ASlowServerDoesNotTimeOut) {
  TestServer server([](const TestRequest&, TestConnection& c) {
    c.StartStream();
    for (int i = 0; i < 20; ++i) {
      c.Chunk("x");
      std::this_thread::sleep_for(milliseconds(20));
    }
    c.EndStream();
  });
  const auto pool = MakePool();
  const absl::StatusOr<HttpResponse> response =
      pool->Fetch(WithTimeout(GetOf(server.url()), milliseconds(300)));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body.size(), 20u);
}

TEST(HttpPool, CancellingClosesTheConnection) {
  std::promise<bool> closed;
  TestServer server([&](const TestRequest&, TestConnection& c) {
    c.StartStream();
    c.Chunk("first");
    closed.set_value(c.WaitForClose());
    c.Close();
  });
  const auto pool = MakePool();
  const auto recorder = std::make_shared<Recorder>();
  const std::shared_ptr<HttpCall> call = pool->Start(GetOf(server.url()), recorder);
  recorder->WaitForBody(5);
  call->Cancel();
  EXPECT_EQ(recorder->WaitUntilDone().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(closed.get_future().get());
  call->Cancel();  // harmless
  EXPECT_EQ(pool->stats().running, 0u);
  EXPECT_EQ(recorder->done(), 1);
}

TEST(HttpPool, AHandlerCanStop) {
  TestServer server([](const TestRequest&, TestConnection& c) {
    c.StartStream();
    c.Chunk("x");
    c.WaitForClose();
    c.Close();
  });
  const auto pool = MakePool();
  const auto recorder = std::make_shared<Recorder>();
  recorder->SetStop();
  const auto call = pool->Start(GetOf(server.url()), recorder);
  EXPECT_EQ(recorder->WaitUntilDone().code(), absl::StatusCode::kCancelled);
}

TEST(HttpPool, APausedTransferKeepsTheServerWaiting) {
  constexpr size_t kBytes = size_t{64} << 20;  // far more than sockets hold
  std::atomic<size_t> sent{0};
  TestServer server([&](const TestRequest&, TestConnection& c) {
    c.Send(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", kBytes, "\r\n\r\n"));
    const std::string block(64 << 10, 'x');
    while (sent < kBytes && c.Send(block)) sent += block.size();
  });
  const auto pool = MakePool();
  const auto recorder = std::make_shared<Recorder>();
  recorder->SetFull(true);
  HttpRequest request = WithTimeout(GetOf(server.url()), milliseconds(50));
  const std::shared_ptr<HttpCall> call = pool->Start(request, recorder);
  recorder->WaitForPause();
  std::this_thread::sleep_for(milliseconds(200));  // longer than the read timeout
  EXPECT_LT(sent, kBytes);
  EXPECT_EQ(recorder->body(), "");
  EXPECT_EQ(recorder->done(), 0) << "who pauses hasn't timed out";
  recorder->SetFull(false);
  call->Resume();
  ASSERT_TRUE(recorder->WaitUntilDone().ok());
  EXPECT_EQ(recorder->body().size(), kBytes);
}

TEST(HttpPool, LargeAnswersAreRefused) {
  TestServer server([](const TestRequest& request, TestConnection& c) {
    if (request.target == "/headers") {
      c.Send("HTTP/1.1 200 OK\r\n");
      while (c.Send("X-More: " + std::string(1000, 'x') + "\r\n")) continue;
    } else {
      c.StartStream();
      while (c.Chunk(std::string(1000, 'x'))) continue;
    }
    c.Close();
  });
  const auto pool = MakePool();
  HttpRequest request = GetOf(server.url());
  request.max_body_bytes = 10000;
  EXPECT_EQ(pool->Fetch(request).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(pool->Fetch(GetOf(server.url() + "/headers")).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(HttpPool, RefusesWhatMustNotBeSent) {
  const auto pool = MakePool();
  for (const char* url : {"file:///etc/passwd", "", "ftp://127.0.0.1/", "not a url"})
    EXPECT_EQ(pool->Fetch(GetOf(url)).status().code(), absl::StatusCode::kInvalidArgument) << url;
  HttpRequest request = GetOf("http://127.0.0.1:1/");
  request.headers = {"Authorization: Bearer secret\r\nX-Evil: 1"};
  const absl::Status status = pool->Fetch(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Authorization"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
}

TEST(HttpPool, ATruncatedAnswerIsAnError) {
  TestServer server([](const TestRequest&, TestConnection& c) {
    c.StartStream();
    c.Chunk("half");
    c.Close();
  });
  const auto pool = MakePool();
  EXPECT_EQ(pool->Fetch(GetOf(server.url())).status().code(), absl::StatusCode::kUnavailable);
}

TEST(HttpPool, ADestroyedPoolEndsWhatRuns) {
  TestServer server([](const TestRequest&, TestConnection& c) {
    c.StartStream();
    c.WaitForClose();
  });
  auto pool = MakePool();
  const auto recorder = std::make_shared<Recorder>();
  const std::shared_ptr<HttpCall> call = pool->Start(GetOf(server.url()), recorder);
  pool.reset();
  EXPECT_EQ(recorder->WaitUntilDone().code(), absl::StatusCode::kCancelled);
  call->Resume();  // both harmless
  call->Cancel();
}

TEST(HttpPool, ManyThreadsAtOnce) {
  TestServer server(Echo);
  const auto pool = MakePool();
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string body = absl::StrCat(t, " ", i);
        const absl::StatusOr<HttpResponse> response = pool->Fetch(PostOf(server.url(), body));
        if (response.ok() && response->body == body) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 16 * 50);
  EXPECT_LE(server.connections(), 16);
}

TEST(HttpPool, NamesServersWithoutSecrets) {
  EXPECT_EQ(ServerOf("https://user:pw@host.example:8443/v1?key=1"), "https://host.example:8443");
  EXPECT_EQ(ServerOf("http://[::1]:80/"), "http://[::1]:80");
  EXPECT_EQ(ServerOf("file:///x"), "");
  EXPECT_EQ(ServerOf("host:80"), "");
}

}  // namespace
}  // namespace cria::provider
