// llama completion, llama man: what shells and readers need, from the commands themselves.
#include <cstdio>
#include <memory>

#include "cli/command_table.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"

namespace cria::cli {

void AddCompletionCommand(CLI::App& app, CliContext& context) {
  CLI::App* completion =
      app.add_subcommand("completion", "Code that completes commands in a shell");
  auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "Whose code it is to be")
      ->type_name("bash|zsh|fish")
      ->required()
      ->check(OneOf({"bash", "zsh", "fish"}));
  completion->footer(
      "Examples:\n"
      "  source <(llama completion bash)\n"
      "  llama completion fish > ~/.config/fish/completions/llama.fish");
  completion->callback([shell, &app] {
    const CommandEntry root = ReadCommands(app, "llama");
    const std::string code = *shell == "bash"  ? BashCompletion(root)
                             : *shell == "zsh" ? ZshCompletion(root)
                                               : FishCompletion(root);
    std::fputs(code.c_str(), stdout);
  });

  CLI::App* man = app.add_subcommand("man", "The manual page, for man -l or troff");
  man->footer("Example:\n  llama man | man -l -");
  man->callback([&app, &context] {
    std::fputs(ManPage(ReadCommands(app, "llama")).c_str(), stdout);
    context.exit_code = kExitOk;
  });
}

}  // namespace cria::cli
