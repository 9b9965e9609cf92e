// The `llama` program: common flags, subcommands, exit codes.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "cli/cli_context.h"
#include "cli/commands.h"
#include "cli/model_commands.h"

namespace {

using cria::cli::CliContext;

void AddCommonFlags(CLI::App& app, CliContext& context) {
  const char* const group = "Common";
  app.add_flag("--json", context.json, "Print exactly one JSON object on stdout")->group(group);
  app.add_option("--threads", context.threads, "Threads (default: every core)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->group(group);
  app.add_option("--isa", context.isa,
                 "Force an instruction set (also CRIA_ISA); see llama inspect --cpu")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--context", context.context,
                 "Most tokens of prompt and answer (default: the model's limit)")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--kv-type", context.kv_type, "Type of the KV cache (default bf16)")
      ->type_name("bf16|int8|f32")
      ->group(group);
  app.add_option("--seed", context.seed, "Make sampling repeatable")->type_name("N")->group(group);
  app.add_flag("--f32-activations", context.f32_activations,
               "Never round activations: slower, closest to the file")
      ->group(group);
  app.add_flag("--no-packed-file", context.no_packed_file,
               "Don't keep the weights in the form in which they run (MODEL.packed)")
      ->group(group);
  app.add_flag("--quiet", context.quiet, "No progress, no notes")->group(group);
  app.add_flag("--verbose", context.verbose, "More on stderr")->group(group);
  app.set_version_flag("--version", "llama (Cria) 0.1.0");
}

}  // namespace

int main(int argc, char** argv) {
  CliContext context;
  CLI::App app("Cria: Llama models on your own machine", "llama");
  app.require_subcommand(1);
  AddCommonFlags(app, context);
  cria::cli::AddRunCommand(app, context);
  cria::cli::AddChatCommand(app, context);
  cria::cli::AddPerplexityCommand(app, context);
  cria::cli::AddTokenizeCommand(app, context);
  cria::cli::AddBenchCommand(app, context);
  cria::cli::AddInspectCommand(app, context);
  cria::cli::AddEmbedCommand(app, context);
  cria::cli::AddModelCommands(app, context);
  cria::cli::AddCompletionCommand(app, context);
  app.footer(
      "llama COMMAND --help shows a command's flags and examples.\n\n"
      "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the model or another input file is not "
      "acceptable;\n4 the network failed; 5 out of room (memory, context, disk); 130 interrupted.\n"
      "Models live in $LLAMA_HOME (default ~/.llama). Variables: LLAMA_HOME, CRIA_ISA, HF_TOKEN, "
      "HF_ENDPOINT, NO_COLOR.");
  for (CLI::App* command : app.get_subcommands({})) command->fallthrough();
  cria::cli::InstallInterruptHandler();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    if (argc == 1) std::fputs(app.help().c_str(), stderr);
    std::string command = "llama";  // whose help explains
    for (const CLI::App* used : app.get_subcommands()) command += " " + used->get_name();
    context.FailUsage(std::string(error.what()) + "; see " + command + " --help");
  }
  return context.exit_code;
}
