// `llama stack build`: a distribution of one's own.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/flag_checks.h"
#include "cli/model_table.h"
#include "cli/stack_commands.h"
#include "cli/stack_prompter.h"
#include "stack/config_writer.h"
#include "stack/distributions.h"
#include "stack/provider_catalogue.h"
#include "stack/yaml_document.h"

namespace cria::cli {
namespace {

namespace json = base::json;

struct BuildFlags {
  std::string config, distro, name, image_type, providers;
  bool list = false, print_deps = false, run = false, force = false;
};

// What is to be written.
struct Plan {
  stack::BuildConfig build;
  std::string run_yaml;
};

absl::Status ListTemplates(const CliContext& context) {
  json::array list;
  std::vector<std::vector<std::string>> rows = {{"NAME", "DESCRIPTION"}};
  for (const stack::EmbeddedDistribution& one : stack::EmbeddedDistributions()) {
    rows.push_back({one.name, stack::DescriptionOf(one)});
    list.push_back(json::object{{"name", one.name}, {"description", rows.back()[1]}});
  }
  if (context.json)
    std::printf("%s\n", json::serialize(json::object{{"distributions", std::move(list)}}).c_str());
  else
    std::printf("%s", FormatTable(rows).c_str());
  return absl::OkStatus();
}

absl::StatusOr<Plan> PlanFromDistribution(const BuildFlags& flags) {
  const stack::EmbeddedDistribution* embedded = stack::FindEmbeddedDistribution(flags.distro);
  if (embedded == nullptr) {
    std::vector<std::string> known;
    for (const stack::EmbeddedDistribution& one : stack::EmbeddedDistributions())
      known.emplace_back(one.name);
    return absl::InvalidArgumentError(absl::StrCat(
        "--distro: expected one of ", absl::StrJoin(known, ", "), ", found '", flags.distro, "'"));
  }
  Plan plan;
  CRIA_ASSIGN_OR_RETURN(plan.build, stack::ReadBuildConfig(embedded->build_yaml, "build.yaml",
                                                           stack::ProcessEnvironment()));
  plan.build.name = flags.name.empty() ? flags.distro : flags.name;
  CRIA_RETURN_IF_ERROR(stack::CheckDistributionName(plan.build.name));
  plan.run_yaml = stack::RunYamlAs(*embedded, plan.build.name);
  return plan;
}

absl::StatusOr<Plan> PlanFromFile(const BuildFlags& flags) {
  auto text = base::ReadFile(flags.config, stack::kMaxYamlBytes);
  if (!text.ok()) return base::Annotate(text.status(), flags.config);
  Plan plan;
  CRIA_ASSIGN_OR_RETURN(plan.build,
                        stack::ReadBuildConfig(*text, flags.config, stack::ProcessEnvironment()));
  if (!flags.name.empty()) plan.build.name = flags.name;
  if (plan.build.name.empty())
    return absl::InvalidArgumentError(
        absl::StrCat(flags.config, ": has no image_name: give --name NAME"));
  return plan;
}

absl::StatusOr<Plan> PlanFromProviders(const BuildFlags& flags) {
  Plan plan;
  CRIA_ASSIGN_OR_RETURN(plan.build.providers, stack::ParseProviders(flags.providers));
  plan.build.name = flags.name.empty() ? "providers-run" : flags.name;
  plan.build.description = absl::StrCat("Made of ", flags.providers);
  return plan;
}

// The types of one API: "remote::ollama remote::vllm"; empty: the API isn't served.
absl::Status AskForProviders(const stack::ApiEntry& api, StackPrompter& prompter,
                             stack::BuildConfig* build) {
  std::vector<std::string> known;
  for (const stack::ProviderType* type : stack::ProviderTypes(api.name))
    if (type->available) known.emplace_back(type->type);
  if (known.empty()) return absl::OkStatus();
  std::fprintf(stderr, "\n%s: %s\n  %s\n", api.name, api.description,
               absl::StrJoin(known, " ").c_str());
  const std::string first = std::string_view(api.name) == "inference" ? known[0] : "";
  std::vector<std::string> chosen;
  const auto answer =
      prompter.Ask(absl::StrCat("  providers of ", api.name, first.empty() ? " (may be none)" : ""),
                   first, known, [&](const std::string& text) {
                     std::vector<std::string> words =
                         absl::StrSplit(text, absl::ByAnyChar(" ,"), absl::SkipEmpty());
                     for (std::string& word : words) word = absl::StrCat(api.name, "=", word);
                     chosen.clear();
                     if (words.empty()) return absl::OkStatus();
                     const auto parsed = stack::ParseProviders(absl::StrJoin(words, ","));
                     if (parsed.ok()) chosen = parsed->at(api.name);
                     return parsed.status();
                   });
  CRIA_RETURN_IF_ERROR(answer.status());
  if (!chosen.empty()) build->providers[api.name] = chosen;
  return absl::OkStatus();
}

absl::StatusOr<Plan> PlanFromAnswers() {
  StackPrompter prompter;
  if (!prompter.interactive())
    return absl::InvalidArgumentError(
        "build: expected --distro, --config or --providers, as there is no terminal to ask on");
  std::fputs("Tab completes, Ctrl-C leaves.\n", stderr);
  Plan plan;
  CRIA_ASSIGN_OR_RETURN(plan.build.name, prompter.Ask("Name of the distribution", "my-stack", {},
                                                      stack::CheckDistributionName));
  CRIA_ASSIGN_OR_RETURN(plan.build.image_type,
                        prompter.Ask("Image type: venv (files only) or container", "venv",
                                     {"venv", "container"}, [](const std::string& text) {
                                       if (text == "venv" || text == "container")
                                         return absl::OkStatus();
                                       return absl::InvalidArgumentError(absl::StrCat(
                                           "expected venv or container, found '", text, "'"));
                                     }));
  for (const stack::ApiEntry& api : stack::Apis())
    CRIA_RETURN_IF_ERROR(AskForProviders(api, prompter, &plan.build));
  CRIA_ASSIGN_OR_RETURN(
      plan.build.description,
      prompter.Ask("\nDescription", "", {}, [](const std::string&) { return absl::OkStatus(); }));
  return plan;
}

absl::StatusOr<Plan> MakePlan(const BuildFlags& flags) {
  CRIA_RETURN_IF_ERROR(RefuseTogether({{"--config", !flags.config.empty()},
                                       {"--distro", !flags.distro.empty()},
                                       {"--providers", !flags.providers.empty()}}));
  absl::StatusOr<Plan> plan = !flags.distro.empty()      ? PlanFromDistribution(flags)
                              : !flags.config.empty()    ? PlanFromFile(flags)
                              : !flags.providers.empty() ? PlanFromProviders(flags)
                                                         : PlanFromAnswers();
  CRIA_RETURN_IF_ERROR(plan.status());
  CRIA_RETURN_IF_ERROR(stack::CheckDistributionName(plan->build.name));
  if (!flags.image_type.empty()) plan->build.image_type = flags.image_type;
  if (plan->run_yaml.empty()) plan->run_yaml = stack::MakeRunConfig(plan->build);
  return plan;
}

bool IsContainer(const stack::BuildConfig& build) {
  return build.image_type == "container" || build.image_type == "docker";
}

// The libraries are those that the program is linked with on Debian 12.
std::string Containerfile(const std::string& name) {
  return absl::StrCat(
      "# An image of ", name, ". Put the program beside this file, then build:\n",
      "#   cp \"$(command -v llama)\" . && podman build -t ", name, " .\n",
      "#   podman run -p 8321:8321 -v llama:/var/lib/llama ", name, "\n",
      "FROM debian:12-slim\n"
      "RUN apt-get update \\\n"
      " && apt-get install -y --no-install-recommends ca-certificates libabsl20220623 \\\n"
      "      libboost-json1.81.0 libboost-url1.81.0 libcurl4 libedit2 libpcre2-8-0 libpq5 \\\n"
      "      libspdlog1.10 libsqlite3-0 libssl3 libxxhash0 libyaml-cpp0.7 libzstd1 zlib1g \\\n"
      " && rm -rf /var/lib/apt/lists/* \\\n"
      " && useradd --system --create-home --home-dir /var/lib/llama llama\n"
      "COPY llama /usr/local/bin/llama\n",
      "COPY ", name, "-run.yaml /etc/llama/run.yaml\n", "RUN chmod 0644 /etc/llama/run.yaml\n",
      "USER llama\n"
      "ENV LLAMA_HOME=/var/lib/llama LLAMA_STACK_HOST=0.0.0.0\n"
      "VOLUME /var/lib/llama\n"
      "EXPOSE 8321\n"
      "ENTRYPOINT [\"llama\", \"stack\", \"run\", \"/etc/llama/run.yaml\"]\n");
}

struct Written {
  std::string build, run, containerfile;
};

absl::StatusOr<Written> Write(const Plan& plan, bool force) {
  const std::string& name = plan.build.name;
  CRIA_ASSIGN_OR_RETURN(const std::string folder,
                        stack::DistributionFolder(name, stack::ProcessEnvironment()));
  Written written{absl::StrCat(folder, "/", name, "-build.yaml"),
                  absl::StrCat(folder, "/", name, "-run.yaml"), ""};
  if (!force && base::PathExists(written.run))
    return absl::AlreadyExistsError(absl::StrCat(
        written.run, ": is there already: give --force to write it anew, or another --name"));
  CRIA_RETURN_IF_ERROR(stack::WritePrivateFile(written.build, stack::WriteBuildConfig(plan.build)));
  CRIA_RETURN_IF_ERROR(stack::WritePrivateFile(written.run, plan.run_yaml));
  if (!IsContainer(plan.build)) return written;
  written.containerfile = absl::StrCat(folder, "/Containerfile");
  CRIA_RETURN_IF_ERROR(stack::WritePrivateFile(written.containerfile, Containerfile(name)));
  return written;
}

void PrintWritten(const Plan& plan, const Written& written, const CliContext& context) {
  if (context.json) {
    const json::value container =
        written.containerfile.empty() ? json::value(nullptr) : json::value(written.containerfile);
    std::printf("%s\n", json::serialize(json::object{{"name", plan.build.name},
                                                     {"build", written.build},
                                                     {"run", written.run},
                                                     {"containerfile", container}})
                            .c_str());
    return;
  }
  if (!context.quiet && !IsContainer(plan.build))
    std::fputs(
        "llama: note: a native program needs no environment built: two files are all there is\n",
        stderr);
  for (const std::string& file : {written.build, written.run, written.containerfile})
    if (!file.empty()) std::printf("%s\n", file.c_str());
  if (!context.quiet)
    std::fprintf(stderr, "llama: note: start it with: llama stack run %s\n",
                 plan.build.name.c_str());
}

absl::Status Build(const BuildFlags& flags, CliContext& context, const StackRunner& runner) {
  if (flags.list) return ListTemplates(context);
  CRIA_RETURN_IF_ERROR(
      RefuseTogether({{"--print-deps-only", flags.print_deps}, {"--run", flags.run}}));
  CRIA_ASSIGN_OR_RETURN(const Plan plan, MakePlan(flags));
  if (flags.print_deps) {
    if (context.json)
      std::printf("%s\n", json::serialize(json::object{{"dependencies", json::array()}}).c_str());
    else if (!context.quiet)
      std::fputs("llama: note: nothing to install: this program holds all its providers\n", stderr);
    return absl::OkStatus();
  }
  CRIA_ASSIGN_OR_RETURN(const Written written, Write(plan, flags.force));
  PrintWritten(plan, written, context);
  return flags.run ? runner(plan.build.name, context) : absl::OkStatus();
}

}  // namespace

void AddStackBuildCommand(CLI::App& parent, CliContext& context, StackRunner runner) {
  CLI::App* command = parent.add_subcommand("build", "Make a distribution of your own");
  auto flags = std::make_shared<BuildFlags>();
  command->add_option("--distro,--template", flags->distro, "Begin with one that is built in")
      ->type_name("NAME");
  command->add_option("--config", flags->config, "Of a build.yaml of any release")
      ->type_name("FILE");
  command
      ->add_option("--providers", flags->providers,
                   "Of these provider types: inference=remote::ollama,files=inline::localfs")
      ->type_name("API=TYPE,...");
  command->add_option("--name,--image-name", flags->name, "What it is called")->type_name("NAME");
  command
      ->add_option("--image-type", flags->image_type,
                   "venv, conda: the two files only; container, docker: a Containerfile, too")
      ->type_name("venv|conda|container|docker")
      ->check(OneOf({"venv", "conda", "container", "docker"}));
  command->add_flag("--list-distros,--list-templates", flags->list,
                    "Print the distributions that are built in");
  command->add_flag("--print-deps-only", flags->print_deps,
                    "Print what would have to be installed: nothing");
  command->add_flag("--force", flags->force, "Write over one of that name");
  if (runner) command->add_flag("--run", flags->run, "Run it when it is made");
  command->footer(
      "It writes NAME-build.yaml and NAME-run.yaml to $LLAMA_HOME/distributions/NAME. Without\n"
      "flags it asks.\n"
      "Examples:\n"
      "  llama stack build --distro starter --name mine\n"
      "  llama stack build --providers inference=inline::cria,inference=remote::vllm --name both\n"
      "  llama stack build --distro postgres-demo --image-type container");
  command->callback([flags, runner = std::move(runner), &context] {
    context.Fail(Build(*flags, context, runner));
  });
}

}  // namespace cria::cli
