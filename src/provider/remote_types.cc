#include "provider/remote_types.h"

namespace cria::provider {
namespace {

constexpr RemoteType kTypes[] = {
    {.type = "remote::vllm",
     .default_url = "",
     .api_path = "/v1",
     .provider_data_key = "vllm_api_token",
     .sampling = SamplingKeys::kVllm,
     .grammar = GrammarKey::kGuidedGrammar,
     .formats_completions = true},
    {.type = "remote::ollama",
     .default_url = "http://localhost:11434",
     .api_path = "/v1",
     .provider_data_key = "",
     .kind = RemoteKind::kOllama},
    {.type = "remote::llama-cpp-server",
     .default_url = "http://localhost:8080",
     .api_path = "/v1",
     .provider_data_key = "",
     .sampling = SamplingKeys::kLlamaCpp,
     .grammar = GrammarKey::kGrammar,
     .formats_completions = true},
    {.type = "remote::tgi", .default_url = "", .api_path = "/v1", .provider_data_key = ""},
    {.type = "remote::hf::serverless",
     .default_url = "https://router.huggingface.co/v1",
     .api_path = "/v1",
     .provider_data_key = ""},
    {.type = "remote::hf::endpoint", .default_url = "", .api_path = "/v1", .provider_data_key = ""},
    {.type = "remote::openai",
     .default_url = "https://api.openai.com/v1",
     .api_path = "/v1",
     .provider_data_key = "openai_api_key",
     .needs_max_completion_tokens = true},
    {.type = "remote::azure",
     .default_url = "",
     .api_path = "/openai/v1",
     .provider_data_key = "azure_api_key",
     .needs_max_completion_tokens = true,
     .key_as_api_key_header = true},
    {.type = "remote::anthropic",
     .default_url = "https://api.anthropic.com/v1",
     .api_path = "/v1",
     .provider_data_key = "anthropic_api_key"},
    {.type = "remote::gemini",
     .default_url = "https://generativelanguage.googleapis.com/v1beta/openai",
     .api_path = "/v1beta/openai",
     .provider_data_key = "gemini_api_key"},
    {.type = "remote::groq",
     .default_url = "https://api.groq.com/openai/v1",
     .api_path = "/openai/v1",
     .provider_data_key = "groq_api_key"},
    {.type = "remote::together",
     .default_url = "https://api.together.xyz/v1",
     .api_path = "/v1",
     .provider_data_key = "together_api_key",
     .sampling = SamplingKeys::kVllm},
    {.type = "remote::fireworks",
     .default_url = "https://api.fireworks.ai/inference/v1",
     .api_path = "/inference/v1",
     .provider_data_key = "fireworks_api_key",
     .sampling = SamplingKeys::kVllm,
     .grammar = GrammarKey::kResponseFormat,
     .formats_completions = true},
    {.type = "remote::cerebras",
     .default_url = "https://api.cerebras.ai/v1",
     .api_path = "/v1",
     .provider_data_key = "cerebras_api_key"},
    {.type = "remote::sambanova",
     .default_url = "https://api.sambanova.ai/v1",
     .api_path = "/v1",
     .provider_data_key = "sambanova_api_key"},
    {.type = "remote::llama-openai-compat",
     .default_url = "https://api.llama.com/compat/v1",
     .api_path = "/compat/v1",
     .provider_data_key = "llama_api_key"},
    {.type = "remote::nvidia",
     .default_url = "https://integrate.api.nvidia.com/v1",
     .api_path = "/v1",
     .provider_data_key = "nvidia_api_key"},
    {.type = "remote::databricks",
     .default_url = "",
     .api_path = "/serving-endpoints",
     .provider_data_key = "databricks_api_token"},
    {.type = "remote::runpod",
     .default_url = "",
     .api_path = "",
     .provider_data_key = "runpod_api_token",
     .sampling = SamplingKeys::kVllm},
    {.type = "remote::passthrough",
     .default_url = "",
     .api_path = "",
     .provider_data_key = "passthrough_api_key",
     .kind = RemoteKind::kLlamaStack},
    {.type = "remote",  // its name at the launch of Llama Stack
     .default_url = "",
     .api_path = "",
     .provider_data_key = "passthrough_api_key",
     .kind = RemoteKind::kLlamaStack},
};

}  // namespace

const RemoteType* FindRemoteType(std::string_view type) {
  for (const RemoteType& known : kTypes)
    if (known.type == type) return &known;
  return nullptr;
}

std::vector<std::string_view> RemoteTypeNames() {
  std::vector<std::string_view> names;
  for (const RemoteType& known : kTypes) names.push_back(known.type);
  return names;
}

}  // namespace cria::provider
