// Every subcommand of `llama` that stands in a file of its own: each adds itself, with its flags
// and help, to the app.
#ifndef CRIA_CLI_COMMANDS_H_
#define CRIA_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "cli/cli_context.h"

namespace cria::cli {

// `context` outlives the app; callbacks set its exit code.
void AddRunCommand(CLI::App& app, CliContext& context);
void AddChatCommand(CLI::App& app, CliContext& context);
void AddPerplexityCommand(CLI::App& app, CliContext& context);
void AddTokenizeCommand(CLI::App& app, CliContext& context);
void AddBenchCommand(CLI::App& app, CliContext& context);
void AddInspectCommand(CLI::App& app, CliContext& context);
void AddEmbedCommand(CLI::App& app, CliContext& context);
void AddCompletionCommand(CLI::App& app, CliContext& context);

}  // namespace cria::cli

#endif  // CRIA_CLI_COMMANDS_H_
