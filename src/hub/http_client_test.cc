#include "hub/http_client.h"

#include <gtest/gtest.h>

namespace cria::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What transfers do is tested end to end: tests/e2e/download_test.py.

TEST(HttpClient, DelaysGrowAndEnd) {
  EXPECT_EQ(RetryDelay(1, seconds(0)), milliseconds(500));
  EXPECT_EQ(RetryDelay(2, seconds(0)), milliseconds(1000));
  EXPECT_EQ(RetryDelay(100, seconds(0)), seconds(30));
  EXPECT_EQ(RetryDelay(1, seconds(7)), seconds(7));
  EXPECT_EQ(RetryDelay(1, seconds(100000)), kMaxRetryAfter);
}

TEST(HttpClient, RedactedUrlsHoldNoSecrets) {
  EXPECT_EQ(RedactUrl("https://user:secret@host.example:8/a/b?token=secret#secret"),
            "https://host.example:8/a/b");
  EXPECT_EQ(RedactUrl("https://host.example/a"), "https://host.example/a");
  EXPECT_EQ(RedactUrl("not a url?secret").find("secret"), std::string::npos);
}

TEST(HttpClient, ResolvesReferences) {
  EXPECT_EQ(ResolveUrl("https://h/simple/p/", "../../files/x.whl").value(),
            "https://h/files/x.whl");
  EXPECT_EQ(ResolveUrl("https://h/simple/p/", "https://other/x").value(), "https://other/x");
  EXPECT_EQ(ResolveUrl("https://h/simple/p/", "/x").value(), "https://h/x");
  EXPECT_FALSE(ResolveUrl("https://h/", "http://").ok());
}

TEST(HttpClient, EncodesPaths) {
  EXPECT_EQ(EncodePath("a b/c%?#ü.x~"), "a%20b/c%25%3F%23%C3%BC.x~");
}

class Sink : public HttpSink {
  absl::Status OnHead(const HttpHead&) override { return absl::OkStatus(); }
  absl::Status OnBody(std::span<const uint8_t>) override { return absl::OkStatus(); }
  void OnDone(const HttpResult&) override {}
};

TEST(HttpClient, RefusesWhatMustNotBeSent) {
  const auto client = HttpClient::Create({});
  ASSERT_TRUE(client.ok()) << client.status();
  Sink sink;
  const auto start = [&](const std::string& url, const std::string& token) {
    HttpRequest request;
    request.url = url;
    request.bearer_token = token;
    const absl::Status status = (*client)->Start(request, &sink);
    (*client)->CancelAll();
    return status.code();
  };
  EXPECT_EQ(start("file:///etc/passwd", ""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(start("ftp://h/x", ""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(start("", ""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(start("http://h.example/x", "token"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(start("https://127.0.0.1:9/x", "tok\r\nen"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(start("https://127.0.0.1:9/x", "token"), absl::StatusCode::kOk);
  EXPECT_EQ(start("http://127.0.0.1:9/x", "token"), absl::StatusCode::kOk);
}

}  // namespace
}  // namespace cria::hub
