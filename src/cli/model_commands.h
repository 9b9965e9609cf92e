// `llama model ...`, and its short forms `llama download` and `llama verify-download`.
#ifndef CRIA_CLI_MODEL_COMMANDS_H_
#define CRIA_CLI_MODEL_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "cli/cli_context.h"

namespace cria::cli {

// `context` outlives the app; callbacks set its exit code.
void AddModelCommands(CLI::App& app, CliContext& context);

// One each, onto `parent`: the subcommands of `llama model`.
void AddModelListCommand(CLI::App& parent, CliContext& context);
void AddModelDescribeCommand(CLI::App& parent, CliContext& context);
void AddModelPromptFormatCommand(CLI::App& parent, CliContext& context);
void AddModelDownloadCommand(CLI::App& parent, CliContext& context);
void AddModelPullCommand(CLI::App& parent, CliContext& context);
void AddModelImportCommand(CLI::App& parent, CliContext& context);
void AddModelVerifyCommand(CLI::App& parent, CliContext& context);
void AddModelRemoveCommand(CLI::App& parent, CliContext& context);

}  // namespace cria::cli

#endif  // CRIA_CLI_MODEL_COMMANDS_H_
