// Inference by a server elsewhere that speaks OpenAI's API.
#ifndef CRIA_PROVIDER_OPENAI_CLIENT_H_
#define CRIA_PROVIDER_OPENAI_CLIENT_H_

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "provider/http_pool.h"
#include "provider/inference.h"
#include "provider/openai_chunk.h"
#include "provider/openai_error.h"
#include "provider/remote_config.h"
#include "provider/remote_health.h"
#include "provider/remote_inference.h"

namespace cria::provider {

// Any thread may call. Chat and Complete never wait for the server: what it answers, errors too,
// comes by the stream, so wait for the first Take before telling a client that all is well. Embed
// and Models wait. Streams may outlive the client, but not the pool. Errors as of Inference.
class OpenAiClient : public Inference {
 public:
  OpenAiClient(RemoteConfig config, RemoteOptions options, HttpPool& pool);

  absl::StatusOr<std::unique_ptr<chat::Stream>> Chat(const chat::ChatRequest& request) override;
  absl::StatusOr<std::unique_ptr<chat::Stream>> Complete(
      const chat::CompletionRequest& request) override;
  absl::StatusOr<chat::Embeddings> Embed(const chat::EmbeddingRequest& request) override;
  // kUnimplemented: a remote's tokenizer isn't known here.
  absl::StatusOr<int64_t> CountTokens(const chat::ChatRequest& request) override;
  // As the server listed them at most ten seconds ago.
  absl::StatusOr<std::vector<ModelInfo>> Models() override;
  // What a short request said lately; waits two seconds at most, and only where nothing is known.
  Health health() override;

 protected:
  // Where OpenAI's routes are; may ask the server once.
  virtual absl::StatusOr<std::string> ApiUrl() { return config_.base_url; }
  virtual std::string ModelsUrl(const std::string& api_url) const { return api_url + "/models"; }
  virtual std::string HealthUrl() const { return config_.base_url + "/models" + config_.query; }
  // Headers beyond those of every request.
  virtual absl::Status AddCallerHeaders(const chat::Caller& caller,
                                        std::vector<std::string>* headers);

  // The 2xx answer to a GET.
  absl::StatusOr<std::string> Get(const std::string& url);
  const RemoteConfig& config() const { return config_; }

 private:
  absl::StatusOr<std::string> RemoteModel(const std::string& model) const;
  absl::StatusOr<std::string> KeyFor(const chat::Caller& caller) const;
  absl::StatusOr<HttpRequest> MakeRequest(const chat::Caller& caller, const std::string& path,
                                          RemoteName* name);
  RemoteName NameWith(const std::string& key) const;
  absl::StatusOr<std::unique_ptr<chat::Stream>> Start(const chat::Caller& caller,
                                                      const std::string& path, std::string body,
                                                      OpenAiAnswerKind kind);

  const RemoteConfig config_;
  const RemoteOptions options_;
  HttpPool& pool_;
  RemoteHealth health_;
  std::mutex models_mutex_;  // guards what follows; held while the server is asked
  std::vector<ModelInfo> models_;
  std::optional<std::chrono::steady_clock::time_point> models_time_;
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_OPENAI_CLIENT_H_
