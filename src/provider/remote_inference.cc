#include "provider/remote_inference.h"

#include <utility>

#include "provider/openai_client.h"
#include "provider/remote_config.h"
#include "provider/remote_llama_stack.h"

namespace cria::provider {
namespace {

// OpenAI's routes of Ollama, and its own list: that of /v1 doesn't say what a model is.
class RemoteOllama final : public OpenAiClient {
 public:
  using OpenAiClient::OpenAiClient;

 private:
  std::string TagsUrl() const {
    std::string root = config().base_url;
    if (const size_t path = root.rfind("/v1"); path + 3 == root.size()) root.resize(path);
    return root + "/api/tags";
  }
  std::string ModelsUrl(const std::string&) const override { return TagsUrl(); }
  std::string HealthUrl() const override { return TagsUrl(); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Inference>> MakeRemoteInference(const std::string& provider_type,
                                                               const std::string& provider_id,
                                                               const base::json::object& config,
                                                               HttpPool& pool,
                                                               RemoteOptions options) {
  CRIA_ASSIGN_OR_RETURN(RemoteConfig read, ReadRemoteConfig(provider_type, provider_id, config));
  switch (read.type->kind) {
    case RemoteKind::kOllama:
      return std::make_unique<RemoteOllama>(std::move(read), std::move(options), pool);
    case RemoteKind::kLlamaStack:
      return std::make_unique<RemoteLlamaStack>(std::move(read), std::move(options), pool);
    case RemoteKind::kOpenAi:
      break;
  }
  return std::make_unique<OpenAiClient>(std::move(read), std::move(options), pool);
}

}  // namespace cria::provider
