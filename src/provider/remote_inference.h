// Inference providers that run elsewhere.
#ifndef CRIA_PROVIDER_REMOTE_INFERENCE_H_
#define CRIA_PROVIDER_REMOTE_INFERENCE_H_

#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/status.h"
#include "provider/http_pool.h"
#include "provider/inference.h"

namespace cria::provider {

struct RemoteOptions {
  // The server's name of a model, where it has another than clients use ("llama3.2:3b" of Ollama
  // for "meta-llama/Llama-3.2-3B-Instruct"); empty: the same. Asked after `model_aliases` of the
  // configuration. Any thread may call it. May be null.
  std::function<std::string(const std::string& model)> alias;
};

// A provider of a type of remote_types.h, by the keys that remote_config.h lists; nothing is sent
// yet. `pool` outlives it. kInvalidArgument names the key that is wrong or missing; kUnimplemented:
// no such type.
absl::StatusOr<std::unique_ptr<Inference>> MakeRemoteInference(const std::string& provider_type,
                                                               const std::string& provider_id,
                                                               const base::json::object& config,
                                                               HttpPool& pool,
                                                               RemoteOptions options = {});

}  // namespace cria::provider

#endif  // CRIA_PROVIDER_REMOTE_INFERENCE_H_
