#include "provider/cria_inference.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "checkpoint/checkpoint.h"
#include "hub/catalogue.h"
#include "model/packed_file.h"

namespace cria::provider {
namespace {

namespace fs = std::filesystem;

// Smaller models are packed faster than anybody notices.
constexpr uint64_t kLeastPackedFile = 32 << 20;

// About what the weights will take: the size of the files.
uint64_t BytesAt(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const uint64_t size = fs::file_size(path, error);
    return error ? 0 : size;
  }
  uint64_t sum = 0;
  for (const fs::directory_entry& file : fs::directory_iterator(path, error)) {
    if (hub::IsByProduct(file.path().filename().string())) continue;
    const uint64_t size = file.is_regular_file(error) ? file.file_size(error) : 0;
    if (!error) sum += size;
  }
  return sum;
}

engine::TooLong TooLongFrom(chat::EmbeddingRequest::Truncation truncation) {
  switch (truncation) {
    case chat::EmbeddingRequest::Truncation::kStart:
      return engine::TooLong::kCutStart;
    case chat::EmbeddingRequest::Truncation::kEnd:
      return engine::TooLong::kCutEnd;
    case chat::EmbeddingRequest::Truncation::kNone:
      break;
  }
  return engine::TooLong::kRefuse;
}

bool IsEmbeddingModel(const std::string& name) {
  const hub::CatalogueEntry* entry = hub::FindInCatalogue(name);
  return entry != nullptr && entry->prompt == hub::PromptStyle::kEmbedding;
}

}  // namespace

CriaInference::CriaInference(engine::Engine& engine, hub::ModelStore store, CriaOptions options)
    : engine_(engine), store_(std::move(store)), options_(std::move(options)), service_(engine) {}

CriaInference::~CriaInference() {
  stopping_ = true;
  if (preloader_.joinable()) preloader_.join();
}

void CriaInference::Preload(std::vector<std::string> models) {
  preloader_ = std::thread([this, models = std::move(models)] {
    for (const std::string& model : models) {
      if (stopping_) return;
      const absl::Status status = Load(model);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!status.ok()) failure_ = absl::StrCat(model, ": ", std::string(status.message()));
    }
  });
}

absl::StatusOr<CriaInference::Entry*> CriaInference::Find(const std::string& model) {
  CRIA_ASSIGN_OR_RETURN(const hub::ResolvedModel resolved, store_.Resolve(model));
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Entry>& entry = entries_[resolved.name];
  if (entry != nullptr) return entry.get();
  entry = std::make_unique<Entry>();
  entry->engine_id = resolved.name;
  entry->path = resolved.path;
  entry->tool_format =
      text::ToolFormatFromName(resolved.tool_format).value_or(text::ToolFormat::kJson);
  Declare(entry.get());
  return entry.get();
}

// `entry` lives as long as this object, and so longer than any loading.
void CriaInference::Declare(Entry* entry) {
  const auto open = [this, entry]() -> absl::StatusOr<engine::Engine::Opening> {
    engine::Engine::Opening opening;
    opening.options = options_.model;
    CRIA_ASSIGN_OR_RETURN(opening.checkpoint, checkpoint::Checkpoint::Open(entry->path));
    if (options_.keep_packed && opening.checkpoint->bytes() >= kLeastPackedFile)
      opening.options.packed_path = model::PackedPath(*opening.checkpoint);
    opening.options.progress = [entry](double done) { entry->progress = done; };
    return opening;
  };
  engine_.Declare(entry->engine_id, BytesAt(entry->path), open);
}

absl::StatusOr<chat::ServedModel> CriaInference::Get(const std::string& model, bool wait) {
  CRIA_ASSIGN_OR_RETURN(Entry* const entry, Find(model));
  const bool loaded = engine_.Find(entry->engine_id) != nullptr;
  if (!loaded && entry->loading.exchange(true) && !wait)
    return absl::UnavailableError(absl::StrFormat("%s is being loaded (%.0f%%): try again soon",
                                                  entry->engine_id, entry->progress * 100));
  auto got = engine_.Get(entry->engine_id);
  if (!loaded) entry->loading = false;
  if (!got.ok()) return got.status();
  return chat::ServedModel{entry->engine_id, *std::move(got), entry->tool_format, options_.context,
                           ""};
}

// With the model that guesses ahead for it, loaded too.
absl::StatusOr<chat::ServedModel> CriaInference::Serve(const std::string& model) {
  CRIA_ASSIGN_OR_RETURN(chat::ServedModel served, Get(model, options_.wait_while_loading));
  if (options_.draft_model.empty()) return served;
  CRIA_ASSIGN_OR_RETURN(const chat::ServedModel draft,
                        Get(options_.draft_model, options_.wait_while_loading));
  if (draft.engine_id != served.engine_id) served.draft_engine_id = draft.engine_id;
  return served;
}

absl::StatusOr<std::unique_ptr<chat::Stream>> CriaInference::Chat(
    const chat::ChatRequest& request) {
  CRIA_ASSIGN_OR_RETURN(const auto model, Serve(request.model));
  return service_.Chat(model, request);
}

absl::StatusOr<std::unique_ptr<chat::Stream>> CriaInference::Complete(
    const chat::CompletionRequest& request) {
  CRIA_ASSIGN_OR_RETURN(const auto model, Serve(request.model));
  return service_.Complete(model, request);
}

absl::Status CriaInference::Load(const std::string& model) {
  return IsEmbeddingModel(model) ? Embedder(model).status() : Get(model, /*wait=*/true).status();
}

// An encoder is opened here and stays; a text model is the engine's.
absl::StatusOr<std::shared_ptr<const engine::TextEmbedder>> CriaInference::Embedder(
    const std::string& model) {
  CRIA_ASSIGN_OR_RETURN(Entry* const entry, Find(model));
  if (engine_.Find(entry->engine_id) == nullptr) {
    const std::lock_guard<std::mutex> lock(entry->opening);
    if (entry->encoder != nullptr) return entry->encoder;
    CRIA_ASSIGN_OR_RETURN(auto checkpoint, checkpoint::Checkpoint::Open(entry->path));
    if (checkpoint->config().encoder) {
      CRIA_ASSIGN_OR_RETURN(entry->encoder, engine::OpenEmbedder(std::move(checkpoint),
                                                                 options_.model, engine_.pool()));
      return entry->encoder;
    }
  }
  CRIA_ASSIGN_OR_RETURN(chat::ServedModel served, Get(model, options_.wait_while_loading));
  return engine::EmbedderOf(std::move(served.model));
}

absl::StatusOr<chat::Embeddings> CriaInference::Embed(const chat::EmbeddingRequest& request) {
  CRIA_ASSIGN_OR_RETURN(const auto embedder, Embedder(request.model));
  std::vector<std::vector<text::TokenId>> inputs;
  chat::Embeddings out;
  for (const auto& input : request.inputs) {
    auto ids = embedder->Prepare(input, TooLongFrom(request.truncation));
    if (absl::IsResourceExhausted(ids.status()))  // too long: not a matter of trying again
      return absl::InvalidArgumentError(ids.status().message());
    if (!ids.ok()) return ids.status();
    out.prompt_tokens += static_cast<int64_t>(ids->size());
    inputs.push_back(*std::move(ids));
  }
  CRIA_ASSIGN_OR_RETURN(out.vectors, embedder->Embed(inputs, engine_.pool()));
  return out;
}

absl::StatusOr<int64_t> CriaInference::CountTokens(const chat::ChatRequest& request) {
  CRIA_ASSIGN_OR_RETURN(const auto model, Serve(request.model));
  return service_.CountTokens(model, request);
}

absl::StatusOr<std::vector<ModelInfo>> CriaInference::Models() {
  CRIA_ASSIGN_OR_RETURN(const std::vector<hub::InstalledModel> installed, store_.List());
  std::vector<ModelInfo> models;
  for (const hub::InstalledModel& model : installed)
    models.push_back(
        {model.name, IsEmbeddingModel(model.name) ? ModelType::kEmbedding : ModelType::kLlm, {}});
  return models;
}

Health CriaInference::health() {
  const std::lock_guard<std::mutex> lock(mutex_);
  Health health;
  if (!failure_.empty()) return {false, failure_};
  for (const auto& [id, entry] : entries_)
    if (entry->loading)
      health.message = absl::StrFormat("loading %s: %.0f%%", id, entry->progress * 100);
  return health;
}

}  // namespace cria::provider
