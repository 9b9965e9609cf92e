// `llama model download`, `pull`, `import`: how models come to this machine.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "absl/strings/str_split.h"
#include "base/json.h"
#include "cli/flag_checks.h"
#include "cli/interrupt.h"
#include "cli/model_commands.h"
#include "cli/model_progress.h"
#include "hub/disk.h"
#include "hub/fetch.h"

namespace cria::cli {
namespace {

namespace json = base::json;

// What downloads of every source share.
struct NetworkFlags {
  int max_parallel = 3;
  int tries = 5;
  int stall_timeout_s = 30;
  std::string hf_token;
  std::string ignore_patterns;
  bool has_ignore_patterns = false;
};

struct DownloadFlags {
  NetworkFlags network;
  std::string source;
  std::string model_ids;
  std::string meta_url;
  std::string manifest_file;
};

std::vector<std::string> SplitList(const std::string& text) {
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

void AddNetworkFlags(CLI::App& command, NetworkFlags& flags) {
  command
      .add_option("--hf-token", flags.hf_token,
                  "Hugging Face token for gated models (better: HF_TOKEN)")
      ->type_name("TOKEN");
  command.add_option("--max-parallel", flags.max_parallel, "Files at once (default 3)")
      ->type_name("N")
      ->check(WholeNumber(1, 64));
  command
      .add_option("--ignore-patterns", flags.ignore_patterns,
                  "Files to leave out, e.g. '*.pth,original/*' (default: *.safetensors where there "
                  "are *.pth)")
      ->type_name("P[,P]");
  command.add_option("--tries", flags.tries, "Tries of a file that gets nowhere (default 5)")
      ->type_name("N")
      ->check(WholeNumber(1, 1000));
  command
      .add_option("--stall-timeout", flags.stall_timeout_s,
                  "Seconds without data until a new try (default 30)")
      ->type_name("S")
      ->check(WholeNumber(1, 3600));
}

hub::FetchOptions MakeOptions(const NetworkFlags& flags, DownloadProgress& progress) {
  hub::FetchOptions options;
  options.http.stall_timeout = std::chrono::seconds(flags.stall_timeout_s);
  options.http.connect_timeout = options.http.stall_timeout;
  options.max_parallel = flags.max_parallel;
  options.tries = flags.tries;
  options.hugging_face_token = flags.hf_token;
  if (const char* token = std::getenv("HF_TOKEN");
      options.hugging_face_token.empty() && token != nullptr)
    options.hugging_face_token = token;
  if (flags.has_ignore_patterns) options.ignore_patterns = SplitList(flags.ignore_patterns);
  options.cancelled = &Interrupted;
  options.observer = &progress;
  return options;
}

json::object ToJson(const hub::InstalledModel& model) {
  json::array files;
  for (const hub::LocalFile& file : model.files)
    files.push_back(
        json::object{{"path", file.path}, {"bytes", file.size}, {"sha256", file.sha256}});
  return json::object{{"name", model.name},
                      {"path", model.directory},
                      {"source", model.source},
                      {"bytes", model.bytes},
                      {"files", std::move(files)}};
}

void Report(const std::vector<hub::Fetched>& fetched, const CliContext& context) {
  if (context.json) {
    json::array models;
    for (const hub::Fetched& one : fetched) {
      json::object model = ToJson(one.model);
      model["was_there"] = one.was_there;
      models.push_back(std::move(model));
    }
    PrintJsonLine(json::object{{"models", std::move(models)}});
    return;
  }
  for (const hub::Fetched& one : fetched)
    std::printf("%s %s: %s in %s\n", one.model.name.c_str(),
                one.was_there ? "was here already" : "is here",
                hub::HumanBytes(one.model.bytes).c_str(), one.model.directory.c_str());
}

absl::StatusOr<std::vector<hub::Fetched>> Fetch(const DownloadFlags& flags,
                                                const CliContext& context) {
  const std::vector<std::string> ids = SplitList(flags.model_ids);
  CRIA_ASSIGN_OR_RETURN(const hub::ModelStore store, hub::ModelStore::FromEnvironment());
  DownloadProgress progress(context);
  const hub::FetchOptions options = MakeOptions(flags.network, progress);
  if (!flags.manifest_file.empty())
    return hub::FetchFromManifest(store, flags.manifest_file, ids, options);
  if (ids.empty())
    return absl::InvalidArgumentError(
        "download: say which model: --model-id ID[,ID]; llama model list shows them");
  const bool from_meta =
      flags.source == "meta" || (flags.source.empty() && !flags.meta_url.empty());
  if (from_meta && flags.meta_url.empty())
    return absl::InvalidArgumentError(
        "download: --source meta needs --meta-url URL, the signed URL that Meta sends by e-mail "
        "after you accept the "
        "licence at https://www.llama.com/llama-downloads");
  std::vector<hub::Fetched> fetched;
  for (const std::string& id : ids) {
    CRIA_ASSIGN_OR_RETURN(hub::Fetched one,
                          from_meta ? hub::FetchFromMeta(store, id, flags.meta_url, options)
                                    : hub::FetchFromHuggingFace(store, id, options));
    fetched.push_back(std::move(one));
  }
  return fetched;
}

absl::Status Download(const DownloadFlags& flags, const CliContext& context) {
  const PolledInterrupts polled;
  CRIA_ASSIGN_OR_RETURN(const std::vector<hub::Fetched> fetched, Fetch(flags, context));
  Report(fetched, context);
  return absl::OkStatus();
}

absl::Status Pull(const std::string& name, const NetworkFlags& flags, const CliContext& context) {
  const PolledInterrupts polled;
  CRIA_ASSIGN_OR_RETURN(const hub::ModelStore store, hub::ModelStore::FromEnvironment());
  absl::StatusOr<hub::Fetched> fetched;
  {
    DownloadProgress progress(context);
    fetched = hub::PullModel(store, name, MakeOptions(flags, progress));
  }
  if (!fetched.ok()) return fetched.status();
  Report({*fetched}, context);
  return absl::OkStatus();
}

absl::Status Import(const std::string& path, const std::string& name, bool force,
                    const CliContext& context) {
  const PolledInterrupts polled;
  CRIA_ASSIGN_OR_RETURN(const hub::ModelStore store, hub::ModelStore::FromEnvironment());
  CRIA_ASSIGN_OR_RETURN(hub::InstalledModel model,
                        hub::ImportModel(store, path, name, force, &Interrupted));
  Report({hub::Fetched{std::move(model), false}}, context);
  return absl::OkStatus();
}

}  // namespace

void AddModelDownloadCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command =
      parent.add_subcommand("download", "Download models from Hugging Face or Meta");
  auto flags = std::make_shared<DownloadFlags>();
  command
      ->add_option("--source", flags->source,
                   "Where from (default huggingface; meta with --meta-url)")
      ->type_name("meta|huggingface")
      ->check(OneOf({"meta", "huggingface"}));
  command
      ->add_option("--model-id", flags->model_ids,
                   "Names of `llama model list`, or Hugging Face ids")
      ->type_name("ID[,ID]");
  command->add_option("--meta-url", flags->meta_url, "The signed URL of Meta's e-mail")
      ->type_name("URL");
  command
      ->add_option("--manifest-file", flags->manifest_file, "A JSON list of files and their URLs")
      ->type_name("FILE");
  AddNetworkFlags(*command, flags->network);
  command->footer(
      "HF_ENDPOINT names a mirror of https://huggingface.co. What an interruption leaves is gone "
      "on with.\n"
      "Examples:\n"
      "  HF_TOKEN=hf_... llama download --source huggingface --model-id Llama3.2-1B-Instruct\n"
      "  llama download --source huggingface --model-id HuggingFaceTB/SmolLM2-360M-Instruct\n"
      "  llama download --source meta --model-id Llama3.2-3B-Instruct --meta-url 'https://...'");
  command->callback([command, flags, &context] {
    flags->network.has_ignore_patterns = command->count("--ignore-patterns") > 0;
    context.Fail(Download(*flags, context));
  });
}

void AddModelPullCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand("pull", "Get a model from wherever the catalogue says");
  auto name = std::make_shared<std::string>();
  auto flags = std::make_shared<NetworkFlags>();
  command->add_option("name", *name, "A name of `llama model list`, a tag, or a Hugging Face id")
      ->type_name("NAME")
      ->required();
  AddNetworkFlags(*command, *flags);
  command->footer(
      "Examples:\n"
      "  llama model pull smollm2:135m\n"
      "  llama model pull HuggingFaceTB/SmolLM2-360M-Instruct");
  command->callback([command, name, flags, &context] {
    flags->has_ignore_patterns = command->count("--ignore-patterns") > 0;
    context.Fail(Pull(*name, *flags, context));
  });
}

void AddModelImportCommand(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand(
      "import", "Keep a model file or directory of this machine under a name");
  auto path = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  command->add_option("file", *path, "A GGUF or llama2.c file, or a directory")
      ->type_name("FILE")
      ->required();
  command->add_option("--name", *name, "What to call it")->type_name("NAME")->required();
  command->add_flag("-f,--force", *force, "Replace a model of that name");
  command->footer(
      "Examples:\n"
      "  llama model import ./my-model.gguf --name mine:1b\n"
      "  llama model import ./a-directory --name mine:8b --force");
  command->callback(
      [path, name, force, &context] { context.Fail(Import(*path, *name, *force, context)); });
}

}  // namespace cria::cli
