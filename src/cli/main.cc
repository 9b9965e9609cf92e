// The `llama` program: subcommands, exit codes.
#include <langinfo.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <clocale>
#include <cstdio>
#include <string_view>

#include "cli/cli_context.h"
#include "cli/commands.h"
#include "cli/common_flags.h"
#include "cli/interrupt.h"
#include "cli/model_commands.h"
#include "cli/stack_commands.h"
#include "cli/usage.h"

namespace {

using cria::cli::CliContext;

// The line editor reads characters by the locale, and what people type is UTF-8 whatever that says.
void UseUtf8() {
  const bool named = std::setlocale(LC_CTYPE, "") != nullptr;
  if (named && std::string_view(nl_langinfo(CODESET)) == "UTF-8") return;
  (void)std::setlocale(LC_CTYPE, "C.UTF-8");
}

void AddEverything(CLI::App& app, CliContext& context) {
  app.require_subcommand(1);
  cria::cli::AddCommonFlags(app, context);
  cria::cli::AddRunCommand(app, context);
  cria::cli::AddChatCommand(app, context);
  cria::cli::AddPerplexityCommand(app, context);
  cria::cli::AddTokenizeCommand(app, context);
  cria::cli::AddBenchCommand(app, context);
  cria::cli::AddInspectCommand(app, context);
  cria::cli::AddEmbedCommand(app, context);
  cria::cli::AddModelCommands(app, context);
  (void)cria::cli::AddStackCommands(app, context, cria::cli::RunStack);
  cria::cli::AddCompletionCommand(app, context);
  cria::cli::AddHelpCommand(app, context);
  app.footer(
      "llama COMMAND --help (or llama help COMMAND) shows a command's flags and examples.\n\n"
      "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the model or another input file is not "
      "acceptable;\n4 the network failed; 5 out of room (memory, context, disk); 130 interrupted "
      "(Ctrl-C, SIGTERM).\n"
      "Models live in $LLAMA_HOME (default ~/.llama). Variables: LLAMA_HOME, CRIA_ISA, HF_TOKEN, "
      "HF_ENDPOINT, NO_COLOR.");
  for (CLI::App* command : app.get_subcommands({})) command->fallthrough();
}

bool HasJsonFlag(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc,
                     [](const char* word) { return std::string_view(word) == "--json"; });
}

}  // namespace

int main(int argc, char** argv) {
  UseUtf8();
  CliContext context;
  CLI::App app("Cria: Llama models on your own machine", "llama");
  cria::cli::UseOwnHelpPages(app);
  app.set_version_flag("--version", "llama (Cria) 0.1.0", "Print the version");
  AddEverything(app, context);
  const bool json = HasJsonFlag(argc, argv);
  cria::cli::InstallInterruptHandler();
  cria::cli::ReportInterruptsAsJson(json);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      (void)app.exit(error);  // --help, --version
    } else {
      if (argc == 1) std::fputs(app.help().c_str(), stderr);
      context.json = json;  // the parser may not have come to it
      context.FailUsage(cria::cli::ExplainUsage(app, error));
    }
  }
  const absl::Status written = cria::cli::FlushOutput();
  if (context.exit_code == cria::cli::kExitOk) context.Fail(written);
  return context.exit_code;
}
