// The stack's inference API as a provider implements it: our own engine, or a server elsewhere.
#ifndef CRIA_PROVIDER_INFERENCE_H_
#define CRIA_PROVIDER_INFERENCE_H_

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "chat/request.h"
#include "chat/stream.h"

namespace cria::provider {

enum class ModelType : uint8_t { kLlm, kEmbedding };

// A model as a provider knows it.
struct ModelInfo {
  std::string id;  // the provider's own
  ModelType type = ModelType::kLlm;
  base::json::object metadata;  // kEmbedding: "embedding_dimension", "context_length"
};

struct Health {
  bool ok = true;
  std::string message;  // what is wrong, or what it is doing ("loading smollm2:135m: 40%")
};

// Any thread may call. Chat, Complete and Embed may wait while a model loads or a connection is
// made: never call them from a thread that serves connections. Errors: kInvalidArgument what the
// request asks can't be done; kNotFound no such model; kResourceExhausted no room (try later, or
// ask for less); kUnavailable the model is loading or the remote failed (trying again may help);
// kUnimplemented names what this provider doesn't do; kDeadlineExceeded a remote took too long;
// kUnauthenticated and kPermissionDenied what a remote answered.
class Inference {
 public:
  virtual ~Inference() = default;
  virtual absl::StatusOr<std::unique_ptr<chat::Stream>> Chat(const chat::ChatRequest& request) = 0;
  virtual absl::StatusOr<std::unique_ptr<chat::Stream>> Complete(
      const chat::CompletionRequest& request) = 0;
  virtual absl::StatusOr<chat::Embeddings> Embed(const chat::EmbeddingRequest& request) = 0;
  // Tokens of the prompt that `request` would become.
  virtual absl::StatusOr<int64_t> CountTokens(const chat::ChatRequest& request) = 0;
  // What it can serve at once or after loading.
  virtual absl::StatusOr<std::vector<ModelInfo>> Models() = 0;
  virtual Health health() = 0;
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_INFERENCE_H_
