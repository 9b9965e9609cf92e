// `llama stack ...`: distributions made, configured, listed, shown and removed.
#ifndef CRIA_CLI_STACK_COMMANDS_H_
#define CRIA_CLI_STACK_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "cli/cli_context.h"

namespace cria::cli {

// Runs the distribution of that name: what `llama stack build --run` does at the end.
using StackRunner = std::function<absl::Status(const std::string& name, CliContext& context)>;

// `context` outlives the app; callbacks set its exit code. The command `stack`, onto which further
// subcommands may be added. Without a runner `build` has no --run.
CLI::App* AddStackCommands(CLI::App& app, CliContext& context, StackRunner runner = nullptr);

// One each, onto `parent`: the subcommands of `llama stack`.
void AddStackBuildCommand(CLI::App& parent, CliContext& context, StackRunner runner);
void AddStackConfigureCommand(CLI::App& parent, CliContext& context);
void AddStackListCommand(CLI::App& parent, CliContext& context);
void AddStackShowCommand(CLI::App& parent, CliContext& context);
void AddStackRemoveCommand(CLI::App& parent, CliContext& context);
void AddStackListApisCommand(CLI::App& parent, CliContext& context);
void AddStackListProvidersCommand(CLI::App& parent, CliContext& context);
void AddStackListDepsCommand(CLI::App& parent, CliContext& context);
void AddStackRunCommand(CLI::App& parent, CliContext& context);

// Serves the distribution of that name until a signal ends it: a StackRunner.
absl::Status RunStack(const std::string& name, CliContext& context);

}  // namespace cria::cli

#endif  // CRIA_CLI_STACK_COMMANDS_H_
