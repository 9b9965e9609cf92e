#include "server/errors.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "server/sse.h"
#include "text/utf8.h"

namespace cria::server {
namespace {

namespace json = base::json;
using absl::StatusCode;

constexpr char kPayload[] = "cria.server/error-details";
constexpr char kInternalMessage[] = "Internal server error: An unexpected error occurred.";

// `type` and `code` are as OpenAI's API has them, `anthropic` the type of that API's errors. The
// first row of a StatusCode is the one that it becomes; kOk: only HttpError leads there.
struct Row {
  int http;
  StatusCode status;
  const char* type;
  const char* code;
  const char* anthropic;
  int retry_after_s = 0;
};
constexpr Row kRows[] = {
    {400, StatusCode::kInvalidArgument, "invalid_request_error", "invalid_value",
     "invalid_request_error"},
    {400, StatusCode::kOutOfRange, "invalid_request_error", "out_of_range",
     "invalid_request_error"},
    {400, StatusCode::kFailedPrecondition, "invalid_request_error", "failed_precondition",
     "invalid_request_error"},
    {401, StatusCode::kUnauthenticated, "authentication_error", "invalid_api_key",
     "authentication_error"},
    {403, StatusCode::kPermissionDenied, "permission_error", "permission_denied",
     "permission_error"},
    {404, StatusCode::kNotFound, "not_found_error", "not_found", "not_found_error"},
    {405, StatusCode::kOk, "invalid_request_error", "method_not_allowed", "invalid_request_error"},
    {408, StatusCode::kOk, "invalid_request_error", "request_timeout", "invalid_request_error"},
    {409, StatusCode::kAlreadyExists, "conflict_error", "already_exists", "invalid_request_error"},
    {409, StatusCode::kAborted, "conflict_error", "conflict", "invalid_request_error"},
    {411, StatusCode::kOk, "invalid_request_error", "length_required", "invalid_request_error"},
    {413, StatusCode::kOk, "invalid_request_error", "request_too_large", "request_too_large"},
    {414, StatusCode::kOk, "invalid_request_error", "uri_too_long", "invalid_request_error"},
    {415, StatusCode::kOk, "invalid_request_error", "unsupported_media_type",
     "invalid_request_error"},
    {417, StatusCode::kOk, "invalid_request_error", "expectation_failed", "invalid_request_error"},
    {422, StatusCode::kOk, "invalid_request_error", "unprocessable", "invalid_request_error"},
    {426, StatusCode::kOk, "invalid_request_error", "upgrade_required", "invalid_request_error"},
    {429, StatusCode::kResourceExhausted, "rate_limit_error", "rate_limit_exceeded",
     "rate_limit_error", 1},
    {431, StatusCode::kOk, "invalid_request_error", "headers_too_large", "invalid_request_error"},
    // nginx's "client closed request"; normally nobody is there to read it.
    {499, StatusCode::kCancelled, "invalid_request_error", "cancelled", "api_error"},
    {500, StatusCode::kInternal, "server_error", "internal_error", "api_error"},
    {501, StatusCode::kUnimplemented, "not_implemented_error", "not_implemented", "api_error"},
    {502, StatusCode::kOk, "server_error", "bad_gateway", "api_error"},
    {503, StatusCode::kUnavailable, "server_error", "service_unavailable", "overloaded_error", 2},
    {504, StatusCode::kDeadlineExceeded, "server_error", "timeout", "api_error"},
    {505, StatusCode::kOk, "invalid_request_error", "http_version_not_supported",
     "invalid_request_error"},
};

const Row& RowOfHttp(int http) {
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows),
                                [&](const Row& one) { return one.http == http; });
  return row != std::end(kRows) ? *row : RowOfHttp(500);
}

const Row& RowOf(StatusCode code) {
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& one) {
    return one.status == code && code != StatusCode::kOk;
  });
  return row != std::end(kRows) ? *row : RowOfHttp(500);
}

struct Outside {
  const Row& row;
  ErrorDetails details;
  std::string message;
};

Outside ToOutside(const absl::Status& status) {
  ErrorDetails details = DetailsOf(status);
  const Row& row = details.http_status != 0 ? RowOfHttp(details.http_status) : RowOf(status.code());
  std::string message =
      row.http == 500 ? kInternalMessage : text::ToValidUtf8(std::string(status.message()));
  if (details.retry_after.count() == 0)
    details.retry_after = std::chrono::seconds(row.retry_after_s);
  return {row, std::move(details), std::move(message)};
}

json::object ToJson(const FieldError& field) {
  return {{"loc", field.location}, {"msg", text::ToValidUtf8(field.message)}, {"type", field.type}};
}

json::value DetailJson(const Outside& outside) {
  if (outside.details.fields.empty()) return json::string(outside.message);
  json::array errors;
  for (const FieldError& field : outside.details.fields) errors.push_back(ToJson(field));
  return json::object{{"errors", std::move(errors)}};
}

json::object ToBody(const Outside& outside) {
  json::object error;
  error["message"] = outside.message;
  error["detail"] = DetailJson(outside);
  error["type"] = outside.row.type;
  error["code"] = outside.details.code.empty() ? outside.row.code : outside.details.code;
  if (outside.details.param.empty()) {
    error["param"] = nullptr;
  } else {
    error["param"] = text::ToValidUtf8(outside.details.param);
  }
  return {{"error", std::move(error)}};
}

json::object ToAnthropicBody(const Outside& outside) {
  return {{"type", "error"},
          {"error", {{"type", outside.row.anthropic}, {"message", outside.message}}}};
}

Reply ToReply(const Outside& outside, const json::object& body) {
  Reply reply;
  reply.status = outside.row.http;
  reply.body = json::serialize(body);
  if (outside.details.retry_after.count() > 0)
    reply.headers.emplace_back("Retry-After", absl::StrCat(outside.details.retry_after.count()));
  if (outside.row.http == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  // The clients of OpenAI and of Llama Stack ask again after every 5xx unless they are told not to.
  if (outside.row.http == 501) reply.headers.emplace_back("x-should-retry", "false");
  return reply;
}

// "body.messages.0".
std::string Dotted(const json::array& location) {
  return absl::StrJoin(location, ".", [](std::string* out, const json::value& part) {
    *out += part.is_string() ? std::string(part.get_string()) : json::serialize(part);
  });
}

}  // namespace

absl::Status WithDetails(absl::Status status, const ErrorDetails& details) {
  json::array fields;
  for (const FieldError& field : details.fields) fields.push_back(ToJson(field));
  const json::object payload{{"http", details.http_status},
                             {"code", details.code},
                             {"param", text::ToValidUtf8(details.param)},
                             {"retry_after", details.retry_after.count()},
                             {"fields", std::move(fields)}};
  status.SetPayload(kPayload, absl::Cord(json::serialize(payload)));
  return status;
}

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails details;
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return details;
  const auto parsed = base::ParseJson(std::string(*payload), "error details");
  if (!parsed.ok() || !parsed->is_object()) return details;
  const json::object& object = parsed->get_object();
  details.http_status = static_cast<int>(object.at("http").to_number<int64_t>());
  details.code = object.at("code").get_string();
  details.param = object.at("param").get_string();
  details.retry_after = std::chrono::seconds(object.at("retry_after").to_number<int64_t>());
  for (const json::value& field : object.at("fields").get_array()) {
    const json::object& one = field.get_object();
    details.fields.push_back({one.at("loc").get_array(), std::string(one.at("msg").get_string()),
                              std::string(one.at("type").get_string())});
  }
  return details;
}

absl::Status ValidationError(std::vector<FieldError> fields) {
  const std::string message =
      absl::StrJoin(fields, "; ", [](std::string* out, const FieldError& field) {
        absl::StrAppend(out, Dotted(field.location), ": ", field.message);
      });
  ErrorDetails details;
  if (!fields.empty()) {  // "param" is the name without "body"
    json::array location = fields.front().location;
    if (location.size() > 1) location.erase(location.begin());
    details.param = Dotted(location);
  }
  details.fields = std::move(fields);
  return WithDetails(absl::InvalidArgumentError(message), details);
}

int HttpStatusOf(const absl::Status& status) { return ToOutside(status).row.http; }

absl::Status HttpError(int http_status, std::string_view message) {
  const Row& row = RowOfHttp(http_status);
  StatusCode code = row.status;
  if (code == StatusCode::kOk)
    code = row.http >= 500 ? StatusCode::kUnavailable : StatusCode::kInvalidArgument;
  ErrorDetails details;
  details.http_status = row.http;
  return WithDetails(absl::Status(code, absl::string_view(message.data(), message.size())),
                     details);
}

json::object ErrorBody(const absl::Status& status) { return ToBody(ToOutside(status)); }

Reply ErrorReply(const absl::Status& status) {
  const Outside outside = ToOutside(status);
  return ToReply(outside, ToBody(outside));
}

std::string ErrorFrame(const absl::Status& status) { return DataFrame(ErrorBody(status)); }

Reply AnthropicErrorReply(const absl::Status& status) {
  const Outside outside = ToOutside(status);
  return ToReply(outside, ToAnthropicBody(outside));
}

std::string AnthropicErrorFrame(const absl::Status& status) {
  return EventFrame("error", ToAnthropicBody(ToOutside(status)));
}

}  // namespace cria::server
