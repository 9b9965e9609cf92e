#include "cli/stack_commands.h"

namespace cria::cli {

CLI::App* AddStackCommands(CLI::App& app, CliContext& context, StackRunner runner) {
  CLI::App* stack =
      app.add_subcommand("stack", "Serve models to other programs, and configure such servers");
  stack->require_subcommand(1);
  AddStackBuildCommand(*stack, context, std::move(runner));
  AddStackConfigureCommand(*stack, context);
  AddStackRunCommand(*stack, context);
  AddStackListCommand(*stack, context);
  AddStackShowCommand(*stack, context);
  AddStackRemoveCommand(*stack, context);
  AddStackListApisCommand(*stack, context);
  AddStackListProvidersCommand(*stack, context);
  AddStackListDepsCommand(*stack, context);
  for (CLI::App* command : stack->get_subcommands({})) command->fallthrough();
  stack->footer(
      "Distributions live in $LLAMA_HOME/distributions (default ~/.llama/distributions).\n"
      "Examples:\n"
      "  llama stack run\n"
      "  llama stack list\n"
      "  llama stack build --distro starter --name mine\n"
      "  llama stack configure mine\n"
      "  llama stack list-providers inference");
  return stack;
}

}  // namespace cria::cli
