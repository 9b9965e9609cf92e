// `llama stack show`, `llama stack rm`: a distribution looked at, and taken away.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "base/json.h"
#include "cli/interrupt.h"
#include "cli/stack_commands.h"
#include "stack/config_writer.h"
#include "stack/distributions.h"

namespace cria::cli {
namespace {

namespace json = base::json;

struct ShowFlags {
  std::string name = "starter";
  std::vector<std::string> variables;
};

absl::Status Show(const ShowFlags& flags, const CliContext& context) {
  CRIA_ASSIGN_OR_RETURN(auto variables, stack::ParseAssignments(flags.variables));
  const stack::Environment environment =
      stack::Overlay(std::move(variables), stack::ProcessEnvironment());
  CRIA_ASSIGN_OR_RETURN(const stack::DistributionSource source,
                        stack::FindDistribution(flags.name, environment));
  CRIA_ASSIGN_OR_RETURN(const stack::StackConfig config,
                        stack::LoadDistribution(flags.name, environment));
  if (context.json) {
    const json::object out{
        {"name", source.name},
        {"built_in", source.embedded != nullptr},
        {"run", source.path.empty() ? json::value(nullptr) : json::value(source.path)},
        {"config", stack::RedactedJson(config)}};
    std::printf("%s\n", json::serialize(out).c_str());
    return absl::OkStatus();
  }
  std::fputs(stack::WriteStackConfig(config, stack::Secrets::kHidden).c_str(), stdout);
  return absl::OkStatus();
}

bool Confirmed(const std::string& name, const std::string& folder) {
  std::fprintf(stderr, "Remove %s with everything in %s? [y/N] ", name.c_str(), folder.c_str());
  std::fflush(stderr);
  char answer[16] = "";
  return std::fgets(answer, sizeof answer, stdin) != nullptr &&
         (answer[0] == 'y' || answer[0] == 'Y');
}

absl::Status Remove(const std::string& name, bool force, const CliContext& context) {
  const stack::Environment environment = stack::ProcessEnvironment();
  CRIA_ASSIGN_OR_RETURN(const stack::DistributionSource source,
                        stack::FindOwnDistribution(name, environment));
  CRIA_ASSIGN_OR_RETURN(const std::string folder, stack::DistributionFolder(name, environment));
  if (!force) {
    if (isatty(STDIN_FILENO) == 0 || !StderrIsTerminal())
      return absl::InvalidArgumentError(absl::StrCat(
          "rm: not removing ", name, " without --yes: there is no terminal to ask on"));
    if (!Confirmed(name, folder)) return absl::AbortedError("nothing was removed");
  }
  {
    const PolledInterrupts whole;  // a half-removed distribution would stay
    CRIA_RETURN_IF_ERROR(stack::RemoveDistribution(source, environment));
  }
  if (context.json)
    std::printf("%s\n", json::serialize(json::object{{"removed", name}}).c_str());
  else
    std::printf("%s is gone\n", name.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddStackShowCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command =
      parent.add_subcommand("show", "A configuration as it is understood, in the newest form");
  auto flags = std::make_shared<ShowFlags>();
  command->add_option("name", flags->name, "A distribution, or a run.yaml (default starter)")
      ->type_name("NAME");
  command
      ->add_option("--env", flags->variables,
                   "A variable of the environment, as ${env.KEY} has it (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->footer(
      "Secrets that no variable stands for are hidden.\n"
      "Examples:\n"
      "  llama stack show starter\n"
      "  llama stack show ./run.yaml --env INFERENCE_MODEL=llama3.2:1b --json");
  command->callback([flags, &context] { context.Fail(Show(*flags, context)); });
}

void AddStackRemoveCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command =
      parent.add_subcommand("rm", "Remove a distribution and all that its server kept");
  auto name = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  command->add_option("name", *name, "A distribution of `llama stack list`")
      ->type_name("NAME")
      ->required();
  command->add_flag("-y,--yes,-f,--force", *force, "Don't ask");
  command->footer("Models stay.\nExamples:\n  llama stack rm mine\n  llama stack rm mine --yes");
  command->callback([name, force, &context] { context.Fail(Remove(*name, *force, context)); });
}

}  // namespace cria::cli
