// Ctrl-C and SIGTERM. Both end the program with exit code 130: at once by default, or when the code
// that runs has tidied up (PolledInterrupts). A second one never waits.
#ifndef CRIA_CLI_INTERRUPT_H_
#define CRIA_CLI_INTERRUPT_H_

#include <csignal>
#include <string>

namespace cria::cli {

// From here on signals are handled as above. With `json` an ending at once also leaves the error
// object on stdout.
void InstallInterruptHandler();
void ReportInterruptsAsJson(bool json);

// While one lives, the first signal only sets Interrupted(): whoever makes one looks there often.
class PolledInterrupts {
 public:
  PolledInterrupts();
  ~PolledInterrupts();
  PolledInterrupts(const PolledInterrupts&) = delete;
  PolledInterrupts& operator=(const PolledInterrupts&) = delete;
};

// The file of this name goes when a signal ends the program at once: what is half written is of no
// use. One at a time.
class RemovedOnInterrupt {
 public:
  explicit RemovedOnInterrupt(const std::string& path);  // empty, or too long to keep: nothing
  ~RemovedOnInterrupt();
  RemovedOnInterrupt(const RemovedOnInterrupt&) = delete;
  RemovedOnInterrupt& operator=(const RemovedOnInterrupt&) = delete;
};

bool Interrupted();     // by either signal
bool Terminated();      // by SIGTERM: not only the current work but the program is to end
void ClearInterrupt();  // of Ctrl-C; a SIGTERM stays

// Ends the program as a signal does that isn't polled: what stdout holds is written, nothing else
// is waited for.
[[noreturn]] void EndInterrupted();

// Threads that are started while one lives never run signal handlers: those of the line editor
// work on the main thread only.
class SignalsOnThisThreadOnly {
 public:
  SignalsOnThisThreadOnly();
  ~SignalsOnThisThreadOnly();
  SignalsOnThisThreadOnly(const SignalsOnThisThreadOnly&) = delete;
  SignalsOnThisThreadOnly& operator=(const SignalsOnThisThreadOnly&) = delete;

 private:
  sigset_t before_;
};

}  // namespace cria::cli

#endif  // CRIA_CLI_INTERRUPT_H_
