// The one table of errors to the outside: what a status becomes as HTTP, as JSON and in a stream.
//
// The body pleases clients of every API generation: {"error": {"message", "detail", "type", "code",
// "param"}}. `detail` is the message, or {"errors": [{"loc", "msg", "type"}]} where fields of the
// request are wrong. What went wrong inside (kInternal, kUnknown, kDataLoss and whatever has no row
// of its own) is never told: those answers say "Internal server error", and the caller logs the
// status.
#ifndef CRIA_SERVER_ERRORS_H_
#define CRIA_SERVER_ERRORS_H_

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "server/exchange.h"

namespace cria::server {

// A field of a request that is wrong: {"loc": ["body", "messages", 0], "msg", "type"}.
struct FieldError {
  base::json::array location;
  std::string message;
  std::string type = "value_error";
};

// What a code can't tell; travels with the status as a payload (base::Annotate drops it: annotate
// first).
struct ErrorDetails {
  int http_status = 0;                  // instead of the code's own
  std::string code;                     // instead of the code's own, e.g. "model_not_found"
  std::string param;                    // the field to blame
  std::vector<FieldError> fields;       // becomes `detail`
  std::chrono::seconds retry_after{0};  // 0: the table's
};
absl::Status WithDetails(absl::Status status, const ErrorDetails& details);
ErrorDetails DetailsOf(const absl::Status& status);

// kInvalidArgument; the message lists the fields.
absl::Status ValidationError(std::vector<FieldError> fields);

int HttpStatusOf(const absl::Status& status);
// A status that becomes `http_status` (one of the table's rows, else 500): for what only HTTP
// knows, as 405, 413 or 415.
absl::Status HttpError(int http_status, std::string_view message);

// `status` is not OK.
base::json::object ErrorBody(const absl::Status& status);
Reply ErrorReply(const absl::Status& status);
std::string ErrorFrame(const absl::Status& status);  // SSE: data: {"error": {...}}

// The same as Anthropic's Messages API has it: {"type": "error", "error": {"type", "message"}},
// in streams under "event: error".
Reply AnthropicErrorReply(const absl::Status& status);
std::string AnthropicErrorFrame(const absl::Status& status);

}  // namespace cria::server

#endif  // CRIA_SERVER_ERRORS_H_
