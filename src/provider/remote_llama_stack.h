// Another Llama Stack as a provider.
#ifndef CRIA_PROVIDER_REMOTE_LLAMA_STACK_H_
#define CRIA_PROVIDER_REMOTE_LLAMA_STACK_H_

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "provider/openai_client.h"

namespace cria::provider {

// Asks the other one's version once: 0.2 has OpenAI's routes under /v1/openai/v1, later ones under
// /v1. The request's provider data goes along. kUnimplemented: a version without OpenAI's routes.
class RemoteLlamaStack final : public OpenAiClient {
 public:
  using OpenAiClient::OpenAiClient;

 private:
  absl::StatusOr<std::string> ApiUrl() override;
  std::string HealthUrl() const override;
  absl::Status AddCallerHeaders(const chat::Caller& caller,
                                std::vector<std::string>* headers) override;
  std::string Root() const;

  std::atomic<bool> is_ogx_{false};  // newer versions call the header of provider data otherwise
  std::mutex mutex_;                 // guards what follows; held while the server is asked
  std::optional<std::string> api_url_;
};

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_REMOTE_LLAMA_STACK_H_
