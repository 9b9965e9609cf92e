// Who answers: one row a provider type.
#include "stack/provider_tables.h"

namespace cria::stack {
namespace {

constexpr ConfigKey BaseUrl(const char* default_value, const char* variable,
                            bool required = false) {
  return {"base_url", ValueType::kUrl, default_value, "Address of its API",
          variable,   false,           required,      "url uri"};
}
constexpr ConfigKey ApiKey(const char* variable) {
  return {"api_key", ValueType::kString, nullptr, "API key", variable, true, false, "api_token"};
}
constexpr ConfigKey ApiToken(const char* variable) {
  return {"api_token", ValueType::kString, nullptr, "API token", variable, true, false, "api_key"};
}
constexpr ConfigKey Secret(const char* name, const char* variable) {
  return {name, ValueType::kString, nullptr, nullptr, variable, true};
}

// What every server elsewhere has; remote_config.h of the providers says what they mean.
constexpr ConfigKey kRemote[] = {
    {"allowed_models", ValueType::kStrings, nullptr, nullptr, nullptr, false, false,
     "huggingface_repo"},
    {"model_aliases", ValueType::kMap},
    {"refresh_models", ValueType::kBool},
    {"network", ValueType::kMap},
    {"timeout", ValueType::kNumber},
    {"max_tokens", ValueType::kInteger},
    {"tls_verify", ValueType::kAny},
    {"raise_on_connect_error", ValueType::kBool},
};

constexpr ConfigKey kCria[] = {
    {"models", ValueType::kStrings, nullptr, nullptr, nullptr, false, false, "model"},
    {"max_seq_len", ValueType::kInteger, nullptr,
     "Most tokens of a request and its answer; 0: the "
     "model's own limit"},
    {"max_batch_size", ValueType::kInteger, "16", "Requests that run at the same time"},
    {"max_queued", ValueType::kInteger, "64"},
    {"threads", ValueType::kInteger, "0", "Threads; 0: every core"},
    {"isa", ValueType::kString},
    {"kv_type", ValueType::kString, "bf16"},
    {"kv_bytes", ValueType::kInteger, "0"},
    {"weight_bytes", ValueType::kInteger, "0"},
    {"draft_model", ValueType::kString},
    {"wait_while_loading", ValueType::kBool, "true"},
    {"torch_seed", ValueType::kAny, nullptr, nullptr, nullptr, false, false, "seed"},
    {"checkpoint_dir", ValueType::kPath},
    {"quantization", ValueType::kAny},
    {"model_parallel_size", ValueType::kAny},
    {"create_distributed_process_group", ValueType::kAny},
};

constexpr ConfigKey kOllama[] = {BaseUrl("http://localhost:11434/v1", "OLLAMA_URL")};
constexpr ConfigKey kVllm[] = {BaseUrl("http://localhost:8000/v1", "VLLM_URL"),
                               ApiToken("VLLM_API_TOKEN")};
constexpr ConfigKey kTgi[] = {BaseUrl("http://localhost:8080/v1", "TGI_URL"),
                              ApiToken("TGI_API_TOKEN")};
constexpr ConfigKey kLlamaCpp[] = {BaseUrl("http://localhost:8080/v1", "LLAMA_CPP_SERVER_URL"),
                                   ApiKey("LLAMA_CPP_SERVER_API_KEY")};
constexpr ConfigKey kOpenAi[] = {BaseUrl("https://api.openai.com/v1", "OPENAI_BASE_URL"),
                                 ApiKey("OPENAI_API_KEY")};
constexpr ConfigKey kFireworks[] = {
    BaseUrl("https://api.fireworks.ai/inference/v1", "FIREWORKS_BASE_URL"),
    ApiKey("FIREWORKS_API_KEY")};
constexpr ConfigKey kTogether[] = {BaseUrl("https://api.together.xyz/v1", "TOGETHER_BASE_URL"),
                                   ApiKey("TOGETHER_API_KEY")};
constexpr ConfigKey kGroq[] = {BaseUrl("https://api.groq.com/openai/v1", "GROQ_URL"),
                               ApiKey("GROQ_API_KEY")};
constexpr ConfigKey kCerebras[] = {BaseUrl("https://api.cerebras.ai/v1", "CEREBRAS_BASE_URL"),
                                   ApiKey("CEREBRAS_API_KEY")};
constexpr ConfigKey kSambaNova[] = {BaseUrl("https://api.sambanova.ai/v1", "SAMBANOVA_URL"),
                                    ApiKey("SAMBANOVA_API_KEY")};
constexpr ConfigKey kLlamaApi[] = {
    BaseUrl("https://api.llama.com/compat/v1/", "LLAMA_API_BASE_URL"), ApiKey("LLAMA_API_KEY")};
constexpr ConfigKey kNvidia[] = {BaseUrl("https://integrate.api.nvidia.com/v1", "NVIDIA_BASE_URL"),
                                 ApiKey("NVIDIA_API_KEY"),
                                 {"append_api_version", ValueType::kBool, "true"},
                                 {"rerank_model_to_url", ValueType::kMap}};
constexpr ConfigKey kDatabricks[] = {BaseUrl(nullptr, "DATABRICKS_HOST", /*required=*/true),
                                     ApiToken("DATABRICKS_TOKEN")};
constexpr ConfigKey kRunPod[] = {BaseUrl(nullptr, "RUNPOD_URL", /*required=*/true),
                                 ApiToken("RUNPOD_API_TOKEN")};
constexpr ConfigKey kHuggingFaceServerless[] = {
    BaseUrl("https://router.huggingface.co/v1", "HF_ROUTER_URL"), ApiToken("HF_TOKEN")};
constexpr ConfigKey kHuggingFaceEndpoint[] = {
    BaseUrl(nullptr, "HF_ENDPOINT_URL", /*required=*/true), ApiToken("HF_TOKEN")};
constexpr ConfigKey kPassthrough[] = {BaseUrl(nullptr, "PASSTHROUGH_URL", /*required=*/true),
                                      ApiKey("PASSTHROUGH_API_KEY"),
                                      {"forward_headers", ValueType::kMap},
                                      {"extra_blocked_headers", ValueType::kStrings}};
constexpr ConfigKey kGemini[] = {
    BaseUrl("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_BASE_URL"),
    ApiKey("GEMINI_API_KEY")};
constexpr ConfigKey kAnthropic[] = {BaseUrl("https://api.anthropic.com/v1", "ANTHROPIC_BASE_URL"),
                                    ApiKey("ANTHROPIC_API_KEY")};
constexpr ConfigKey kVertexAi[] = {{"project"}, {"location", ValueType::kString, "global"}};
constexpr ConfigKey kAzure[] = {BaseUrl(nullptr, "AZURE_API_BASE", /*required=*/true),
                                ApiKey("AZURE_API_KEY"),
                                {"api_version"},
                                {"api_type", ValueType::kString, "azure"}};
constexpr ConfigKey kWatsonx[] = {BaseUrl("https://us-south.ml.cloud.ibm.com", "WATSONX_BASE_URL"),
                                  ApiKey("WATSONX_API_KEY"),
                                  {"project_id"}};
constexpr ConfigKey kOci[] = {{"oci_auth_type", ValueType::kString, "instance_principal"},
                              {"oci_region", ValueType::kString, "us-ashburn-1"},
                              {"oci_compartment_id"},
                              {"oci_config_file_path", ValueType::kPath},
                              {"oci_config_profile"}};
constexpr ConfigKey kBedrock[] = {
    ApiKey("AWS_BEARER_TOKEN_BEDROCK"),
    Secret("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
    Secret("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"),
    Secret("aws_session_token", "AWS_SESSION_TOKEN"),
    {"aws_role_arn"},
    {"aws_web_identity_token_file", ValueType::kPath},
    {"aws_role_session_name"},
    {"region_name", ValueType::kString, "us-east-2", nullptr, "AWS_DEFAULT_REGION"},
    {"profile_name"},
    {"total_max_attempts", ValueType::kInteger},
    {"retry_mode"},
    {"connect_timeout", ValueType::kNumber, "60"},
    {"read_timeout", ValueType::kNumber, "60"},
    {"session_ttl", ValueType::kInteger, "3600"}};
constexpr ConfigKey kSentenceTransformers[] = {{"trust_remote_code", ValueType::kBool, "false"}};
constexpr ConfigKey kInlineVllm[] = {
    {"tensor_parallel_size", ValueType::kInteger}, {"max_tokens", ValueType::kInteger},
    {"max_model_len", ValueType::kInteger},        {"max_num_seqs", ValueType::kInteger},
    {"enforce_eager", ValueType::kBool},           {"gpu_memory_utilization", ValueType::kNumber}};
constexpr std::span<const ConfigKey> kNone;

constexpr ProviderType kTypes[] = {
    {"inference", "inline::cria",
     "meta-reference inline::meta-reference inline::builtin meta-reference-quantized "
     "inline::meta-reference-quantized",
     "Cria's own engine, in this process", kCria, kNone, true},
    {"inference", "remote::ollama", "", "An Ollama server", kOllama, kRemote, true},
    {"inference", "remote::vllm", "", "A vLLM server", kVllm, kRemote, true},
    {"inference", "remote::llama-cpp-server", "", "The server of llama.cpp", kLlamaCpp, kRemote,
     true},
    {"inference", "remote::openai", "remote::openai-compatible",
     "OpenAI, or any server with its API (base_url)", kOpenAi, kRemote, true},
    {"inference", "remote::passthrough", "remote", "Another Llama Stack", kPassthrough, kRemote,
     true},
    {"inference", "remote::tgi", "", "Text Generation Inference", kTgi, kRemote, true},
    {"inference", "remote::fireworks", "", "Fireworks AI", kFireworks, kRemote, true},
    {"inference", "remote::together", "", "Together AI", kTogether, kRemote, true},
    {"inference", "remote::groq", "", "Groq", kGroq, kRemote, true},
    {"inference", "remote::cerebras", "", "Cerebras", kCerebras, kRemote, true},
    {"inference", "remote::sambanova", "", "SambaNova", kSambaNova, kRemote, true},
    {"inference", "remote::llama-openai-compat", "", "The Llama API", kLlamaApi, kRemote, true},
    {"inference", "remote::nvidia", "", "NVIDIA NIM", kNvidia, kRemote, true},
    {"inference", "remote::gemini", "", "Google Gemini", kGemini, kRemote, true},
    {"inference", "remote::databricks", "", "Databricks model serving", kDatabricks, kRemote, true},
    {"inference", "remote::runpod", "", "RunPod", kRunPod, kRemote, true},
    {"inference", "remote::hf::serverless", "", "Hugging Face's router of inference providers",
     kHuggingFaceServerless, kRemote, true, "hf-serverless"},
    {"inference", "remote::hf::endpoint", "", "A Hugging Face inference endpoint",
     kHuggingFaceEndpoint, kRemote, true, "hf-endpoint"},
    {"inference", "remote::anthropic", "", "Anthropic", kAnthropic, kRemote, true},
    {"inference", "remote::vertexai", "", "Google Vertex AI", kVertexAi, kRemote, false},
    {"inference", "remote::bedrock", "", "Amazon Bedrock", kBedrock, kRemote, false},
    {"inference", "remote::azure", "", "Azure OpenAI", kAzure, kRemote, true},
    {"inference", "remote::watsonx", "", "IBM watsonx.ai", kWatsonx, kRemote, false},
    {"inference", "remote::oci", "", "Oracle Cloud generative AI", kOci, kRemote, false},
    {"inference", "inline::sentence-transformers", "",
     "Embeddings by sentence-transformers; inline::cria makes embeddings too",
     kSentenceTransformers, kNone, false},
    {"inference", "inline::transformers", "", "Rerankers by transformers", kNone, kNone, false},
    {"inference", "inline::vllm", "", "vLLM in this process", kInlineVllm, kNone, false},
};

}  // namespace

std::span<const ProviderType> InferenceTable() { return kTypes; }

}  // namespace cria::stack
