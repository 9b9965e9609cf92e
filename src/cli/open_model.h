// From the MODEL of a command line to a model that runs, with progress on the way.
#ifndef CRIA_CLI_OPEN_MODEL_H_
#define CRIA_CLI_OPEN_MODEL_H_

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "cli/cli_context.h"
#include "engine/embedding.h"
#include "engine/engine.h"
#include "text/message.h"

namespace cria::cli {

// What MODEL stands for where a command line leaves it out.
inline constexpr char kDefaultModel[] = "smollm2:135m";

struct OpenedModel {
  std::string name;                                        // as the user wrote it
  text::ToolFormat tool_format = text::ToolFormat::kJson;  // that the catalogue recommends
  std::unique_ptr<engine::Engine> engine;                  // owns the pool; destroyed last
  std::shared_ptr<const engine::LoadedModel> model;
  double load_s = 0;
};

struct OpenedCheckpoint {
  std::string name;
  text::ToolFormat tool_format = text::ToolFormat::kJson;
  std::shared_ptr<const checkpoint::Checkpoint> checkpoint;
};

// Finds and opens the files, packs nothing. Empty `model`: the default.
absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(const std::string& model);

// Opens, packs and gets ready, with `engine_options.threads` from the context's --threads.
absl::StatusOr<OpenedModel> OpenModel(const CliContext& context, const std::string& model);

// The same for a model that makes vectors: an encoder, or any text model.
struct OpenedEmbedder {
  std::string name;
  std::unique_ptr<base::ThreadPool> pool;
  std::shared_ptr<const engine::TextEmbedder> embedder;
};
absl::StatusOr<OpenedEmbedder> OpenEmbedder(const CliContext& context, const std::string& model);

// Loads `draft` beside it, for Request::draft_model. Its id is `draft` too. Empty: does nothing.
absl::Status LoadDraft(const CliContext& context, const std::string& draft, OpenedModel* opened);

// The kernels that --isa or CRIA_ISA name, or the best; kInvalidArgument names those there are.
absl::StatusOr<const kernels::Kernels*> ChosenKernels(const CliContext& context);
absl::StatusOr<model::ModelOptions> ChosenModelOptions(const CliContext& context);

// A bar on a terminal, nothing elsewhere. One thread.
class ProgressBar {
 public:
  ProgressBar(const CliContext& context, std::string label);
  ~ProgressBar();  // clears the line
  void Update(double fraction);

 private:
  std::string label_;
  bool visible_;
  int shown_ = -1;
};

// Peak resident memory of this process, bytes.
int64_t PeakRssBytes();

}  // namespace cria::cli

#endif  // CRIA_CLI_OPEN_MODEL_H_
