// A stack that runs: store, engine, providers, routes and the HTTP server, put together from its
// configuration.
#ifndef CRIA_CLI_STACK_SERVER_H_
#define CRIA_CLI_STACK_SERVER_H_

#include <memory>
#include <string>

#include "base/status.h"
#include "cli/cli_context.h"
#include "stack/config.h"

namespace cria::cli {

struct StackServerOptions {
  stack::StackConfig config;
  CliContext context;  // --threads, --isa, ...
  bool access_log = true;
};

// Any thread.
class StackServer {
 public:
  // Listens when it returns; models load in the background. kUnimplemented: the configuration asks
  // for what this build doesn't run; kInvalidArgument names the setting that is wrong; else what
  // the store or the network said.
  static absl::StatusOr<std::unique_ptr<StackServer>> Start(StackServerOptions options);
  virtual ~StackServer() = default;

  virtual std::string url() const = 0;  // "http://127.0.0.1:8321"
  // Serves until SIGINT or SIGTERM, and then until what runs has ended or the time for that is
  // over.
  virtual void Run() = 0;
};

}  // namespace cria::cli

#endif  // CRIA_CLI_STACK_SERVER_H_
