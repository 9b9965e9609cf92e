// The flags that several commands share. They stand before or behind the command's name.
#ifndef CRIA_CLI_COMMON_FLAGS_H_
#define CRIA_CLI_COMMON_FLAGS_H_

#include <CLI/CLI.hpp>
#include <vector>

#include "cli/cli_context.h"

namespace cria::cli {

// Onto the root. `context` outlives it.
void AddCommonFlags(CLI::App& app, CliContext& context);

// Those that mean something to `command`, a leaf below the root. Its own flags of the same name
// come before.
std::vector<const CLI::Option*> CommonFlagsOf(const CLI::App& command);

}  // namespace cria::cli

#endif  // CRIA_CLI_COMMON_FLAGS_H_
