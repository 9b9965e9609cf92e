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

void Write(int fd, const char* text) { (void)!write(fd, text, std::strlen(text)); }

// Only what a signal handler may call.
[[noreturn]] void EndAtOnce() {
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

bool Interrupted() { return interrupted != 0 || terminated != 0; }
bool Terminated() { return terminated != 0; }
void ClearInterrupt() { interrupted = 0; }

void EndInterrupted() {
  std::fflush(stdout);
  EndAtOnce();
}

SignalsOnThisThreadOnly::SignalsOnThisThreadOnly() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before_);
}

SignalsOnThisThreadOnly::~SignalsOnThisThreadOnly() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace cria::cli
