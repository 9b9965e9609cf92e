// `llama stack configure`: a distribution's run.yaml, by questions.
#include <cstdio>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/stack_commands.h"
#include "cli/stack_prompter.h"
#include "stack/config_draft.h"
#include "stack/config_reader.h"
#include "stack/config_writer.h"
#include "stack/distributions.h"
#include "stack/yaml_document.h"

namespace cria::cli {
namespace {

namespace json = base::json;

struct ConfigureFlags {
  std::string source, output_dir;
};

// What the questions begin with.
struct Start {
  std::string name, run_yaml;
};

absl::StatusOr<std::string> ReadConfigFile(const std::string& path) {
  auto text = base::ReadFile(path, stack::kMaxYamlBytes);
  if (!text.ok()) return base::Annotate(text.status(), path);
  return text;
}

// A run.yaml of any form in the newest, variables as they stand.
absl::StatusOr<Start> StartFromRun(const std::string& text, const std::string& file,
                                   const std::string& name) {
  CRIA_ASSIGN_OR_RETURN(const stack::StackConfig config,
                        stack::ReadStackConfig(text, file, stack::ProcessEnvironment()));
  return Start{name, stack::WriteStackConfig(config)};
}

absl::StatusOr<Start> StartFromBuild(const std::string& text, const std::string& file,
                                     std::string name) {
  CRIA_ASSIGN_OR_RETURN(stack::BuildConfig build,
                        stack::ReadBuildConfig(text, file, stack::ProcessEnvironment()));
  if (build.name.empty()) build.name = name;
  if (build.name.empty())
    return absl::DataLossError(
        absl::StrCat(file, ":1: expected image_name or name, found neither"));
  CRIA_RETURN_IF_ERROR(stack::CheckDistributionName(build.name));
  return Start{build.name, stack::MakeRunConfig(build)};
}

bool LooksLikeBuild(const std::string& text, const std::string& file) {
  const auto root = stack::ParseYaml(text, file);
  return root.ok() && root->Find("distribution_spec") != nullptr;
}

absl::StatusOr<Start> FindStart(const std::string& source) {
  const stack::Environment environment = stack::ProcessEnvironment();
  if (absl::StrContains(source, "/") || absl::EndsWith(source, ".yaml") ||
      absl::EndsWith(source, ".yml")) {
    CRIA_ASSIGN_OR_RETURN(const std::string text, ReadConfigFile(source));
    std::string name = source.substr(source.rfind('/') + 1);
    name = std::string(absl::StripSuffix(absl::StripSuffix(name, ".yaml"), ".yml"));
    name = std::string(absl::StripSuffix(absl::StripSuffix(name, "-build"), "-run"));
    return LooksLikeBuild(text, source) ? StartFromBuild(text, source, name)
                                        : StartFromRun(text, source, name);
  }
  const auto own = stack::FindOwnDistribution(source, environment);
  if (own.ok() && !own->path.empty()) {
    CRIA_ASSIGN_OR_RETURN(const std::string text, ReadConfigFile(own->path));
    return StartFromRun(text, own->path, source);
  }
  if (own.ok()) {
    CRIA_ASSIGN_OR_RETURN(const std::string text, ReadConfigFile(own->build_path));
    return StartFromBuild(text, own->build_path, source);
  }
  if (const stack::EmbeddedDistribution* embedded = stack::FindEmbeddedDistribution(source);
      embedded != nullptr)
    return Start{source, stack::RunYamlAs(*embedded, source)};
  return absl::IsNotFound(own.status()) ? stack::FindDistribution(source, environment).status()
                                        : own.status();
}

absl::Status AskAll(stack::ConfigDraft* draft) {
  StackPrompter prompter;
  const auto& questions = draft->questions();
  if (!prompter.interactive()) {
    std::fputs("llama: note: there is no terminal to ask on: every answer is the default\n",
               stderr);
    for (size_t i = 0; i < questions.size(); ++i) {
      const absl::Status status = draft->Answer(i, "");
      if (!status.ok())
        return base::Annotate(status, absl::StrCat(questions[i].about, ": ", questions[i].text));
    }
    return absl::OkStatus();
  }
  std::string about;
  for (size_t i = 0; i < questions.size(); ++i) {
    if (questions[i].about != about) std::fprintf(stderr, "\n%s\n", questions[i].about.c_str());
    about = questions[i].about;
    const auto answer = prompter.Ask(
        absl::StrCat("  ", questions[i].text, questions[i].required ? "" : " (may be empty)"),
        questions[i].default_answer, {},
        [&](const std::string& text) { return draft->Answer(i, text); });
    CRIA_RETURN_IF_ERROR(answer.status());
  }
  return absl::OkStatus();
}

// Of variables that are unset here nothing can be said: those are set when the server starts.
absl::Status CheckWritten(const std::string& run_yaml, const std::string& path) {
  const auto config = stack::ReadStackConfig(run_yaml, path, stack::ProcessEnvironment());
  const bool unset = absl::StrContains(config.status().message(), "found it unset");
  return unset ? absl::OkStatus() : config.status();
}

absl::Status Configure(const ConfigureFlags& flags, const CliContext& context) {
  CRIA_ASSIGN_OR_RETURN(const Start start, FindStart(flags.source));
  CRIA_ASSIGN_OR_RETURN(stack::ConfigDraft draft,
                        stack::ConfigDraft::From(start.run_yaml, flags.source));
  std::string folder = flags.output_dir;
  if (folder.empty()) {
    CRIA_ASSIGN_OR_RETURN(folder,
                          stack::DistributionFolder(start.name, stack::ProcessEnvironment()));
  }
  draft.SetName(start.name);
  CRIA_RETURN_IF_ERROR(AskAll(&draft));
  const std::string path = absl::StrCat(folder, "/", start.name, "-run.yaml");
  const std::string run_yaml = draft.RunYaml();
  CRIA_RETURN_IF_ERROR(CheckWritten(run_yaml, path));
  CRIA_RETURN_IF_ERROR(stack::WritePrivateFile(path, run_yaml));
  if (context.json)
    std::printf("%s\n", json::serialize(json::object{{"name", start.name}, {"run", path}}).c_str());
  else
    std::printf("%s is written; start it with: llama stack run %s\n", path.c_str(),
                flags.output_dir.empty() ? start.name.c_str() : path.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddStackConfigureCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command =
      parent.add_subcommand("configure", "Write a distribution's run.yaml, by questions");
  auto flags = std::make_shared<ConfigureFlags>();
  command
      ->add_option("source", flags->source,
                   "A distribution, a build.yaml, or a run.yaml of any release")
      ->type_name("NAME|FILE")
      ->required();
  command
      ->add_option("--output-dir", flags->output_dir,
                   "Where NAME-run.yaml goes (default $LLAMA_HOME/distributions/NAME)")
      ->type_name("DIR");
  command->footer(
      "What it finds there already are the answers it proposes. Without a terminal it takes them.\n"
      "Examples:\n"
      "  llama stack configure mine\n"
      "  llama stack configure ./my-build.yaml --output-dir .");
  command->callback([flags, &context] { context.Fail(Configure(*flags, context)); });
}

}  // namespace cria::cli
