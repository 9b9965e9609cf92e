#include "cli/common_flags.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "cli/flag_checks.h"

namespace cria::cli {
namespace {

constexpr char kGroup[] = "Common flags";

bool In(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether a flag changes what a command does.
bool Matters(const std::string& flag, const std::string& command) {
  if (In(command, {"completion", "man", "help"})) return false;
  if (flag == "--json") return command != "chat";
  if (flag == "--quiet") return true;
  if (flag == "--seed") return In(command, {"run", "chat"});
  if (flag == "--context") return In(command, {"run", "chat", "perplexity", "embed"});
  if (command == "bench") return In(flag, {"--threads", "--isa", "--kv-type", "--f32-activations"});
  return In(command, {"run", "chat", "perplexity", "embed"});
}

}  // namespace

void AddCommonFlags(CLI::App& app, CliContext& context) {
  app.add_flag("--json", context.json, "Print exactly one JSON object on stdout")->group(kGroup);
  app.add_option("--threads", context.threads, "Threads (default: every core)")
      ->type_name("N")
      ->check(WholeNumber(1, 1024))
      ->group(kGroup);
  app.add_option("--isa", context.isa,
                 "Force an instruction set (also CRIA_ISA); see llama inspect --cpu")
      ->type_name("NAME")
      ->group(kGroup);
  app.add_option("--context", context.context,
                 "Most tokens of prompt and answer (default: the model's limit)")
      ->type_name("N")
      ->check(WholeNumber(1))
      ->group(kGroup);
  app.add_option("--kv-type", context.kv_type, "Type of the KV cache (default bf16)")
      ->type_name("bf16|int8|f32")
      ->group(kGroup);
  app.add_option("--seed", context.seed, "Make sampling repeatable")
      ->type_name("N")
      ->check(WholeNumber(0, std::numeric_limits<uint64_t>::max()))
      ->group(kGroup);
  app.add_flag("--f32-activations", context.f32_activations,
               "Never round activations: slower, closest to the file")
      ->group(kGroup);
  app.add_flag("--no-packed-file", context.no_packed_file,
               "Don't keep the weights in the form in which they run (MODEL.packed)")
      ->group(kGroup);
  app.add_flag("--quiet", context.quiet, "No progress, no notes")->group(kGroup);
  app.add_flag("--verbose", context.verbose, "More on stderr")->group(kGroup);
}

std::vector<const CLI::Option*> CommonFlagsOf(const CLI::App& command) {
  if (command.get_parent() == nullptr) return {};
  const CLI::App* root = &command;
  while (root->get_parent() != nullptr) root = root->get_parent();
  std::vector<const CLI::Option*> flags;
  for (const CLI::Option* option : root->get_options()) {
    const std::string name = option->get_name();
    if (option->get_group() == kGroup && Matters(name, command.get_name()) &&
        command.get_option_no_throw(name) == nullptr)
      flags.push_back(option);
  }
  return flags;
}

}  // namespace cria::cli
