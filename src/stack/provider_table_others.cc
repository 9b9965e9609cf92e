// Providers of the APIs beside inference: one row a provider type.
#include "stack/provider_tables.h"

namespace cria::stack {
namespace {

constexpr ConfigKey Secret(const char* name, const char* variable = nullptr) {
  return {name, ValueType::kString, nullptr, nullptr, variable, true};
}
constexpr ConfigKey Any(const char* name) { return {name, ValueType::kAny}; }

constexpr std::span<const ConfigKey> kNone;
constexpr ConfigKey kAws[] = {Secret("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
                              Secret("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"),
                              Secret("aws_session_token", "AWS_SESSION_TOKEN"),
                              {"region_name"},
                              {"region", ValueType::kString, "us-east-1"},
                              {"profile_name"},
                              {"aws_profile"},
                              {"total_max_attempts", ValueType::kInteger},
                              {"retry_mode"},
                              {"connect_timeout", ValueType::kNumber, "60"},
                              {"read_timeout", ValueType::kNumber, "60"},
                              {"session_ttl", ValueType::kInteger, "3600"}};

constexpr ConfigKey kLocalFs[] = {
    {"storage_dir", ValueType::kPath, nullptr, "Folder for the files", nullptr, false, true},
    {"metadata_store", ValueType::kMap},
    {"ttl_secs", ValueType::kInteger, "31536000"}};
constexpr ConfigKey kS3[] = {
    {"bucket_name", ValueType::kString, nullptr, "Bucket", nullptr, false, true},
    {"endpoint_url", ValueType::kUrl},
    {"auto_create_bucket", ValueType::kBool, "false"},
    {"metadata_store", ValueType::kMap}};
constexpr ConfigKey kOpenAiFiles[] = {Secret("api_key", "OPENAI_API_KEY"),
                                      {"metadata_store", ValueType::kMap}};

constexpr ConfigKey kResponses[] = {{"persistence", ValueType::kMap},
                                    {"compaction_config", ValueType::kMap},
                                    {"vector_stores_config", ValueType::kMap}};
constexpr ConfigKey kBatches[] = {{"kvstore", ValueType::kMap},
                                  {"max_concurrent_batches", ValueType::kInteger, "1"},
                                  {"max_concurrent_requests_per_batch", ValueType::kInteger, "10"}};

constexpr ConfigKey kLlamaGuard[] = {{"excluded_categories", ValueType::kStrings},
                                     Any("llama_guard_shield"),
                                     Any("prompt_guard_shield")};
constexpr ConfigKey kPromptGuard[] = {{"guard_type", ValueType::kString, "injection"}};
constexpr ConfigKey kNvidiaSafety[] = {
    {"guardrails_service_url", ValueType::kUrl, "http://0.0.0.0:7331"},
    {"config_id", ValueType::kString, "self-check"}};
constexpr ConfigKey kUrlAndKey[] = {
    {"base_url", ValueType::kUrl, nullptr, nullptr, nullptr, false, false, "url"},
    Secret("api_key"),
    {"forward_headers", ValueType::kMap}};

constexpr ConfigKey kPersistence[] = {
    {"persistence", ValueType::kMap, nullptr, nullptr, nullptr, false, false, "kvstore"},
    {"db_path", ValueType::kPath}};
constexpr ConfigKey kServerAddress[] = {
    {"host"},
    {"port", ValueType::kInteger},
    {"url", ValueType::kUrl},
    {"persistence", ValueType::kMap, nullptr, nullptr, nullptr, false, false, "kvstore"}};
constexpr ConfigKey kQdrantInline[] = {{"path", ValueType::kPath}};
constexpr ConfigKey kQdrant[] = {{"location"},
                                 {"grpc_port", ValueType::kInteger, "6334"},
                                 {"prefer_grpc", ValueType::kBool, "false"},
                                 {"https", ValueType::kBool},
                                 Secret("api_key"),
                                 {"prefix"},
                                 {"timeout", ValueType::kNumber}};
constexpr ConfigKey kPgVector[] = {{"db"},
                                   {"user"},
                                   Secret("password", "PGVECTOR_PASSWORD"),
                                   {"distance_metric", ValueType::kString, "COSINE"},
                                   {"vector_index", ValueType::kMap}};
constexpr ConfigKey kMilvus[] = {
    {"uri"}, Secret("token"), {"consistency_level", ValueType::kString, "Strong"}};
constexpr ConfigKey kWeaviate[] = {Secret("weaviate_api_key"), {"weaviate_cluster_url"}};
constexpr ConfigKey kElasticsearch[] = {{"elasticsearch_url", ValueType::kUrl},
                                        Secret("elasticsearch_api_key")};
constexpr ConfigKey kInfinispan[] = {{"username"},
                                     Secret("password"),
                                     {"use_https", ValueType::kBool},
                                     {"auth_mechanism", ValueType::kString, "digest"},
                                     {"verify_tls", ValueType::kBool}};
constexpr ConfigKey kOracle[] = {{"conn_str"},
                                 {"user"},
                                 Secret("password"),
                                 {"tnsnames_loc", ValueType::kPath},
                                 {"ewallet_pem_loc", ValueType::kPath},
                                 Secret("ewallet_password"),
                                 {"vector_datatype", ValueType::kString, "FLOAT32"}};

constexpr ConfigKey kBrave[] = {Secret("api_key", "BRAVE_SEARCH_API_KEY"),
                                {"max_results", ValueType::kInteger, "3"}};
constexpr ConfigKey kTavily[] = {Secret("api_key", "TAVILY_SEARCH_API_KEY"),
                                 {"max_results", ValueType::kInteger, "3"}};
constexpr ConfigKey kBing[] = {Secret("api_key", "BING_SEARCH_API_KEY"),
                               {"top_k", ValueType::kInteger, "3"}};
constexpr ConfigKey kWolfram[] = {Secret("api_key", "WOLFRAM_ALPHA_API_KEY")};
constexpr ConfigKey kFileSearch[] = {{"vector_stores_config", ValueType::kMap}};

constexpr ConfigKey kChunks[] = {{"default_chunk_size_tokens", ValueType::kInteger, "800"},
                                 {"default_chunk_overlap_tokens", ValueType::kInteger, "400"},
                                 {"extract_metadata", ValueType::kBool, "true"},
                                 {"clean_text", ValueType::kBool, "true"}};
constexpr ConfigKey kDoclingServe[] = {{"base_url", ValueType::kUrl, "http://localhost:5001/v1"},
                                       Secret("api_key")};

constexpr ConfigKey kTelemetry[] = {{"service_name"},
                                    {"sinks", ValueType::kAny},
                                    {"sqlite_db_path", ValueType::kPath},
                                    {"otel_exporter_otlp_endpoint"},
                                    {"jaeger_host"},
                                    {"jaeger_port", ValueType::kInteger}};
constexpr ConfigKey kKvStore[] = {{"kvstore", ValueType::kMap}};
constexpr ConfigKey kBraintrust[] = {Secret("openai_api_key", "OPENAI_API_KEY")};
constexpr ConfigKey kNvidiaTraining[] = {Secret("api_key", "NVIDIA_API_KEY"),
                                         {"dataset_namespace"},
                                         {"project_id"},
                                         {"datasets_url", ValueType::kUrl},
                                         {"evaluator_url", ValueType::kUrl},
                                         {"customizer_url", ValueType::kUrl},
                                         {"timeout", ValueType::kNumber, "300"},
                                         {"max_retries", ValueType::kInteger, "3"},
                                         {"output_model_dir"}};
constexpr ConfigKey kTraining[] = {Any("torch_seed"),
                                   Any("checkpoint_format"),
                                   Any("device"),
                                   Any("distributed_backend"),
                                   Any("chat_template"),
                                   Any("model_specific_config"),
                                   Any("max_seq_length"),
                                   Any("gradient_checkpointing"),
                                   Any("save_total_limit"),
                                   Any("logging_steps"),
                                   Any("warmup_ratio"),
                                   Any("weight_decay"),
                                   Any("dataloader_num_workers"),
                                   Any("dataloader_pin_memory"),
                                   Any("dpo_beta"),
                                   Any("use_reference_model"),
                                   Any("dpo_loss_type"),
                                   Any("dpo_output_dir")};

constexpr ProviderType kTypes[] = {
    {"files", "inline::localfs", "", "A folder of this machine", kLocalFs, kNone, true},
    {"files", "remote::s3", "", "Amazon S3, or a store with its API", kS3, kAws, false},
    {"files", "remote::openai", "", "OpenAI's files", kOpenAiFiles, kNone, false},

    {"responses", "inline::builtin", "meta-reference inline::meta-reference",
     "Responses and agents, in this process", kResponses, kNone, false},
    {"messages", "inline::builtin", "", "Messages over inference", kNone, kNone, false},
    {"interactions", "inline::builtin", "", "Interactions over inference", kNone, kNone, false},
    {"batches", "inline::reference", "", "Batches, in this process", kBatches, kNone, false},

    {"safety", "inline::llama-guard", "meta-reference inline::meta-reference", "Llama Guard",
     kLlamaGuard, kNone, false},
    {"safety", "inline::prompt-guard", "", "Prompt Guard", kPromptGuard, kNone, false},
    {"safety", "inline::code-scanner", "", "Insecure code found", kNone, kNone, false},
    {"safety", "remote::bedrock", "", "Amazon Bedrock guardrails", kNone, kAws, false},
    {"safety", "remote::nvidia", "", "NVIDIA NeMo Guardrails", kNvidiaSafety, kNone, false},
    {"safety", "remote::sambanova", "", "SambaNova", kUrlAndKey, kNone, false},
    {"safety", "remote::together", "", "Together AI", kUrlAndKey, kNone, false},
    {"safety", "remote::passthrough", "remote", "Another Llama Stack", kUrlAndKey, kNone, false},

    {"vector_io", "inline::faiss", "meta-reference inline::meta-reference", "FAISS", kNone,
     kPersistence, false},
    {"vector_io", "inline::sqlite-vec", "inline::sqlite_vec", "Vectors in SQLite", kNone,
     kPersistence, false},
    {"vector_io", "inline::chromadb", "", "Chroma, in this process", kNone, kPersistence, false},
    {"vector_io", "inline::qdrant", "", "Qdrant, in this process", kQdrantInline, kPersistence,
     false},
    {"vector_io", "inline::milvus", "", "Milvus Lite", kMilvus, kPersistence, false},
    {"vector_io", "remote::chromadb", "", "A Chroma server", kNone, kServerAddress, false},
    {"vector_io", "remote::pgvector", "", "PostgreSQL with pgvector", kPgVector, kServerAddress,
     false},
    {"vector_io", "remote::qdrant", "", "A Qdrant server", kQdrant, kServerAddress, false},
    {"vector_io", "remote::weaviate", "", "A Weaviate cluster", kWeaviate, kServerAddress, false},
    {"vector_io", "remote::milvus", "", "A Milvus server", kMilvus, kServerAddress, false},
    {"vector_io", "remote::elasticsearch", "", "Elasticsearch", kElasticsearch, kServerAddress,
     false},
    {"vector_io", "remote::infinispan", "", "Infinispan", kInfinispan, kServerAddress, false},
    {"vector_io", "remote::oci", "", "Oracle Database 23ai", kOracle, kServerAddress, false},
    {"vector_io", "remote::passthrough", "remote", "Another Llama Stack", kUrlAndKey, kNone, false},

    {"tool_runtime", "remote::brave-search", "", "Brave Search", kBrave, kNone, false},
    {"tool_runtime", "remote::tavily-search", "", "Tavily Search", kTavily, kNone, false},
    {"tool_runtime", "remote::bing-search", "", "Bing Search", kBing, kNone, false},
    {"tool_runtime", "remote::wolfram-alpha", "", "Wolfram Alpha", kWolfram, kNone, false},
    {"tool_runtime", "remote::model-context-protocol", "", "Tools of MCP servers", kNone, kNone,
     false},
    {"tool_runtime", "inline::file-search", "inline::rag-runtime", "Search in vector stores",
     kFileSearch, kNone, false},
    {"tool_runtime", "inline::code-interpreter", "", "Python that a model writes", kNone, kNone,
     false},

    {"file_processors", "inline::auto", "", "By the file's kind", kChunks, kNone, false},
    {"file_processors", "inline::pypdf", "", "PDF", kChunks, kNone, false},
    {"file_processors", "inline::markitdown", "", "Office files, HTML", kChunks, kNone, false},
    {"file_processors", "inline::docling", "", "Docling", kChunks, kNone, false},
    {"file_processors", "remote::docling-serve", "", "A Docling server", kDoclingServe, kChunks,
     false},

    {"telemetry", "inline::meta-reference", "", "Traces to the console, a file or OTLP", kTelemetry,
     kNone, false},
    {"telemetry", "remote::opentelemetry-jaeger", "", "A Jaeger server", kTelemetry, kNone, false},
    {"eval", "inline::meta-reference", "", "Benchmarks, in this process", kNone, kKvStore, false},
    {"eval", "remote::nvidia", "", "NVIDIA NeMo Evaluator", kNvidiaTraining, kNone, false},
    {"scoring", "inline::basic", "", "Comparisons of text", kNone, kNone, false},
    {"scoring", "inline::llm-as-judge", "", "Scores by a model", kNone, kNone, false},
    {"scoring", "inline::braintrust", "", "Braintrust's scores", kBraintrust, kNone, false},
    {"datasetio", "inline::localfs", "", "Data sets in files", kNone, kKvStore, false},
    {"datasetio", "remote::huggingface", "", "Data sets on Hugging Face", kNone, kKvStore, false},
    {"datasetio", "remote::nvidia", "", "NVIDIA NeMo data sets", kNvidiaTraining, kNone, false},
    {"post_training", "inline::huggingface", "inline::huggingface-cpu inline::huggingface-gpu",
     "Training by transformers", kTraining, kNone, false},
    {"post_training", "inline::torchtune", "inline::torchtune-cpu inline::torchtune-gpu",
     "Training by torchtune", kTraining, kNone, false},
    {"post_training", "remote::nvidia", "", "NVIDIA NeMo Customizer", kNvidiaTraining, kNone,
     false},
};

}  // namespace

std::span<const ProviderType> OtherApisTable() { return kTypes; }

}  // namespace cria::stack
