// What `llama` says about its own use: help pages, and what is wrong with a command line.
#ifndef CRIA_CLI_USAGE_H_
#define CRIA_CLI_USAGE_H_

#include <CLI/CLI.hpp>
#include <string>

#include "cli/cli_context.h"

namespace cria::cli {

// What stands for the value of an option or argument: "N", "MODEL"; empty for plain flags.
std::string ValueName(const CLI::Option& option);

// Before any command is added: they inherit it.
void UseOwnHelpPages(CLI::App& app);

// `llama help [COMMAND...]`.
void AddHelpCommand(CLI::App& app, CliContext& context);

// What was found, what was expected and where more is said, in one line.
std::string ExplainUsage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace cria::cli

#endif  // CRIA_CLI_USAGE_H_
