#include "cli/interrupt.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "cli/cli_context.h"

namespace cria::cli {
namespace {

// Written by the signal handler: the one place where globals are the interface.
volatile sig_atomic_t interrupted = 0;
volatile sig_atomic_t terminated = 0;
volatile sig_atomic_t polled = 0;
volatile sig_atomic_t json_errors = 0;
volatile sig_atomic_t on_terminal = 0;
volatile sig_atomic_t has_half_written = 0;
char half_written[4096];  // a path; written only while has_half_written is 0

void Write(int fd, const char* text) { (void)!write(fd, text, std::strlen(text)); }

// Only what a signal handler may call.
[[noreturn]] void EndAtOnce() {
  if (has_half_written != 0) (void)unlink(half_written);
  if (on_terminal != 0) Write(STDERR_FILENO, "\r\033[K");  // a progress bar
  if (json_errors != 0)
    Write(STDOUT_FILENO, "{\"error\":{\"code\":\"cancelled\",\"message\":\"interrupted\"}}\n");
  _exit(kExitInterrupted);
}

void OnSignal(int signal) {
  if (polled == 0 || interrupted != 0 || terminated != 0) EndAtOnce();
  interrupted = 1;
  if (signal == SIGTERM) terminated = 1;
}

}  // namespace

void InstallInterruptHandler() {
  on_terminal = StderrIsTerminal() ? 1 : 0;
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // system calls return with EINTR
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void ReportInterruptsAsJson(bool json) { json_errors = json ? 1 : 0; }

PolledInterrupts::PolledInterrupts() { polled = polled + 1; }
PolledInterrupts::~PolledInterrupts() { polled = polled - 1; }

RemovedOnInterrupt::RemovedOnInterrupt(const std::string& path) {
  if (path.empty() || path.size() >= sizeof half_written) return;
  std::memcpy(half_written, path.c_str(), path.size() + 1);
  has_half_written = 1;
}
RemovedOnInterrupt::~RemovedOnInterrupt() { has_half_written = 0; }

bool Interrupted() { return interrupted != 0 || terminated != 0; }
bool Terminated() { return terminated != 0; }
void ClearInterrupt() { interrupted = 0; }

void EndInterrupted() {
  std::fflush(stdout);
  EndAtOnce();
}

SignalsOnThisThreadOnly::SignalsOnThisThreadOnly() {
  sigset_t from_outside;
  sigfillset(&from_outside);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF})
    sigdelset(&from_outside, own);  // a thread's own faults
  pthread_sigmask(SIG_BLOCK, &from_outside, &before_);
}

SignalsOnThisThreadOnly::~SignalsOnThisThreadOnly() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace cria::cli
