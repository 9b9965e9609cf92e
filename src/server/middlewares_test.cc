// The standard middlewares, through a server.
#include "server/middlewares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <mutex>
#include <sstream>

#include "server/errors.h"
#include "server/server_testing.h"
#include "server/wakeup.h"

namespace cria::server {
namespace {

namespace asio = boost::asio;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class MiddlewaresTest : public testing::Test {
 protected:
  void Start() {
    server_.Add("GET", "/hello/{name}", [](Exchange& exchange) -> asio::awaitable<void> {
      Reply reply;
      const std::string* trace = exchange.request().Header("traceparent");
      reply.body = trace == nullptr ? "" : *trace;
      co_await exchange.Send(std::move(reply));
    });
    auto list = StandardMiddlewares(options_);
    ASSERT_TRUE(list.ok()) << list.status();
    server_.middlewares = *std::move(list);
    server_.Start();
  }
  RawClient::Answer Ask(std::string_view text) {
    RawClient client(server_.port());
    client.Send(text);
    return client.ReadAnswer();
  }

  MiddlewareOptions options_;
  Metrics metrics_;
  TestServer server_;
};

TEST_F(MiddlewaresTest, RequestIdsComeBackOrAreMade) {
  Start();
  EXPECT_TRUE(Ask(Get("/hello/x", "X-Request-Id: abc-1\r\n")).Has("\r\nX-Request-Id: abc-1\r\n"));
  EXPECT_THAT(Ask(Get("/hello/x", "X-Request-Id: a b\r\n")).head,
              ContainsRegex("X-Request-Id: req_[0-9a-f]+\r\n"));
  EXPECT_THAT(Ask(Get("/nothing")).head, ContainsRegex("X-Request-Id: req_[0-9a-f]+\r\n"));
}

TEST_F(MiddlewaresTest, TheAccessLogHasALineForEveryAnswer) {
  std::ostringstream out;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
  options_.access_log = std::make_shared<spdlog::logger>("access", sink);
  options_.access_log->set_pattern("%v");
  Start();
  RawClient client(server_.port());
  client.Send(Get("/hello/x?key=secret", "X-Request-Id: abc\r\n"));
  client.ReadAnswer();
  client.Send("nonsense\r\n\r\n");
  client.ReadAnswer();
  server_.server.reset();
  std::istringstream lines(out.str());
  std::string first, second;
  std::getline(lines, first);
  std::getline(lines, second);
  const auto line = base::ParseJson(first, "line");
  ASSERT_TRUE(line.ok()) << first;
  const base::json::object& object = line->get_object();
  EXPECT_EQ(object.at("id"), "abc");
  EXPECT_EQ(object.at("method"), "GET");
  EXPECT_EQ(object.at("path"), "/hello/x");
  EXPECT_EQ(object.at("route"), "/hello/{name}");
  EXPECT_EQ(object.at("status"), 200);
  EXPECT_EQ(object.at("complete"), true);
  EXPECT_THAT(first, Not(HasSubstr("secret")));
  EXPECT_EQ(second, R"({"status":400,"malformed":true})");
}

TEST_F(MiddlewaresTest, MetricsCountByRoute) {
  options_.metrics = &metrics_;
  server_.Add("GET", "/metrics", MetricsHandler(&metrics_));
  Start();
  RawClient client(server_.port());
  for (const char* path : {"/hello/a", "/hello/b", "/nothing"}) {
    client.Send(Get(path));
    client.ReadAnswer();
  }
  client.Send("INVENTED /hello/a HTTP/1.1\r\nHost: x\r\n\r\n");
  client.ReadAnswer();
  client.Send(Get("/metrics"));
  const RawClient::Answer answer = client.ReadAnswer();
  EXPECT_TRUE(answer.Has("Content-Type: text/plain; version=0.0.4"));
  for (const char* line :
       {"cria_http_requests_total{method=\"GET\",route=\"/hello/{name}\",status=\"200\"} 2\n",
        "cria_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1\n",
        "cria_http_requests_total{method=\"other\",route=\"none\",status=\"405\"} 1\n",
        "cria_http_request_duration_seconds_count{method=\"GET\",route=\"/hello/{name}\"} 2\n",
        "cria_http_requests_in_flight 1\n"})
    EXPECT_THAT(answer.body, HasSubstr(line));
  EXPECT_THAT(answer.body, Not(HasSubstr("/hello/a")));
}

TEST_F(MiddlewaresTest, ASpanIsAPartOfTheTraceThatCame) {
  Start();
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  const std::string handed_on =
      Ask(Get("/hello/x", "traceparent: 00-" + trace + "-b7ad6b7169203331-01\r\n")).body;
  EXPECT_THAT(handed_on, testing::StartsWith("00-" + trace + "-"));
  EXPECT_THAT(handed_on, Not(HasSubstr("b7ad6b7169203331")));
  EXPECT_THAT(Ask(Get("/hello/x", "traceparent: rubbish\r\n")).body,
              testing::MatchesRegex("00-[0-9a-f]+-[0-9a-f]+-00"));
}

TEST_F(MiddlewaresTest, SpansReachTheCollector) {
  TestServer collector;
  std::mutex mutex;
  std::condition_variable changed;
  std::string received;
  collector.Add("POST", "/v1/traces", [&](Exchange& exchange) -> asio::awaitable<void> {
    {
      const std::lock_guard lock(mutex);
      received = exchange.request().body;
      changed.notify_all();
    }
    co_await exchange.Send(Reply());
  });
  collector.Start();
  OtlpOptions otlp;
  otlp.endpoint = "http://127.0.0.1:" + std::to_string(collector.port()) + "/";
  otlp.interval = std::chrono::milliseconds(10);
  OtlpExporter exporter(otlp);
  options_.traces = &exporter;
  Start();
  Ask(Get("/hello/x", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"));
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return !received.empty(); }));
  EXPECT_THAT(received, HasSubstr(R"("traceId":"0af7651916cd43dd8448eb211c80319c")"));
  EXPECT_THAT(received, HasSubstr(R"("parentSpanId":"b7ad6b7169203331")"));
  EXPECT_THAT(received, HasSubstr(R"("name":"GET /hello/{name}")"));
  server_.server.reset();
}

TEST(OtlpExporterTest, DropsWhatDoesNotFitOrIsNotTaken) {
  OtlpOptions options;
  options.endpoint = "http://127.0.0.1:1";  // nobody listens
  options.max_queue = 2;
  options.interval = std::chrono::hours(1);
  OtlpExporter exporter(options);
  for (int i = 0; i < 5; ++i) exporter.Add(Span());
  EXPECT_EQ(exporter.dropped(), 3u);
}

TEST_F(MiddlewaresTest, CorsOfLocalPages) {
  options_.cors = LocalCors();
  Start();
  const RawClient::Answer answer = Ask(Get("/hello/x", "Origin: http://localhost:3000\r\n"));
  EXPECT_TRUE(answer.Has("\r\nAccess-Control-Allow-Origin: http://localhost:3000\r\n"));
  EXPECT_TRUE(answer.Has("\r\nVary: Origin\r\n"));
  for (const char* origin : {"http://evil.example", "http://localhost:3000.evil.example",
                             "http://localhost.evil.example", "null"})
    EXPECT_FALSE(Ask(Get("/hello/x", std::string("Origin: ") + origin + "\r\n"))
                     .Has("Access-Control-Allow-Origin"))
        << origin;
  const std::string preflight =
      "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: authorization\r\nOrigin: ";
  const RawClient::Answer allowed = Ask(preflight + "http://127.0.0.1:3000\r\n\r\n");
  EXPECT_EQ(allowed.status, 204);
  EXPECT_TRUE(allowed.Has("\r\nAccess-Control-Allow-Headers: authorization\r\n"));
  EXPECT_THAT(allowed.head, ContainsRegex("Access-Control-Allow-Methods: .*POST"));
  EXPECT_TRUE(allowed.Has("\r\nAccess-Control-Max-Age: 600\r\n"));
  EXPECT_EQ(Ask(preflight + "http://evil.example\r\n\r\n").status, 403);
}

TEST_F(MiddlewaresTest, CorsForAllAndWithCredentials) {
  options_.cors.emplace();
  options_.cors->allow_origins = {"*"};
  options_.cors->expose_headers = {"X-Request-Id"};
  Start();
  const RawClient::Answer answer = Ask(Get("/hello/x", "Origin: http://a.example\r\n"));
  EXPECT_TRUE(answer.Has("\r\nAccess-Control-Allow-Origin: *\r\n"));
  EXPECT_TRUE(answer.Has("\r\nAccess-Control-Expose-Headers: X-Request-Id\r\n"));
  MiddlewareOptions with_credentials = options_;
  with_credentials.cors->allow_credentials = true;
  TestServer other;
  other.middlewares = *StandardMiddlewares(with_credentials);
  other.Start();
  RawClient client(other.port());
  client.Send(Get("/nothing", "Origin: http://a.example\r\n"));
  EXPECT_TRUE(client.ReadAnswer().Has("\r\nAccess-Control-Allow-Origin: http://a.example\r\n"));
  with_credentials.cors->allow_origin_regex = "(";
  EXPECT_TRUE(absl::IsInvalidArgument(StandardMiddlewares(with_credentials).status()));
}

TEST_F(MiddlewaresTest, AQuotaRefusesBeforeTheHandler) {
  options_.quota = [](const Request&) -> asio::awaitable<absl::Status> {
    co_return absl::ResourceExhaustedError("Quota exceeded");
  };
  Start();
  const RawClient::Answer answer = Ask(Get("/hello/x"));
  EXPECT_EQ(answer.status, 429);
  EXPECT_TRUE(answer.Has("Retry-After"));
  EXPECT_THAT(answer.body, HasSubstr(R"("message":"Quota exceeded")"));
}

TEST_F(MiddlewaresTest, AHandlerThatTakesTooLongIsToldAndTheClientToo) {
  options_.request_time = std::chrono::milliseconds(50);
  server_.Add("GET", "/wait", [](Exchange& exchange) -> asio::awaitable<void> {
    Wakeup wakeup(co_await asio::this_coro::executor);
    exchange.OnDisconnect([&] { wakeup.Notify(); });
    co_await wakeup.Wait();
    EXPECT_TRUE(exchange.disconnected());
  });
  Start();
  RawClient client(server_.port());
  client.Send(Get("/wait"));
  EXPECT_EQ(client.ReadAnswer().status, 504);
  client.Send(Get("/hello/x"));
  EXPECT_EQ(client.ReadAnswer().status, 200);
}

}  // namespace
}  // namespace cria::server
