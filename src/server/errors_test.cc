#include "server/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/sse.h"

namespace cria::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

TEST(ErrorsTest, StatusesBecomeHttpStatuses) {
  const std::pair<absl::Status, int> kCases[] = {{absl::InvalidArgumentError("x"), 400},
                                                 {absl::OutOfRangeError("x"), 400},
                                                 {absl::FailedPreconditionError("x"), 400},
                                                 {absl::UnauthenticatedError("x"), 401},
                                                 {absl::PermissionDeniedError("x"), 403},
                                                 {absl::NotFoundError("x"), 404},
                                                 {absl::AlreadyExistsError("x"), 409},
                                                 {absl::AbortedError("x"), 409},
                                                 {absl::ResourceExhaustedError("x"), 429},
                                                 {absl::CancelledError("x"), 499},
                                                 {absl::InternalError("x"), 500},
                                                 {absl::UnknownError("x"), 500},
                                                 {absl::DataLossError("x"), 500},
                                                 {absl::UnimplementedError("x"), 501},
                                                 {absl::UnavailableError("x"), 503},
                                                 {absl::DeadlineExceededError("x"), 504},
                                                 {HttpError(405, "x"), 405},
                                                 {HttpError(413, "x"), 413},
                                                 {HttpError(799, "x"), 500}};
  for (const auto& [status, http] : kCases) {
    EXPECT_EQ(HttpStatusOf(status), http) << status;
    EXPECT_EQ(ErrorReply(status).status, http) << status;
  }
}

TEST(ErrorsTest, TheBodyHasWhatOldAndNewClientsRead) {
  EXPECT_EQ(base::json::serialize(ErrorBody(absl::NotFoundError("no model 'x'"))),
            R"({"error":{"message":"no model 'x'","detail":"no model 'x'",)"
            R"("type":"not_found_error","code":"not_found","param":null}})");
}

TEST(ErrorsTest, DetailsTravelWithAStatus) {
  ErrorDetails details;
  details.code = "model_not_found";
  details.param = "model";
  details.http_status = 400;
  details.retry_after = std::chrono::seconds(7);
  const Reply reply = ErrorReply(WithDetails(absl::NotFoundError("no"), details));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr(R"("code":"model_not_found","param":"model")"));
  EXPECT_THAT(reply.headers, Contains(Pair("Retry-After", "7")));
}

TEST(ErrorsTest, WrongFieldsAreListed) {
  const absl::Status status =
      ValidationError({{{"body", "messages", 0, "role"}, "Field required", "missing"},
                       {{"body", "n"}, "must be positive", "value_error"}});
  EXPECT_EQ(
      base::json::serialize(ErrorBody(status)),
      R"({"error":{"message":"body.messages.0.role: Field required; body.n: must be positive",)"
      R"("detail":{"errors":[{"loc":["body","messages",0,"role"],"msg":"Field required",)"
      R"("type":"missing"},{"loc":["body","n"],"msg":"must be positive",)"
      R"("type":"value_error"}]},"type":"invalid_request_error","code":"invalid_value",)"
      R"("param":"messages.0.role"}})");
}

TEST(ErrorsTest, WhatWentWrongInsideIsNotTold) {
  for (const absl::Status& status : {absl::InternalError("/secret"), absl::DataLossError("/secret"),
                                     absl::UnknownError("/secret"), HttpError(500, "/secret")}) {
    EXPECT_THAT(ErrorReply(status).body, Not(HasSubstr("secret")));
    EXPECT_THAT(ErrorFrame(status), Not(HasSubstr("secret")));
    EXPECT_THAT(AnthropicErrorReply(status).body, Not(HasSubstr("secret")));
  }
}

TEST(ErrorsTest, BusyAnswersSayWhenToComeAgain) {
  for (const absl::Status& status :
       {absl::ResourceExhaustedError("x"), absl::UnavailableError("x")})
    EXPECT_THAT(ErrorReply(status).headers, Contains(Pair("Retry-After", testing::_)));
  EXPECT_THAT(ErrorReply(absl::UnauthenticatedError("x")).headers,
              Contains(Pair("WWW-Authenticate", "Bearer")));
}

TEST(ErrorsTest, BytesThatAreNoUtf8StillMakeJson) {
  const auto parsed = base::ParseJson(ErrorReply(absl::NotFoundError("\xff")).body, "body");
  EXPECT_TRUE(parsed.ok()) << parsed.status();
}

TEST(ErrorsTest, AnthropicsShape) {
  EXPECT_EQ(AnthropicErrorReply(absl::ResourceExhaustedError("full")).body,
            R"({"type":"error","error":{"type":"rate_limit_error","message":"full"}})");
  EXPECT_EQ(AnthropicErrorFrame(absl::UnavailableError("full")),
            "event: error\ndata: "
            R"({"type":"error","error":{"type":"overloaded_error","message":"full"}})"
            "\n\n");
}

TEST(SseTest, Frames) {
  EXPECT_EQ(DataFrame(base::json::object{{"a", "x\ny"}}), "data: {\"a\":\"x\\ny\"}\n\n");
  EXPECT_EQ(DataFrame(std::string_view("{\r\n}")), "data: {  }\n\n");
  EXPECT_EQ(EventFrame("ping", base::json::object{}), "event: ping\ndata: {}\n\n");
  EXPECT_EQ(CommentFrame("hi"), ": hi\n\n");
}

}  // namespace
}  // namespace cria::server
