// llama stack run: serves a distribution.
#include <chrono>
#include <cstdio>
#include <optional>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/stack_commands.h"
#include "cli/stack_server.h"
#include "stack/distributions.h"

namespace cria::cli {
namespace {

struct StackRunFlags {
  std::string distribution = "starter";
  std::vector<std::string> variables;  // KEY=VALUE
  std::optional<int64_t> port;
  bool disable_ipv6 = false, enable_ui = false, no_access_log = false;
  std::string image_name, image_type;  // of Python's environments: there are none here
};

absl::Status Serve(const StackRunFlags& flags, const CliContext& context) {
  const auto start = std::chrono::steady_clock::now();
  CRIA_ASSIGN_OR_RETURN(auto variables, stack::ParseAssignments(flags.variables));
  const stack::Environment environment =
      stack::Overlay(std::move(variables), stack::ProcessEnvironment());
  StackServerOptions options;
  options.context = context;
  CRIA_ASSIGN_OR_RETURN(options.config, stack::LoadDistribution(flags.distribution, environment));
  if (flags.port) options.config.server.port = *flags.port;
  if (flags.disable_ipv6 && options.config.server.host.empty())
    options.config.server.host = "0.0.0.0";
  options.access_log = !flags.no_access_log && !context.quiet;
  CRIA_ASSIGN_OR_RETURN(const std::unique_ptr<StackServer> server,
                        StackServer::Start(std::move(options)));
  const std::chrono::duration<double, std::milli> ready = std::chrono::steady_clock::now() - start;
  std::printf("Serving %s (ready in %.0f ms)\n", server->url().c_str(), ready.count());
  CRIA_RETURN_IF_ERROR(FlushOutput());
  server->Run();
  return absl::OkStatus();
}

}  // namespace

absl::Status RunStack(const std::string& name, CliContext& context) {
  StackRunFlags flags;
  flags.distribution = name;
  return Serve(flags, context);
}

void AddStackRunCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand("run", "Serve a distribution");
  auto flags = std::make_shared<StackRunFlags>();
  command
      ->add_option("distribution", flags->distribution,
                   "A name of `llama stack list`, or a run.yaml (default: starter)")
      ->type_name("NAME|FILE");
  command->add_option("--port", flags->port, "Listen there; 0 takes a free port")
      ->type_name("N")
      ->check(WholeNumber(0));
  command
      ->add_option("--env", flags->variables,
                   "Set a variable that the configuration refers to (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_flag("--disable-ipv6", flags->disable_ipv6,
                    "Listen on IPv4 only, where the configuration names no host");
  command->add_flag("--no-access-log", flags->no_access_log, "No line for each request");
  // Known to scripts for upstream's command; nothing here depends on them.
  command->add_option("--image-name", flags->image_name, "")->group("");
  command->add_option("--image-type", flags->image_type, "")->group("");
  command->add_flag("--enable-ui", flags->enable_ui, "")->group("");
  command->footer(
      "Examples:\n"
      "  llama stack run\n"
      "  llama stack run starter --port 8080 --env OLLAMA_URL=http://localhost:11434/v1\n"
      "  llama stack run ./run.yaml\n\n"
      "It listens at once and loads models in the background. Ctrl-C or SIGTERM lets running "
      "requests\nfinish; a second one doesn't. SIGHUP reads the TLS files again.");
  command->callback([flags, &context] { context.Fail(Serve(*flags, context)); });
}

}  // namespace cria::cli
