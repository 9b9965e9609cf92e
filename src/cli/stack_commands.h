// llama stack: configurations of servers, and the server.
#ifndef CRIA_CLI_STACK_COMMANDS_H_
#define CRIA_CLI_STACK_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "cli/cli_context.h"

namespace cria::cli {

void AddStackCommands(CLI::App& app, CliContext& context);
void AddStackRunCommand(CLI::App& stack, CliContext& context);

}  // namespace cria::cli

#endif  // CRIA_CLI_STACK_COMMANDS_H_
