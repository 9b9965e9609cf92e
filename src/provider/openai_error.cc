#include "provider/openai_error.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "text/utf8.h"

namespace cria::provider {
namespace {

namespace json = base::json;

constexpr size_t kMaxShown = 600;
constexpr size_t kMinSecret = 6;  // shorter ones ("fake") are words, and guard nothing
constexpr base::JsonLimits kLimits{.max_bytes = size_t{1} << 20, .max_depth = 16};

std::string OneLine(std::string_view text) {
  std::string line = text::ToValidUtf8(text.substr(0, kMaxShown));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  absl::RemoveExtraAsciiWhitespace(&line);
  if (text.size() > kMaxShown) line += "...";
  return line;
}

std::string WithoutSecret(const RemoteName& name, std::string_view text) {
  const absl::string_view view(text.data(), text.size());
  if (name.secret.size() < kMinSecret) return std::string(text);
  return absl::StrReplaceAll(view, {{name.secret, "***"}});
}

// The message, wherever a server puts it: {"error": {"message"}}, {"error": "..."}, {"message"},
// {"detail"} (FastAPI), {"error": {"detail"}} (Llama Stack).
std::string MessageIn(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(text->data(), text->size());
  if (const json::object* object = value.if_object()) {
    for (const char* key : {"error", "message", "detail", "msg", "errors"}) {
      const json::value* inner = base::Find(*object, key);
      if (inner == nullptr) continue;
      std::string message = MessageIn(*inner);
      if (!message.empty()) return message;
    }
  }
  return json::serialize(value);
}

std::string MessageOf(std::string_view body) {
  const absl::StatusOr<json::value> value = base::ParseJson(body, "the answer", kLimits);
  return OneLine(value.ok() ? MessageIn(*value) : std::string(body));
}

absl::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 408:
    case 504:
      return absl::StatusCode::kDeadlineExceeded;
    case 413:
    case 429:
      return absl::StatusCode::kResourceExhausted;
    case 501:
      return absl::StatusCode::kUnimplemented;
    default:
      return http_status >= 400 && http_status < 500 ? absl::StatusCode::kInvalidArgument
                                                     : absl::StatusCode::kUnavailable;
  }
}

absl::StatusCode CodeOfType(std::string_view type) {
  const std::string lower = absl::AsciiStrToLower(std::string(type));
  const auto has = [&lower](const char* part) { return absl::StrContains(lower, part); };
  if (has("invalid") || has("badrequest")) return absl::StatusCode::kInvalidArgument;
  if (has("rate_limit") || has("quota")) return absl::StatusCode::kResourceExhausted;
  if (has("authentication")) return absl::StatusCode::kUnauthenticated;
  if (has("permission")) return absl::StatusCode::kPermissionDenied;
  if (has("not_found") || has("notfound")) return absl::StatusCode::kNotFound;
  return absl::StatusCode::kUnavailable;
}

int HttpStatusIn(const json::object& error) {
  const json::value* code = base::Find(error, "code");
  if (code == nullptr || !code->is_int64()) return 0;
  const int64_t value = code->get_int64();
  return value >= 400 && value < 600 ? static_cast<int>(value) : 0;
}

}  // namespace

absl::Status RemoteError(const RemoteName& name, int http_status, std::string_view body) {
  const std::string said = MessageOf(body);
  std::string message = absl::StrCat(name.provider, " answered ", http_status,
                                     said.empty() ? "" : ": ", WithoutSecret(name, said));
  if (http_status >= 300 && http_status < 400)
    absl::StrAppend(&message, "; redirects are not followed: set base_url to where it leads");
  if ((http_status == 401 || http_status == 403) && !name.key_hint.empty())
    absl::StrAppend(&message, "; ", name.key_hint);
  return absl::Status(CodeOf(http_status), message);
}

absl::Status RemoteErrorInStream(const RemoteName& name, const json::object& event) {
  const json::object* inner = base::FindObject(event, "error");
  const json::object& error = inner == nullptr ? event : *inner;
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  if (const int status = HttpStatusIn(error); status != 0) {
    code = CodeOf(status);
  } else if (const json::value* type = base::Find(error, "type"); type && type->is_string()) {
    const json::string& text = type->get_string();
    code = CodeOfType({text.data(), text.size()});
  }
  return absl::Status(code, absl::StrCat(name.provider, " broke off its answer: ",
                                         WithoutSecret(name, OneLine(MessageIn(event)))));
}

absl::Status AnnotateRemote(const RemoteName& name, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(name.provider, ": ", WithoutSecret(name, std::string(status.message()))));
}

}  // namespace cria::provider
