#include "stack/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "stack/stack_testing.h"

namespace cria::stack {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

StackConfig Read(const std::string& text, std::map<std::string, std::string> variables = {}) {
  auto config = ReadStackConfig(text, "run.yaml", TestEnvironment(std::move(variables)));
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *std::move(config) : StackConfig();
}

std::string Failure(const std::string& text, std::map<std::string, std::string> variables = {}) {
  const auto config = ReadStackConfig(text, "run.yaml", TestEnvironment(std::move(variables)));
  EXPECT_EQ(config.status().code(), absl::StatusCode::kDataLoss) << text;
  return std::string(config.status().message());
}

std::string Text(const base::json::object& object, const char* key) {
  const base::json::value* value = base::Find(object, key);
  return value == nullptr     ? "(none)"
         : value->is_string() ? std::string(value->as_string())
                              : base::json::serialize(*value);
}

constexpr char kLaunch[] = R"(built_at: '2024-10-05T12:00:00.000001'
image_name: phone
docker_image: null
conda_env: phone
apis_to_serve:
- models
- shields
- memory_banks
- inference
- safety
- memory
- agents
api_providers:
  inference:
    providers:
    - remote::ollama
    - meta-reference
  safety:
    providers:
    - meta-reference
  memory:
    providers: [meta-reference]
  agents:
    provider_id: meta-reference
    config:
      persistence_store:
        type: sqlite
        namespace: null
        db_path: ~/.llama/runtime/kvstore.db
routing_table:
  inference:
  - routing_key: Llama3.2-1B-Instruct
    provider_id: remote::ollama
    config:
      host: gpu-box
      port: 11434
  - routing_key: [Llama3.2-3B-Instruct, Llama3.1-8B-Instruct]
    provider_id: remote::ollama
    config: {host: gpu-box, port: 11434}
  - routing_key: Llama3.2-3B
    provider_id: meta-reference
    config:
      model: Llama3.2-3B
      quantization: null
      torch_seed: 7
      max_seq_len: 4096
      max_batch_size: 1
  safety:
  - routing_key: llama_guard
    provider_id: meta-reference
    config:
      llama_guard_shield: {model: Llama-Guard-3-1B, excluded_categories: []}
  memory:
  - routing_key: vector
    provider_id: meta-reference
    config: {}
)";

TEST(ConfigReader, LaunchForm) {
  const StackConfig config = Read(kLaunch);
  EXPECT_EQ(config.distro_name, "phone");
  EXPECT_THAT(config.apis, ElementsAre("inference", "safety", "vector_io", "responses"));
  const auto& inference = config.providers.at("inference");
  ASSERT_EQ(inference.size(), 2u);
  EXPECT_EQ(inference[0].id, "ollama");
  EXPECT_EQ(inference[0].type, "remote::ollama");
  EXPECT_EQ(Text(inference[0].config, "base_url"), "http://gpu-box:11434/v1");
  EXPECT_EQ(inference[1].id, "cria");
  EXPECT_EQ(inference[1].type, "inline::cria");
  EXPECT_EQ(Text(inference[1].config, "models"), R"(["Llama3.2-3B"])");
  EXPECT_EQ(Text(inference[1].config, "torch_seed"), "7");
  const auto& models = config.registered_resources.models;
  ASSERT_EQ(models.size(), 4u);
  EXPECT_EQ(models[2].id, "Llama3.1-8B-Instruct");
  EXPECT_EQ(models[2].provider_id, "ollama");
  EXPECT_EQ(models[3].provider_id, "cria");
  ASSERT_EQ(config.registered_resources.shields.size(), 1u);
  EXPECT_EQ(config.registered_resources.shields[0].id, "llama_guard");
  // The store that agents described in place is a backend now.
  const ProviderEntry& agents = config.providers.at("responses")[0];
  EXPECT_EQ(agents.type, "inline::builtin");
  EXPECT_EQ(Text(agents.config, "persistence"),
            R"({"agent_state":{"backend":"kv_default","namespace":"agents"}})");
  EXPECT_EQ(Text(config.storage.backends.at("kv_default").settings, "db_path"),
            "/home/me/.llama/runtime/kvstore.db");
  EXPECT_EQ(config.server.port, 8321);
}

TEST(ConfigReader, LaunchFormWithProviderTypes) {  // 0.0.40
  const StackConfig config = Read(R"(
image_name: x
apis_to_serve: [inference]
api_providers:
  inference: {providers: [meta0, meta1]}
routing_table:
  inference:
  - {routing_key: [a], provider_id: meta0, provider_type: meta-reference, config: {model: a}}
  - {routing_key: [b], provider_id: meta1, provider_type: meta-reference, config: {model: b}}
)");
  const auto& inference = config.providers.at("inference");
  ASSERT_EQ(inference.size(), 2u);
  EXPECT_EQ(inference[0].id, "meta0");
  EXPECT_EQ(inference[1].id, "meta1");
  EXPECT_EQ(config.registered_resources.models[1].provider_id, "meta1");
}

TEST(ConfigReader, LaunchProvidersOfOneTypeGetIdsOfTheirOwn) {
  const StackConfig config = Read(R"(
routing_table:
  inference:
  - {routing_key: a, provider_id: remote::ollama, config: {host: h1, port: 1}}
  - {routing_key: b, provider_id: remote::ollama, config: {host: h2, port: 2}}
)");
  EXPECT_EQ(config.providers.at("inference")[1].id, "ollama-2");
  EXPECT_EQ(config.registered_resources.models[1].provider_id, "ollama-2");
}

TEST(ConfigReader, Form0053) {
  const StackConfig config = Read(R"(version: '2'
built_at: '2024-11-20'
image_name: ollama
docker_image: llamastack/distribution-ollama
conda_env: null
apis: [agents, inference, memory, safety, telemetry]
providers:
  inference:
  - provider_id: ollama
    provider_type: remote::ollama
    config:
      url: ${env.OLLAMA_URL:http://127.0.0.1:11434}
  memory:
  - provider_id: faiss
    provider_type: inline::faiss
    config:
      kvstore: {type: sqlite, namespace: null, db_path: "~/.llama/faiss.db"}
metadata_store:
  namespace: null
  type: sqlite
  db_path: ${env.SQLITE_STORE_DIR:~/.llama/distributions/ollama}/registry.db
models:
- metadata: {}
  model_id: ${env.INFERENCE_MODEL}
  provider_id: ollama
  provider_model_id: null
- model_id: ${env.SAFETY_MODEL:}
  provider_id: ollama
shields: []
memory_banks: []
datasets: []
scoring_fns: []
eval_tasks: []
)",
                                  {{"INFERENCE_MODEL", "llama3.2:3b"}});
  EXPECT_EQ(config.container_image, "llamastack/distribution-ollama");
  EXPECT_EQ(Text(config.providers.at("inference")[0].config, "base_url"),
            "http://127.0.0.1:11434/v1");
  ASSERT_EQ(config.registered_resources.models.size(), 1u);  // the other's id is empty
  EXPECT_EQ(config.registered_resources.models[0].id, "llama3.2:3b");
  const StoreReference& metadata = config.storage.stores.at("metadata");
  EXPECT_EQ(metadata.name_space, "registry");
  const std::string path = Text(config.storage.backends.at(metadata.backend).settings, "db_path");
  EXPECT_EQ(path, "/home/me/.llama/distributions/ollama/registry.db");
  EXPECT_EQ(config.storage.backends.size(), 3u);  // two kv files, and one for tables
  EXPECT_THAT(Text(config.providers.at("vector_io")[0].config, "persistence"),
              HasSubstr(R"("namespace":"vector_io::faiss")"));
}

TEST(ConfigReader, Form02) {
  const StackConfig config = Read(R"(version: 2
image_name: mine
container_image: null
apis: [inference, files, agents, vector_io]
providers:
  inference:
  - provider_id: ${env.VLLM_URL:+vllm}
    provider_type: remote::vllm
    config: {url: "${env.VLLM_URL}", max_tokens: "${env.VLLM_MAX_TOKENS:=4096}", api_token: "${env.VLLM_API_TOKEN:=fake}", tls_verify: "${env.VLLM_TLS_VERIFY:=true}"}
  - provider_id: __disabled__
    provider_type: remote::tgi
    config: {url: "${env.NOT_SET}"}
  files:
  - provider_id: meta-reference-files
    provider_type: inline::localfs
    config:
      storage_dir: ~/files
      metadata_store: {type: sqlite, db_path: ~/files.db}
  agents:
  - provider_id: meta-reference
    provider_type: inline::meta-reference
    config:
      persistence_store: {type: sqlite, db_path: ~/kv.db}
      responses_store: {type: sqlite, db_path: ~/sql.db}
metadata_store: {type: sqlite, db_path: ~/kv.db}
inference_store:
  sql_store_config: {type: sqlite, db_path: ~/sql.db}
  max_write_queue_size: 5
models:
- {model_id: m, provider_id: vllm, model_type: embedding, metadata: {embedding_dimension: 384}}
vector_dbs:
- {vector_db_id: v, embedding_model: m, embedding_dimension: 384, provider_id: faiss}
tool_groups:
- {toolgroup_id: "builtin::websearch", provider_id: tavily-search}
logging: {category_levels: {server: debug}}
server: {port: 8321}
external_providers_dir: ~/.llama/providers.d
)",
                                  {{"VLLM_URL", "http://gpu:8000/v1"}});
  ASSERT_EQ(config.providers.at("inference").size(), 1u);
  const base::json::object& vllm = config.providers.at("inference")[0].config;
  EXPECT_EQ(Text(vllm, "base_url"), "http://gpu:8000/v1");
  EXPECT_EQ(Text(vllm, "max_tokens"), "4096");
  EXPECT_EQ(Text(vllm, "tls_verify"), "true");
  EXPECT_EQ(config.switched_off.size(), 1u);
  // Four stores in place, of two files for keys, two for tables.
  EXPECT_EQ(config.storage.backends.size(), 3u);
  EXPECT_EQ(config.storage.stores.at("inference").max_write_queue_size, 5);
  EXPECT_EQ(config.storage.stores.at("inference").table_name, "inference_store");
  EXPECT_EQ(config.registered_resources.models[0].type, provider::ModelType::kEmbedding);
  EXPECT_EQ(Text(config.registered_resources.others.at("vector_stores")[0].as_object(),
                 "vector_store_id"),
            "v");
  EXPECT_EQ(config.log_levels.at("server"), "debug");
  EXPECT_EQ(config.external_providers_dir, "/home/me/.llama/providers.d");
  EXPECT_EQ(Text(config.providers.at("files")[0].config, "storage_dir"), "/home/me/files");
}

constexpr char kNewest[] = R"(version: 2
distro_name: newest
apis: [inference]
providers:
  inference:
  - provider_id: openai
    provider_type: remote::openai
    config:
      api_key: ${env.OPENAI_API_KEY:=}
      base_url: ${env.OPENAI_BASE_URL:=https://api.openai.com/v1}
      allowed_models: [gpt-4o]
      network: {timeout: {connect: 5}}
storage:
  backends:
    kv: {type: kv_postgres, host: db, port: "${env.POSTGRES_PORT:=5433}", password: "${env.POSTGRES_PASSWORD:=007}"}
    sql: {type: sql_sqlite, db_path: ~/sql.db}
  stores:
    metadata: {namespace: registry, backend: kv}
    inference: {table_name: inference_store, backend: sql, num_writers: 2}
registered_resources:
  models:
  - {model_id: gpt, provider_id: openai, provider_model_id: gpt-4o}
  vector_stores: []
vector_stores: {default_provider_id: faiss, chunk_retrieval_params: {chunk_multiplier: 5}}
safety: {default_shield_id: llama-guard}
connectors: [{connector_type: mcp, connector_id: c, url: "http://localhost:1"}]
server:
  port: 9000
  host: 0.0.0.0
  tls_certfile: ~/cert.pem
  tls_keyfile: ~/key.pem
  workers: 2
  cors: {allow_origins: ["https://a.example"], allow_credentials: true}
  quota: {kvstore: {backend: kv, namespace: quota}, anonymous_max_requests: 5}
  auth:
    provider_config:
      type: oauth2_token
      issuer: https://issuer
      jwks: {uri: "https://issuer/jwks"}
    route_policy:
    - permit: {paths: ["/v1/models"]}
    access_policy:
    - forbid: {principal: eve, actions: [delete], resource: "model::*"}
      unless: user with admins in roles
    - permit: {actions: read}
      when: [user is owner, user in owners teams]
      description: own things
  limits: {max_body_bytes: 1048576}
)";

TEST(ConfigReader, NewestForm) {
  const StackConfig config = Read(kNewest);
  const base::json::object& openai = config.providers.at("inference")[0].config;
  EXPECT_EQ(Text(openai, "api_key"), "(none)");
  EXPECT_EQ(Text(openai, "base_url"), "https://api.openai.com/v1");
  EXPECT_EQ(Text(openai, "allowed_models"), R"(["gpt-4o"])");
  const StorageBackend& kv = config.storage.backends.at("kv");
  EXPECT_EQ(Text(kv.settings, "port"), "5433");
  EXPECT_TRUE(kv.settings.at("password").is_string());  // "007" is no number here
  EXPECT_EQ(Text(WithDefaults(kv), "user"), "llamastack");
  EXPECT_EQ(config.storage.stores.at("inference").num_writers, 2);
  EXPECT_EQ(config.storage.stores.at("responses").backend, "sql");  // what it leaves out
  EXPECT_EQ(config.registered_resources.models[0].provider_model_id, "gpt-4o");
  EXPECT_EQ(Text(config.other_blocks.at("safety").as_object(), "default_shield_id"), "llama-guard");
  const ServerConfig& server = config.server;
  EXPECT_EQ(server.port, 9000);
  EXPECT_EQ(server.host, "0.0.0.0");
  EXPECT_EQ(server.tls_certfile, "/home/me/cert.pem");
  ASSERT_TRUE(server.cors);
  EXPECT_TRUE(server.cors->allow_credentials);
  EXPECT_EQ(server.quota->kvstore.backend, "kv");
  EXPECT_EQ(server.quota->authenticated_max_requests, 1000);
  EXPECT_EQ(server.limits.max_body_bytes, 1048576);
  ASSERT_TRUE(server.auth);
  EXPECT_EQ(server.auth->type, "oauth2_token");
  EXPECT_THAT(server.auth->route_policy[0].paths, ElementsAre("/v1/models"));
  const AccessRule& forbid = server.auth->access_policy[0];
  EXPECT_FALSE(forbid.permit);
  EXPECT_TRUE(forbid.unless);
  EXPECT_EQ(forbid.conditions[0].value, "admins");
  EXPECT_EQ(forbid.conditions[0].attribute, "roles");
  const AccessRule& permit = server.auth->access_policy[1];
  EXPECT_THAT(permit.actions, ElementsAre("read"));
  EXPECT_EQ(permit.conditions[1].kind, AccessCondition::Kind::kInOwners);
}

TEST(ConfigReader, EmptyAuthTypeSwitchesAuthOff) {
  const std::string text =
      "server: {auth: {provider_config: {type: \"${env.AUTH:=}\", endpoint: \"${env.URL}\"}}}";
  EXPECT_FALSE(Read(text).server.auth);
  EXPECT_EQ(Read(text, {{"AUTH", "custom"}, {"URL", "http://a"}}).server.auth->type, "custom");
}

TEST(ConfigReader, EnvironmentRetypes) {
  const std::string text = "server: {port: \"${env.P:=8322}\", cors: \"${env.C:=false}\"}";
  EXPECT_EQ(Read(text).server.port, 8322);
  EXPECT_FALSE(Read(text).server.cors);
  EXPECT_TRUE(Read(text, {{"C", "true"}}).server.cors);
  EXPECT_THAT(
      Failure(text, {{"P", "x"}}),
      HasSubstr("run.yaml:1: key 'server.port': expected a whole number 1024 to 65535, found "
                "'x', which is '${env.P:=8322}'"));
}

TEST(ConfigReader, UrlsOfEarlierReleases) {
  const auto url = [](const std::string& type, const std::string& keys) {
    return Text(Read(absl::StrCat("providers: {inference: [{provider_id: x, provider_type: ", type,
                                  ", config: {", keys, "}}]}"))
                    .providers.at("inference")[0]
                    .config,
                "base_url");
  };
  EXPECT_EQ(url("remote::groq", "url: 'https://api.groq.com'"), "https://api.groq.com/openai/v1");
  EXPECT_EQ(url("remote::fireworks", "url: 'https://api.fireworks.ai/inference/'"),
            "https://api.fireworks.ai/inference/v1");
  EXPECT_EQ(url("remote::vllm", "url: 'http://h:1/other/v1'"), "http://h:1/other/v1");
  EXPECT_EQ(url("remote::vllm", "base_url: 'http://h:1'"), "http://h:1");  // as it is said
  EXPECT_EQ(url("remote", "host: other, port: 5000"), "http://other:5000");
}

// Line, key, what was expected and what was found.
TEST(ConfigReader, Mistakes) {
  const std::string provider = "providers:\n  inference:\n  - provider_id: a\n    provider_type: ";
  const struct {
    std::string text, message;
  } kCases[] = {
      {"server:\n  port: abc\n",
       "run.yaml:2: key 'server.port': expected a whole number 1024 to 65535, found 'abc'"},
      {"server:\n  port: 80\n", "found '80'"},
      {"server:\n  prot: 8321\n",
       "run.yaml:2: key 'server.prot': expected a key that is known, found 'prot': did you mean "
       "port?"},
      {"aips: []\n", "run.yaml:1: key 'aips': expected a key that is known, found 'aips'"},
      {"version: 3\n", "key 'version': expected 2, found '3'"},
      {"- a\n", "run.yaml:1: expected a map: a run.yaml, found a list"},
      {"apis: [inferense]\n", "did you mean inference?"},
      {"apis: 5\n", "key 'apis': expected a list, found '5'"},
      {provider + "remote::olama\n",
       "run.yaml:4: key 'providers.inference[0].provider_type': expected a provider type of "
       "inference (inline::cria, remote::ollama"},
      {provider + "remote::olama\n", "did you mean remote::ollama?"},
      {provider + "remote::ollama\n    config:\n      base_uri: x\n",
       "run.yaml:6: key 'providers.inference[0].config.base_uri': expected a key that is known"},
      {provider + "remote::ollama\n    config: {base_url: localhost}\n",
       "expected an address that begins with http:// or https://, found 'localhost'"},
      {provider + "remote::vllm\n    config: {max_tokens: many}\n",
       "expected a whole number from 0 on, found 'many'"},
      {provider + "remote::passthrough\n",
       "run.yaml:3: key 'providers.inference[0].base_url': expected a value, which "
       "'remote::passthrough' needs, found nothing"},
      {provider + "remote::ollama\n    module: my_module\n",
       "external providers are Python modules"},
      {"providers:\n  inference:\n  - provider_type: remote::ollama\n",
       "run.yaml:3: key 'providers.inference[0].provider_id': expected a name for the provider, "
       "found nothing"},
      {provider + "remote::ollama\n  - provider_id: a\n    provider_type: remote::vllm\n",
       "expected provider_ids that differ within inference, found 'a' twice"},
      {provider + "remote::ollama\nmodels:\n- {model_id: m, provider_id: b}\n",
       "run.yaml:6: key 'models[0].provider_id': expected a provider_id of providers.inference "
       "(a), "
       "found 'b'"},
      {"storage: {backends: {k: {type: kv_sqllite}}}\n",
       "key 'storage.backends.k.type': expected one of kv_sqlite, sql_sqlite"},
      {"storage: {backends: {k: {type: kv_sqlite, db_path: x}}, stores: {inference: {table_name: "
       "t, "
       "backend: k}}}\n",
       "expected a sql_ backend, for a table, found 'k' of type kv_sqlite"},
      {"storage: {stores: {metadata: {namespace: n, backend: gone}}}\n",
       "expected a backend of storage.backends (), found 'gone'"},
      {"metadata_store: {type: oracle}\n",
       "key 'metadata_store.type': expected sqlite, postgres, redis or mongodb, found 'oracle'"},
      {"server: {tls_keyfile: k}\n", "expected tls_certfile and tls_keyfile, both or none"},
      {"server: {cors: {allow_origins: ['*'], allow_credentials: true}}\n",
       "expected origins by name, as allow_credentials is true, found '*'"},
      {"server: {auth: {provider_config: {type: saml}}}\n",
       "expected one of static_tokens, oauth2_token"},
      {"server: {auth: {access_policy: [{permit: {}, when: user is king}]}}\n",
       "found 'user is king'"},
      {"server: {auth: {access_policy: [{when: user is owner}]}}\n",
       "key 'server.auth.access_policy[0]': expected permit or forbid, found neither"},
      {"models:\n- model_id: ${env.M}\n  provider_id: p\n",
       "run.yaml:2: key 'models[0].model_id': expected the environment variable M, found it unset"},
      {"api_providers: 7\n", "key 'api_providers': expected a map of APIs, found '7'"},
      {"routing_table: {inference: [{routing_key: m}]}\n",
       "expected a provider type, found nothing"},
      {"routing_table: {inference: [{provider_id: remote::ollama}]}\n",
       "expected a routing_key, found none"},
  };
  for (const auto& [text, message] : kCases) EXPECT_THAT(Failure(text), HasSubstr(message)) << text;
}

TEST(ConfigReader, OneLineWhateverTheFileHolds) {
  const std::string message = Failure("server:\n  port: \"a\\nb\\x01\"\n");
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(message.find('\x01'), std::string::npos);
}

TEST(ConfigReader, WhatThisBuildRuns) {
  EXPECT_TRUE(CheckRunnable(Read("providers: {inference: [{provider_id: a, provider_type: "
                                 "remote::vllm}]}"))
                  .ok());
  const absl::Status status = CheckRunnable(
      Read("apis: [safety]\n"
           "providers: {safety: [{provider_id: guard, provider_type: inline::llama-guard}]}\n"
           "storage: {backends: {r: {type: kv_redis}}}"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("safety provider 'guard' (inline::llama-guard), storage backend 'r' "
                        "(kv_redis)"));
  // An API that isn't served needs nobody to run it.
  EXPECT_TRUE(CheckRunnable(Read("apis: [inference]\nproviders: {safety: [{provider_id: guard, "
                                 "provider_type: inline::llama-guard}]}"))
                  .ok());
}

}  // namespace
}  // namespace cria::stack
