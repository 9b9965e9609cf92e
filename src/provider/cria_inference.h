// inline::cria: our own engine as a provider.
#ifndef CRIA_PROVIDER_CRIA_INFERENCE_H_
#define CRIA_PROVIDER_CRIA_INFERENCE_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chat/chat_service.h"
#include "engine/embedding.h"
#include "engine/engine.h"
#include "hub/model_store.h"
#include "model/model.h"
#include "provider/inference.h"

namespace cria::provider {

struct CriaOptions {
  model::ModelOptions model;  // for every model; packed_path and progress are set for each
  bool keep_packed = true;    // weights in the form in which they run, in a file beside the model
  // What happens to requests for a model that another request, or Preload, is just loading: they
  // wait, or get kUnavailable.
  bool wait_while_loading = true;
  int64_t context = 0;      // the most tokens of a prompt and its answer; 0: what a model takes
  std::string draft_model;  // guesses ahead for all others; empty: none
};

// A model is whatever `llama run` takes: a name of the store, or a path. Loaded when it is asked
// for.
class CriaInference : public Inference {
 public:
  // `engine` outlives it and its streams.
  CriaInference(engine::Engine& engine, hub::ModelStore store, CriaOptions options);
  ~CriaInference() override;

  // Loads the models in the background, one after the other. What goes wrong shows in health() and
  // when the model is asked for. Call it once.
  void Preload(std::vector<std::string> models);

  absl::StatusOr<std::unique_ptr<chat::Stream>> Chat(const chat::ChatRequest& request) override;
  absl::StatusOr<std::unique_ptr<chat::Stream>> Complete(
      const chat::CompletionRequest& request) override;
  absl::StatusOr<chat::Embeddings> Embed(const chat::EmbeddingRequest& request) override;
  absl::StatusOr<int64_t> CountTokens(const chat::ChatRequest& request) override;
  absl::StatusOr<std::vector<ModelInfo>> Models() override;
  Health health() override;

 private:
  // A model that was asked for once. Never moves.
  struct Entry {
    std::string engine_id, path;
    text::ToolFormat tool_format = text::ToolFormat::kJson;
    std::atomic<bool> loading{false};
    std::atomic<double> progress{0};                      // of loading
    std::mutex opening;                                   // guards what follows
    std::shared_ptr<const engine::TextEmbedder> encoder;  // of an encoder, once it was asked for
  };

  absl::StatusOr<Entry*> Find(const std::string& model);
  void Declare(Entry* entry);
  absl::StatusOr<chat::ServedModel> Get(const std::string& model, bool wait);
  absl::StatusOr<chat::ServedModel> Serve(const std::string& model);
  absl::StatusOr<std::shared_ptr<const engine::TextEmbedder>> Embedder(const std::string& model);
  absl::Status Load(const std::string& model);

  engine::Engine& engine_;
  const hub::ModelStore store_;
  const CriaOptions options_;
  const chat::ChatService service_;
  std::mutex mutex_;                                       // guards what follows
  std::map<std::string, std::unique_ptr<Entry>> entries_;  // by engine id
  std::string failure_;                                    // of Preload; empty: none
  std::atomic<bool> stopping_{false};
  std::thread preloader_;
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_CRIA_INFERENCE_H_
