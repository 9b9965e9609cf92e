#include "cli/open_model.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "cli/interrupt.h"
#include "hub/model_store.h"

namespace cria::cli {
namespace {

// Smaller models are packed faster than anybody notices.
constexpr uint64_t kLeastPackedFile = 32 << 20;

std::string IsaNames() {
  std::vector<std::string> names;
  for (const kernels::Kernels* kernels : kernels::AllKernels()) names.emplace_back(kernels->isa);
  return absl::StrJoin(names, ", ");
}

absl::StatusOr<kernels::KvType> KvTypeFromName(const std::string& name) {
  for (const kernels::KvType type :
       {kernels::KvType::kBf16, kernels::KvType::kInt8, kernels::KvType::kF32})
    if (name == kernels::Name(type)) return type;
  return absl::InvalidArgumentError(
      absl::StrCat("--kv-type: expected bf16, int8 or f32, found '", name, "'"));
}

}  // namespace

absl::StatusOr<const kernels::Kernels*> ChosenKernels(const CliContext& context) {
  const char* environment = std::getenv("CRIA_ISA");
  const bool by_flag = !context.isa.empty();
  const std::string name = by_flag ? context.isa : environment != nullptr ? environment : "";
  const base::CpuFeatures cpu = base::DetectCpu();
  if (name.empty()) return &kernels::BestKernels(cpu);
  const char* source = by_flag ? "--isa" : "CRIA_ISA";
  const kernels::Kernels* kernels = kernels::FindKernels(name);
  if (kernels == nullptr)
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": expected one of ", IsaNames(), ", found '", name, "'"));
  if (!kernels::Runs(*kernels, cpu))
    return absl::InvalidArgumentError(absl::StrCat(source, ": this processor (", cpu.model,
                                                   ") can't run '", name,
                                                   "'; see llama inspect --cpu"));
  return kernels;
}

absl::StatusOr<model::ModelOptions> ChosenModelOptions(const CliContext& context) {
  model::ModelOptions options;
  CRIA_ASSIGN_OR_RETURN(options.kernels, ChosenKernels(context));
  CRIA_ASSIGN_OR_RETURN(options.kv_type, KvTypeFromName(context.kv_type));
  options.f32_activations = context.f32_activations;
  return options;
}

absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(const std::string& model) {
  OpenedCheckpoint opened;
  opened.name = model.empty() ? kDefaultModel : model;
  CRIA_ASSIGN_OR_RETURN(const hub::ModelStore store, hub::ModelStore::FromEnvironment());
  CRIA_ASSIGN_OR_RETURN(const hub::ResolvedModel resolved, store.Resolve(opened.name));
  opened.tool_format =
      text::ToolFormatFromName(resolved.tool_format).value_or(text::ToolFormat::kJson);
  CRIA_ASSIGN_OR_RETURN(opened.checkpoint, checkpoint::Checkpoint::Open(resolved.path));
  return opened;
}

namespace {

// How to load an opened checkpoint. `load` packs it, or maps what an earlier run has packed; a bar
// shows how far that is.
template <typename Loaded>
absl::StatusOr<Loaded> LoadWithProgress(
    const CliContext& context, const OpenedCheckpoint& files,
    const std::function<absl::StatusOr<Loaded>(const model::ModelOptions&)>& load) {
  CRIA_ASSIGN_OR_RETURN(model::ModelOptions options, ChosenModelOptions(context));
  const bool keeps = !context.no_packed_file && !files.checkpoint->config().encoder;
  if (keeps && files.checkpoint->bytes() >= kLeastPackedFile)
    options.packed_path = model::PackedPath(*files.checkpoint);
  const RemovedOnInterrupt unfinished(
      options.packed_path.empty() ? ""
                                  : absl::StrCat(options.packed_path, base::kUnfinishedSuffix));
  ProgressBar bar(context, absl::StrCat("Loading ", files.name));
  options.progress = [&bar](double fraction) { bar.Update(fraction); };
  return load(options);
}

using LoadedPtr = std::shared_ptr<const engine::LoadedModel>;

absl::StatusOr<LoadedPtr> LoadInto(engine::Engine& engine, const CliContext& context,
                                   const OpenedCheckpoint& files) {
  CRIA_ASSIGN_OR_RETURN(auto model,
                        LoadWithProgress<LoadedPtr>(context, files, [&](const auto& options) {
                          return engine.Load(files.name, files.checkpoint, options);
                        }));
  const absl::Status& kept = model->model().packed_file_status();
  if (context.verbose && !kept.ok())
    std::fprintf(stderr, "llama: note: packed weights are not kept: %s\n",
                 std::string(kept.message()).c_str());
  return model;
}

absl::Status CheckContext(const CliContext& context, const OpenedCheckpoint& files) {
  const int64_t most = files.checkpoint->config().max_context;
  if (context.context >= 0 && context.context <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--context: expected 1 to ", most, " (what the model takes), found ", context.context));
}

}  // namespace

absl::StatusOr<OpenedModel> OpenModel(const CliContext& context, const std::string& model) {
  const auto start = std::chrono::steady_clock::now();
  CRIA_RETURN_IF_ERROR(ChosenModelOptions(context).status());  // a wrong flag, before any reading
  CRIA_ASSIGN_OR_RETURN(const OpenedCheckpoint files, OpenCheckpoint(model));
  CRIA_RETURN_IF_ERROR(CheckContext(context, files));
  OpenedModel opened;
  opened.name = files.name;
  opened.tool_format = files.tool_format;
  engine::EngineOptions engine_options;
  engine_options.threads = context.threads;
  {
    const SignalsOnThisThreadOnly main_only;
    opened.engine = std::make_unique<engine::Engine>(engine_options);
  }
  CRIA_ASSIGN_OR_RETURN(opened.model, LoadInto(*opened.engine, context, files));
  opened.load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return opened;
}

absl::StatusOr<OpenedEmbedder> OpenEmbedder(const CliContext& context, const std::string& model) {
  CRIA_RETURN_IF_ERROR(ChosenModelOptions(context).status());  // a wrong flag, before any reading
  CRIA_ASSIGN_OR_RETURN(const OpenedCheckpoint files, OpenCheckpoint(model));
  CRIA_RETURN_IF_ERROR(CheckContext(context, files));
  OpenedEmbedder opened;
  opened.name = files.name;
  {
    const SignalsOnThisThreadOnly main_only;
    opened.pool = std::make_unique<base::ThreadPool>(context.threads > 0 ? context.threads
                                                                         : base::UsableCores());
  }
  using Embedder = std::shared_ptr<const engine::TextEmbedder>;
  CRIA_ASSIGN_OR_RETURN(opened.embedder,
                        LoadWithProgress<Embedder>(context, files, [&](const auto& options) {
                          return engine::OpenEmbedder(files.checkpoint, options, *opened.pool);
                        }));
  return opened;
}

absl::Status LoadDraft(const CliContext& context, const std::string& draft, OpenedModel* opened) {
  if (draft.empty() || draft == opened->name) return absl::OkStatus();
  CRIA_ASSIGN_OR_RETURN(OpenedCheckpoint files, OpenCheckpoint(draft));
  return LoadInto(*opened->engine, context, std::move(files)).status();
}

ProgressBar::ProgressBar(const CliContext& context, std::string label)
    : label_(std::move(label)), visible_(!context.quiet && StderrIsTerminal()) {}

ProgressBar::~ProgressBar() {
  if (visible_ && shown_ >= 0) std::fprintf(stderr, "\r\033[K");
}

void ProgressBar::Update(double fraction) {
  const int percent = static_cast<int>(fraction * 100);
  if (!visible_ || percent == shown_) return;
  shown_ = percent;
  constexpr int kWidth = 30;
  const std::string done(static_cast<size_t>(percent * kWidth / 100), '#');
  std::fprintf(stderr, "\r%s [%-*s] %3d%%", label_.c_str(), kWidth, done.c_str(), percent);
}

int64_t PeakRssBytes() {
  // Not ru_maxrss: that of the program that started this one survives exec.
  constexpr uint64_t kMaxStatusBytes = 1 << 20;
  const std::string status = base::ReadFile("/proc/self/status", kMaxStatusBytes).value_or("");
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    int64_t kilobytes = 0;
    absl::string_view value = line;
    if (absl::ConsumePrefix(&value, "VmHWM:") && absl::ConsumeSuffix(&value, "kB") &&
        absl::SimpleAtoi(value, &kilobytes))
      return kilobytes * 1024;
  }
  return 0;
}

}  // namespace cria::cli
