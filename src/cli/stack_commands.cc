#include "cli/stack_commands.h"

namespace cria::cli {

void AddStackCommands(CLI::App& app, CliContext& context) {
  CLI::App* stack = app.add_subcommand("stack", "Serve models to other programs");
  stack->require_subcommand(1);
  AddStackRunCommand(*stack, context);
  for (CLI::App* command : stack->get_subcommands({})) command->fallthrough();
}

}  // namespace cria::cli
