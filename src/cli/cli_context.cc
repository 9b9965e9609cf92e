#include "cli/cli_context.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "base/json.h"
#include "text/utf8.h"

namespace cria::cli {
namespace {

void PrintError(const std::string& message, std::string_view code, bool json) {
  // One line, whatever the message quotes.
  const std::string line = absl::StrReplaceAll(message, {{"\n", "\\n"}, {"\r", "\\r"}});
  std::fprintf(stderr, "llama: error: %s\n", line.c_str());
  if (!json) return;
  base::json::object error{{"code", code}, {"message", line}};
  PrintJsonLine(base::json::object{{"error", std::move(error)}});
}

}  // namespace

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kExitUsage;
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnimplemented:
      return kExitBadInput;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitNetwork;
    case absl::StatusCode::kResourceExhausted:
      return kExitNoRoom;
    case absl::StatusCode::kCancelled:
      return kExitInterrupted;
    default:
      return kExitFailed;
  }
}

std::string CodeName(absl::StatusCode code) {
  return absl::AsciiStrToLower(absl::StatusCodeToString(code));
}

void CliContext::Fail(const absl::Status& status) {
  if (status.ok()) return;
  exit_code = ExitCodeOf(status);
  if (status.code() == absl::StatusCode::kCancelled && !json) return;  // the user knows
  PrintError(std::string(status.message()), CodeName(status.code()), json);
}

void CliContext::FailUsage(const std::string& message) {
  Fail(absl::InvalidArgumentError(message));
}

bool StderrIsTerminal() { return isatty(STDERR_FILENO) != 0; }
bool StdoutIsTerminal() { return isatty(STDOUT_FILENO) != 0; }

bool UseColour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return StdoutIsTerminal() && (no_colour == nullptr || *no_colour == '\0');
}

void PrintJsonLine(const base::json::value& value) {
  // Outside its strings JSON is ASCII, so mending the whole line mends the strings.
  std::printf("%s\n", text::ToValidUtf8(base::json::serialize(value)).c_str());
}

absl::Status FlushOutput() {
  static int first_error = 0;  // ferror() tells only that there was one
  errno = 0;
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!failed) return absl::OkStatus();
  if (first_error == 0) first_error = errno;
  if (first_error == EPIPE) {
    (void)signal(SIGPIPE, SIG_DFL);
    (void)raise(SIGPIPE);
  }
  const std::string message =
      absl::StrCat("cannot write the output",
                   first_error == 0 ? "" : absl::StrCat(": ", std::strerror(first_error)));
  const bool full = first_error == ENOSPC || first_error == EDQUOT || first_error == EFBIG;
  return full ? absl::ResourceExhaustedError(message) : absl::InternalError(message);
}

}  // namespace cria::cli
