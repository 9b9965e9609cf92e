// The transport as clients see it: raw bytes over real sockets.
#include "server/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "server/server_testing.h"
#include "server/sse.h"
#include "server/wakeup.h"

namespace cria::server {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

constexpr milliseconds kShort{100};
constexpr milliseconds kLong{600'000};  // never, in a test

// Something that a test waits for: set once, by any thread.
class Flag {
 public:
  void Set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

asio::awaitable<void> Echo(Exchange& exchange) {
  Reply reply;
  reply.body = exchange.request().body;
  reply.content_type = "text/plain";
  co_await exchange.Send(std::move(reply));
}

asio::awaitable<void> Hello(Exchange& exchange) {
  Reply reply;
  reply.body = "hello";
  co_await exchange.Send(std::move(reply));
}

// Waits, at work, until the client is gone.
Handler WaitForDisconnect(Flag* started, Flag* gone) {
  return [started, gone](Exchange& exchange) -> asio::awaitable<void> {
    Wakeup wakeup(co_await asio::this_coro::executor);
    exchange.OnDisconnect([&] { wakeup.Notify(); });
    started->Set();
    co_await wakeup.Wait();
    if (exchange.disconnected()) gone->Set();
  };
}

class HttpServerTest : public testing::Test {
 protected:
  void Start() {
    server_.Add("GET", "/hello", Hello);
    server_.Add("POST", "/echo", Echo);
    server_.Start();
  }
  RawClient::Answer Ask(std::string_view text) {
    RawClient client(server_.port());
    client.Send(text);
    return client.ReadAnswer();
  }
  Limits& limits() { return server_.options.limits; }

  TestServer server_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  Start();
  RawClient client(server_.port());
  for (int i = 0; i < 3; ++i) {
    client.Send(Get("/hello"));
    const RawClient::Answer answer = client.ReadAnswer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_TRUE(answer.Has("\r\nContent-Type: application/json\r\n"));
    EXPECT_TRUE(answer.Has("\r\nDate: "));
    EXPECT_FALSE(answer.Has("Connection:"));
  }
}

TEST_F(HttpServerTest, ClosesWhenAskedTo) {
  Start();
  RawClient client(server_.port());
  client.Send(Get("/hello", "Connection: close\r\n"));
  EXPECT_TRUE(client.ReadAnswer().Has("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, Http10ClosesUnlessAskedNotTo) {
  Start();
  RawClient client(server_.port());
  client.Send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(client.ReadAnswer().Has("\r\nConnection: keep-alive\r\n"));
  client.Send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().body, "hello");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawClient client(server_.port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += Post("/echo", "number " + std::to_string(i)) + "\r\n";
  client.Send(all);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.ReadAnswer().body, "number " + std::to_string(i));
}

TEST_F(HttpServerTest, BytesThatComeWhileAHandlerWorksAreTheNextRequest) {
  Flag started;
  std::mutex mutex;
  std::function<void()> wake;
  server_.Add("GET", "/wait", [&](Exchange& exchange) -> asio::awaitable<void> {
    Wakeup wakeup(co_await asio::this_coro::executor);
    {
      const std::lock_guard lock(mutex);
      wake = wakeup.Remote();
    }
    started.Set();
    co_await wakeup.Wait();
    EXPECT_FALSE(exchange.disconnected());
    Reply reply;
    reply.body = "waited";
    co_await exchange.Send(std::move(reply));
  });
  Start();
  RawClient client(server_.port());
  client.Send(Get("/wait"));
  ASSERT_TRUE(started.Wait());
  const std::string large(200'000, 'x');  // more than is buffered meanwhile
  client.Send(Post("/echo", "one"));
  std::thread sender([&] { client.Send(Post("/echo", large)); });
  const std::lock_guard lock(mutex);
  wake();
  EXPECT_EQ(client.ReadAnswer().body, "waited");
  EXPECT_EQ(client.ReadAnswer().body, "one");
  EXPECT_EQ(client.ReadAnswer().body, large);
  sender.join();
}

TEST_F(HttpServerTest, ARequestMayComeByteByByte) {
  Start();
  RawClient client(server_.port());
  for (const char c : Post("/echo", "abc")) client.Send(std::string_view(&c, 1));
  EXPECT_EQ(client.ReadAnswer().body, "abc");
}

TEST_F(HttpServerTest, ChunkedBodies) {
  Start();
  RawClient client(server_.port());
  const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  client.Send(head + "3\r\nabc\r\n");
  client.Send("A;ext=1\r\n0123456789\r\n0\r\nTrailer: ignored\r\n\r\n" + Get("/hello"));
  EXPECT_EQ(client.ReadAnswer().body, "abc0123456789");
  EXPECT_EQ(client.ReadAnswer().body, "hello");
  client.Send(head + "0\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().body, "");
  client.Send(head + "zz\r\n");
  EXPECT_EQ(client.ReadAnswer().status, 400);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, MalformedRequestsGetTheErrorBody) {
  limits().max_header_bytes = 2000;
  limits().max_target_bytes = 500;
  limits().max_headers = 10;
  Start();
  std::string many;
  for (int i = 0; i < 11; ++i) many += "a: b\r\n";
  const std::pair<std::string, int> kCases[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n\r\n", 400},
      {Get("/hello", "Host: y\r\n"), 400},
      {Get("/%zz"), 400},
      {Get("/hello", "a b: c\r\n"), 400},
      {"GET /hello HTTP/1.1\nHost: x\n\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {"GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {Get("/" + std::string(600, 'a')), 414},
      {"GET /" + std::string(3000, 'a'), 414},
      {Get("/hello", "a: " + std::string(3000, 'a') + "\r\n"), 431},
      {Get("/hello", many), 431},
      {Get("/hello", "Expect: miracles\r\n"), 417},
  };
  for (const auto& [text, status] : kCases) {
    RawClient client(server_.port());
    client.Send(text);
    const RawClient::Answer answer = client.ReadAnswer();
    EXPECT_EQ(answer.status, status) << text.substr(0, 200);
    EXPECT_THAT(answer.body, StartsWith(R"({"error":{"message":)")) << text.substr(0, 200);
    EXPECT_TRUE(client.AtEnd()) << text.substr(0, 200);
  }
}

TEST_F(HttpServerTest, HeadersAreLimitedHoweverTheyArePortioned) {
  limits().max_header_bytes = 2000;
  limits().max_headers = 10'000;
  Start();
  RawClient client(server_.port());
  client.Send("GET /hello HTTP/1.1\r\n");
  for (int i = 0; i < 1000 && client.Send("a: b\r\n"); ++i)
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  EXPECT_EQ(client.ReadAnswer().status, 431);
}

TEST_F(HttpServerTest, BodiesAreLimited) {
  limits().max_body_bytes = 1000;
  server_.Add("POST", "/large", Echo, 5000);
  Start();
  const std::string body(1001, 'x');
  EXPECT_EQ(Ask(Post("/echo", body)).status, 413);
  EXPECT_EQ(Ask(Post("/echo", body.substr(1))).status, 200);
  EXPECT_EQ(Ask(Post("/large", body)).status, 200);
  EXPECT_EQ(Ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                body + "\r\n0\r\n\r\n")
                .status,
            413);
}

TEST_F(HttpServerTest, AllBodiesTogetherAreLimited) {
  limits().max_total_body_bytes = 1000;
  Start();
  RawClient too_much(server_.port());
  too_much.Send(Post("/echo", std::string(1001, 'x')));
  EXPECT_EQ(too_much.ReadAnswer().status, 503);
  EXPECT_TRUE(too_much.AtEnd());
  RawClient client(server_.port());
  for (int i = 0; i < 3; ++i) {  // what one had is given back before the next
    client.Send(Post("/echo", std::string(1000, 'x')));
    EXPECT_EQ(client.ReadAnswer().status, 200);
  }
}

TEST_F(HttpServerTest, ASmallBodyThatNobodyWantsDoesNotCostTheConnection) {
  Start();
  RawClient client(server_.port());
  client.Send(Post("/nowhere", "some bytes") + Get("/hello"));
  EXPECT_EQ(client.ReadAnswer().status, 404);
  EXPECT_EQ(client.ReadAnswer().body, "hello");
}

TEST_F(HttpServerTest, ALargeBodyThatNobodyWantsIsNotRead) {
  Start();
  RawClient client(server_.port());
  client.Send("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n");
  const RawClient::Answer answer = client.ReadAnswer();
  EXPECT_EQ(answer.status, 404);
  EXPECT_TRUE(answer.Has("Connection: close"));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, ExpectContinue) {
  limits().max_body_bytes = 1000;
  Start();
  RawClient client(server_.port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("abc");
  EXPECT_EQ(client.ReadAnswer().body, "abc");
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n");
  const RawClient::Answer refused = client.ReadAnswer();
  EXPECT_EQ(refused.status, 413);
  EXPECT_TRUE(refused.Has("Connection: close"));
}

// --- Compressed bodies ---

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

std::string Gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(HttpServerTest, CompressedBodies) {
  limits().max_body_bytes = 100'000;
  limits().max_decompressed_bytes = 1'000'000;
  Start();
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "word" + std::to_string(i);
  text.resize(200'000);
  const char* const kZstd = "Content-Encoding: zstd\r\n";
  const char* const kGzip = "Content-Encoding: GZip\r\n";
  EXPECT_EQ(Ask(Post("/echo", Zstd(text), kZstd)).body, text);
  EXPECT_EQ(Ask(Post("/echo", Gzip(text), kGzip)).body, text);
  const std::string bomb(1'000'001, 'x');
  EXPECT_EQ(Ask(Post("/echo", Zstd(bomb), kZstd)).status, 413);
  EXPECT_EQ(Ask(Post("/echo", Gzip(bomb), kGzip)).status, 413);
  for (const char* header : {kZstd, kGzip}) {
    EXPECT_EQ(Ask(Post("/echo", "not compressed", header)).status, 400);
    const std::string whole = header == kZstd ? Zstd("text") : Gzip("text");
    EXPECT_EQ(Ask(Post("/echo", whole.substr(0, whole.size() - 1), header)).status, 400);
    EXPECT_EQ(Ask(Post("/echo", "", header)).status, 200);
  }
  EXPECT_EQ(Ask(Post("/echo", Gzip("x") + "y", kGzip)).status, 400);
  EXPECT_EQ(Ask(Post("/echo", "x", "Content-Encoding: br\r\n")).status, 415);
  EXPECT_EQ(
      Ask(Post("/echo", Gzip("x"), "Content-Encoding: gzip\r\nContent-Encoding: zstd\r\n")).status,
      415);
}

// --- Time ---

TEST_F(HttpServerTest, HeadersThatDoNotComeInTime) {
  limits().header_time = kShort;
  Start();
  RawClient silent(server_.port());
  EXPECT_TRUE(silent.AtEnd());
  RawClient slow(server_.port());
  slow.Send("GET /hello HTTP/1.1\r\n");
  EXPECT_EQ(slow.ReadAnswer().status, 408);
  EXPECT_TRUE(slow.AtEnd());
}

TEST_F(HttpServerTest, ABodyThatDoesNotComeInTime) {
  limits().body_time = kShort;
  Start();
  RawClient client(server_.port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
  EXPECT_EQ(client.ReadAnswer().status, 408);
}

TEST_F(HttpServerTest, ABodyThatComesFastEnoughHasMoreTime) {
  limits().body_time = kShort;
  limits().min_body_rate = 1;
  Start();
  RawClient client(server_.port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n" +
              std::string(1000, 'x'));
  std::this_thread::sleep_for(3 * kShort);
  client.Send("x");
  EXPECT_EQ(client.ReadAnswer().status, 200);
}

TEST_F(HttpServerTest, IdleConnectionsAreClosed) {
  limits().idle_time = kShort;
  Start();
  RawClient client(server_.port());
  client.Send(Get("/hello"));
  EXPECT_EQ(client.ReadAnswer().body, "hello");
  EXPECT_TRUE(client.AtEnd());
}

// --- Streams and disconnects ---

TEST_F(HttpServerTest, StreamsAreChunked) {
  server_.Add("GET", "/stream", [](Exchange& exchange) -> asio::awaitable<void> {
    co_await exchange.StartStream(kEventStream, true);
    EXPECT_TRUE((co_await exchange.Write(DataFrame(std::string_view("{\"a\":1}")))).ok());
    EXPECT_TRUE((co_await exchange.Write("")).ok());
    EXPECT_TRUE((co_await exchange.Write(std::string(kDoneFrame))).ok());
    co_await exchange.FinishStream();
  });
  Start();
  RawClient client(server_.port());
  client.Send(Get("/stream") + Get("/hello"));
  const std::string head = client.ReadUntil("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(client.ReadUntil("\r\n0\r\n\r\n"),
            "f\r\ndata: {\"a\":1}\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().body, "hello");
  client.Send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("Connection: close"));
  EXPECT_EQ(client.ReadToEnd(), "data: {\"a\":1}\n\ndata: [DONE]\n\n");
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  server_.Add("GET", "/stream", [](Exchange& exchange) -> asio::awaitable<void> {
    co_await exchange.StartStream(kEventStream, true);
    EXPECT_TRUE((co_await exchange.Write("text")).ok());
    co_await exchange.FinishStream();
  });
  Start();
  RawClient client(server_.port());
  client.Send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n" +
              Get("/hello"));
  EXPECT_TRUE(client.ReadAnswer(/*has_body=*/false).Has("Content-Length: 5"));
  EXPECT_EQ(client.ReadAnswer().status, 200);
  EXPECT_EQ(client.ReadAnswer().body, "hello");
}

TEST_F(HttpServerTest, QuietStreamsGetComments) {
  limits().keep_alive_comment_time = kShort;
  Flag started, gone;
  server_.Add("GET", "/stream", [&](Exchange& exchange) -> asio::awaitable<void> {
    co_await exchange.StartStream(kEventStream, true);
    EXPECT_TRUE((co_await exchange.Write("data: 1\n\n")).ok());
    co_await WaitForDisconnect(&started, &gone)(exchange);
  });
  Start();
  RawClient client(server_.port());
  client.Send(Get("/stream"));
  client.ReadUntil("\r\n\r\n9\r\ndata: 1\n\n\r\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ReadUntil("\n\n\r\n"), "e\r\n: keep-alive\n\n\r\n");
  client.Close();
  EXPECT_TRUE(gone.Wait());
}

TEST_F(HttpServerTest, ADisconnectReachesTheHandler) {
  Flag started[3], gone[3];
  server_.Add("GET", "/wait/0", WaitForDisconnect(&started[0], &gone[0]));
  server_.Add("POST", "/wait/1", WaitForDisconnect(&started[1], &gone[1]));
  server_.Add("GET", "/wait/2", WaitForDisconnect(&started[2], &gone[2]));
  Start();
  RawClient closed(server_.port()), reset(server_.port()), half(server_.port());
  closed.Send(Get("/wait/0"));
  reset.Send(Post("/wait/1", "body"));
  half.Send(Get("/wait/2"));
  for (Flag& flag : started) ASSERT_TRUE(flag.Wait());
  closed.Close();
  reset.Reset();
  half.HalfClose();
  for (Flag& flag : gone) EXPECT_TRUE(flag.Wait());
}

TEST_F(HttpServerTest, AHalfClosedClientStillGetsItsAnswer) {
  Start();
  RawClient client(server_.port());
  client.Send(Get("/hello"));
  client.HalfClose();
  EXPECT_EQ(client.ReadAnswer().body, "hello");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, AWriteToAClientThatTakesNothingEnds) {
  limits().write_stall_time = kShort;
  Flag cancelled;
  server_.Add("GET", "/flood", [&](Exchange& exchange) -> asio::awaitable<void> {
    co_await exchange.StartStream(kEventStream, true);
    const std::string piece(100'000, 'x');
    absl::Status status;
    for (int i = 0; i < 1000 && status.ok(); ++i) status = co_await exchange.Write(piece);
    if (absl::IsCancelled(status)) cancelled.Set();
  });
  Start();
  RawClient client(server_.port(), /*receive_buffer=*/4096);
  client.Send(Get("/flood"));
  EXPECT_TRUE(cancelled.Wait());
}

TEST_F(HttpServerTest, ASlowClientGetsEverything) {
  limits().write_stall_time = kLong;
  std::string sent;
  for (int i = 0; sent.size() < 3'000'000; ++i) sent += std::to_string(i);
  server_.Add("GET", "/all", [&](Exchange& exchange) -> asio::awaitable<void> {
    Reply reply;
    reply.body = sent;
    co_await exchange.Send(std::move(reply));
  });
  Start();
  RawClient client(server_.port(), /*receive_buffer=*/4096);
  client.Send(Get("/all"));
  std::this_thread::sleep_for(kShort);
  EXPECT_TRUE(client.ReadAnswer().body == sent);
}

// --- Handlers that fail ---

TEST_F(HttpServerTest, HandlersThatThrowOrDoNotAnswer) {
  std::mutex mutex;
  std::vector<std::string> bugs;
  server_.on_bug = [&](const Request&, const absl::Status& status) {
    const std::lock_guard lock(mutex);
    bugs.emplace_back(status.message());
  };
  server_.Add("GET", "/throws", [](Exchange&) -> asio::awaitable<void> {
    throw std::runtime_error("secret");
    co_return;
  });
  server_.Add("GET", "/silent", [](Exchange&) -> asio::awaitable<void> { co_return; });
  server_.Add("GET", "/breaks", [](Exchange& exchange) -> asio::awaitable<void> {
    co_await exchange.StartStream("text/plain", false);
    co_await exchange.Write("part");
    throw std::runtime_error("secret");
  });
  Start();
  RawClient client(server_.port());
  for (const char* path : {"/throws", "/silent"}) {
    client.Send(Get(path));
    const RawClient::Answer answer = client.ReadAnswer();
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, HasSubstr("Internal server error"));
    EXPECT_THAT(answer.body, testing::Not(HasSubstr("secret")));
  }
  client.Send(Get("/breaks"));
  EXPECT_THAT(client.ReadToEnd(), testing::EndsWith("4\r\npart\r\n"));  // no last chunk
  const std::lock_guard lock(mutex);
  EXPECT_THAT(bugs, testing::ElementsAre("the handler threw: secret", "the handler gave no answer",
                                         "the handler threw: secret"));
}

TEST_F(HttpServerTest, NoRoute) {
  Start();
  EXPECT_EQ(Ask(Get("/nothing")).status, 404);
  const RawClient::Answer wrong = Ask(Get("/echo"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_TRUE(wrong.Has("\r\nAllow: OPTIONS, POST\r\n"));
  const RawClient::Answer options = Ask("OPTIONS /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_TRUE(options.Has("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
}

// --- Connections and the end ---

TEST_F(HttpServerTest, TooManyConnectionsAreRefused) {
  limits().max_connections = 2;
  Start();
  RawClient first(server_.port()), second(server_.port());
  for (RawClient* client : {&first, &second}) {
    client->Send(Get("/hello"));
    EXPECT_EQ(client->ReadAnswer().status, 200);
  }
  RawClient third(server_.port());
  EXPECT_EQ(third.ReadAnswer().status, 503);
  EXPECT_EQ(server_.server->refused_connections(), 1u);
}

TEST_F(HttpServerTest, ShutdownLetsRunningRequestsFinish) {
  Flag started;
  std::function<void()> wake;
  server_.options.drain_time = kLong;
  server_.Add("GET", "/wait", [&](Exchange& exchange) -> asio::awaitable<void> {
    Wakeup wakeup(co_await asio::this_coro::executor);
    wake = wakeup.Remote();
    started.Set();
    co_await wakeup.Wait();
    co_await Hello(exchange);
  });
  Start();
  RawClient idle(server_.port()), busy(server_.port());
  idle.Send(Get("/hello"));
  EXPECT_EQ(idle.ReadAnswer().status, 200);
  busy.Send(Get("/wait"));
  ASSERT_TRUE(started.Wait());
  std::thread shutdown([&] { server_.server->Shutdown(); });
  EXPECT_TRUE(idle.AtEnd());
  wake();
  const RawClient::Answer answer = busy.ReadAnswer();
  EXPECT_EQ(answer.body, "hello");
  EXPECT_TRUE(answer.Has("Connection: close"));
  EXPECT_TRUE(busy.AtEnd());
  busy.Close();
  shutdown.join();
  EXPECT_EQ(server_.server->connections(), 0u);
}

TEST_F(HttpServerTest, ShutdownCancelsAndThenBreaksOff) {
  Flag started, gone, cancelled;
  server_.options.drain_time = kShort;
  server_.options.cancel_time = kShort;
  server_.options.cancel = [&] { cancelled.Set(); };
  server_.Add("GET", "/wait", WaitForDisconnect(&started, &gone));
  Start();
  RawClient client(server_.port());
  client.Send(Get("/wait"));
  ASSERT_TRUE(started.Wait());
  server_.server->Shutdown();
  EXPECT_TRUE(cancelled.Wait());
  EXPECT_TRUE(gone.Wait());
  EXPECT_EQ(server_.server->connections(), 0u);
}

TEST_F(HttpServerTest, AbortEndsAShutdownThatWaits) {
  Flag started, gone;
  server_.options.drain_time = kLong;
  server_.Add("GET", "/wait", WaitForDisconnect(&started, &gone));
  Start();
  RawClient client(server_.port());
  client.Send(Get("/wait"));
  ASSERT_TRUE(started.Wait());
  std::thread shutdown([&] { server_.server->Shutdown(); });
  server_.server->Abort();
  EXPECT_TRUE(gone.Wait());
  shutdown.join();
}

TEST_F(HttpServerTest, APortThatIsTakenIsSaid) {
  Start();
  ServerOptions options;
  options.host = "127.0.0.1";
  options.port = server_.port();
  const auto second = HttpServer::Start(options, server_.dispatcher.get());
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
  options.host = "no.such.host.invalid";
  EXPECT_TRUE(
      absl::IsInvalidArgument(HttpServer::Start(options, server_.dispatcher.get()).status()));
}

TEST_F(HttpServerTest, ListensOnAllAddresses) {
  server_.options.host = "";
  Start();
  RawClient client(server_.port());
  client.Send(Get("/hello"));
  EXPECT_EQ(client.ReadAnswer().status, 200);
  EXPECT_EQ(server_.server->addresses().size(), 1u);
}

TEST_F(HttpServerTest, ManyClientsAtOnce) {
  Start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      RawClient client(server_.port());
      for (int i = 0; i < 200; ++i) {
        const std::string body = std::to_string(t) + ":" + std::to_string(i);
        client.Send(Post("/echo", body));
        ASSERT_EQ(client.ReadAnswer().body, body);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace cria::server
