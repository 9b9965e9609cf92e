#include "cli/cli_context.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "base/json.h"

namespace cria::cli {
namespace {

volatile sig_atomic_t interrupted =
    0;  // written by the signal handler: the one place where a global is the interface

void OnInterrupt(int) { interrupted = 1; }

void PrintError(const std::string& message, std::string_view code, bool json) {
  // One line, whatever the message quotes.
  const std::string line = absl::StrReplaceAll(message, {{"\n", "\\n"}, {"\r", "\\r"}});
  std::fprintf(stderr, "llama: error: %s\n", line.c_str());
  if (!json) return;
  base::json::object error{{"code", code}, {"message", line}};
  const std::string text = base::json::serialize(base::json::object{{"error", std::move(error)}});
  std::printf("%s\n", text.c_str());
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

void InstallInterruptHandler() {
  struct sigaction action {};
  action.sa_handler = OnInterrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // system calls return with EINTR
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool Interrupted() { return interrupted != 0; }
void ClearInterrupt() { interrupted = 0; }

}  // namespace cria::cli
