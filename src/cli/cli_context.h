// What every subcommand shares: the common flags, the exit code, and how errors are shown.
#ifndef CRIA_CLI_CLI_CONTEXT_H_
#define CRIA_CLI_CLI_CONTEXT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/status.h"

namespace cria::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitBadInput = 3,
  kExitNetwork = 4,
  kExitNoRoom = 5,
  kExitInterrupted = 130,
};

// The one table from status codes to exit codes.
int ExitCodeOf(const absl::Status& status);

// The code's name for `--json` errors: "invalid_argument", "data_loss", ...
std::string CodeName(absl::StatusCode code);

// One thread. Subcommands read the flags in their callbacks and set `exit_code` through Fail() or
// directly.
struct CliContext {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  int exit_code = kExitOk;

  // How models are run, by the commands that run one.
  int threads = 0;               // 0: every core
  std::string isa;               // empty: CRIA_ISA, else the best of this processor
  int64_t context = 0;           // tokens; 0: the model's own limit
  std::string kv_type = "bf16";  // bf16, int8, f32
  std::optional<uint64_t> seed;
  bool f32_activations = false;  // never round activations
  bool no_packed_file = false;   // don't keep packed weights beside the model

  // Prints "llama: error: MESSAGE" to stderr in one line (and {"error":{"code","message"}} to
  // stdout with --json), and sets the exit code. OK statuses do nothing.
  void Fail(const absl::Status& status);
  // A wrong use of the command line: exit code 2.
  void FailUsage(const std::string& message);
};

// True if stderr (progress bars) or stdout (colours) is a terminal; colours also need NO_COLOR
// unset.
bool StderrIsTerminal();
bool StdoutIsTerminal();
bool UseColour();

// One line of JSON on stdout: valid UTF-8 even where a path or a flag in it is not.
void PrintJsonLine(const base::json::value& value);

// Writes out what stdout holds. kResourceExhausted where the disk is full, kInternal for other
// failures, also of earlier writes. A pipe that nobody reads ends the program as SIGPIPE does.
absl::Status FlushOutput();

}  // namespace cria::cli

#endif  // CRIA_CLI_CLI_CONTEXT_H_
