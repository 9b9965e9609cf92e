#include "stack/build_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/config_reader.h"
#include "stack/provider_catalogue.h"
#include "stack/stack_testing.h"

namespace cria::stack {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(BuildConfig, TheFirstReleasesForm) {
  const auto build = ReadBuildConfig(R"(name: local-ollama
distribution_spec:
  description: Like local, but use ollama for running LLM inference
  docker_image: null
  providers:
    inference: remote::ollama
    memory: [meta-reference, remote::chromadb]
    agents: meta-reference
image_type: conda
)",
                                     "build.yaml", TestEnvironment());
  ASSERT_TRUE(build.ok()) << build.status();
  EXPECT_EQ(build->name, "local-ollama");
  EXPECT_EQ(build->image_type, "conda");
  EXPECT_THAT(build->providers.at("vector_io"), ElementsAre("inline::faiss", "remote::chromadb"));
  EXPECT_THAT(build->providers.at("responses"), ElementsAre("inline::builtin"));
}

TEST(BuildConfig, WhatIsWrittenIsReadBack) {
  BuildConfig build;
  build.name = "mine";
  build.description = "ours: all of it";
  build.image_type = "container";
  build.providers = {{"inference", {"inline::cria", "remote::vllm"}},
                     {"files", {"inline::localfs"}}};
  const auto again = ReadBuildConfig(WriteBuildConfig(build), "b", TestEnvironment());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->name, build.name);
  EXPECT_EQ(again->description, build.description);
  EXPECT_EQ(again->image_type, build.image_type);
  EXPECT_EQ(again->providers, build.providers);
}

TEST(BuildConfig, Mistakes) {
  const struct {
    std::string text, message;
  } kCases[] = {
      {"name: x\n", "key 'distribution_spec': expected a map with providers, found nothing"},
      {"distribution_spec: {providers: {inference: remote::olama}}\n",
       "b:1: key 'distribution_spec.providers.inference': expected a provider type of inference"},
      {"distribution_spec: {providers: {infer: x}}\n", "found 'infer'"},
      {"distribution_spec: {providers: {}}\nimage_type: rpm\n",
       "b:2: key 'image_type': expected venv, conda, docker or container, found 'rpm'"},
      {"distribution_spec: {providers: {}}\nimage_typ: rpm\n", "did you mean image_type"},
  };
  for (const auto& [text, message] : kCases) {
    const auto build = ReadBuildConfig(text, "b", TestEnvironment());
    EXPECT_EQ(build.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(build.status().message()), HasSubstr(message));
  }
}

TEST(BuildConfig, ProviderLists) {
  const auto providers =
      ParseProviders("inference=remote::ollama, inference=meta-reference,files=localfs");
  ASSERT_TRUE(providers.ok()) << providers.status();
  EXPECT_THAT(providers->at("inference"), ElementsAre("remote::ollama", "inline::cria"));
  EXPECT_THAT(providers->at("files"), ElementsAre("inline::localfs"));
  for (const char* wrong :
       {"", "inference", "inference=x", "x=y", "=", "inference=remote::ollama,x"})
    EXPECT_EQ(ParseProviders(wrong).status().code(), absl::StatusCode::kInvalidArgument) << wrong;
}

TEST(BuildConfig, Names) {
  for (const char* good : {"a", "my-stack_2.1", "8b"})
    EXPECT_TRUE(CheckDistributionName(good).ok());
  for (const char* bad : {"", ".", "..", "-a", "a/b", "../a", "a b", "docker", "ä"})
    EXPECT_FALSE(CheckDistributionName(bad).ok()) << bad;
  EXPECT_FALSE(CheckDistributionName(std::string(65, 'a')).ok());
}

TEST(BuildConfig, EveryProviderTypeHasARunYamlThatIsRead) {
  const Environment environment = TestEnvironment({{"PASSTHROUGH_URL", "http://a"},
                                                   {"DATABRICKS_HOST", "http://a"},
                                                   {"RUNPOD_URL", "http://a"},
                                                   {"AZURE_API_BASE", "http://a"},
                                                   {"HF_ENDPOINT_URL", "http://a"}});
  for (const ApiEntry& api : Apis())
    for (const ProviderType* type : ProviderTypes(api.name)) {
      bool asks = false;  // something that has no default
      for (const ConfigKey* key : type->Keys())
        asks |= key->required && key->default_value == nullptr && key->variable == nullptr &&
                std::string_view(key->name) != "storage_dir";
      if (asks) continue;
      BuildConfig build;
      build.name = "x";
      build.providers[api.name] = {type->type};
      const auto config = ReadStackConfig(MakeRunConfig(build), "run.yaml", environment);
      EXPECT_TRUE(config.ok()) << type->type << config.status() << MakeRunConfig(build);
    }
}

TEST(ProviderCatalogue, IsSound) {
  std::set<std::string> types;
  for (const ApiEntry& api : Apis()) {
    ASSERT_FALSE(ProviderTypes(api.name).empty()) << api.name;
    EXPECT_EQ(FindApi(api.name), &api);
    for (const ProviderType* type : ProviderTypes(api.name)) {
      EXPECT_TRUE(types.insert(std::string(api.name) + type->type).second) << type->type;
      EXPECT_EQ(FindProviderType(api.name, type->type), type);
      EXPECT_TRUE(CheckDistributionName(type->DefaultId()).ok()) << type->type;
      std::set<std::string> keys;
      for (const ConfigKey* key : type->Keys()) {
        EXPECT_TRUE(keys.insert(key->name).second) << type->type << " " << key->name;
        EXPECT_EQ(key->secret, IsSecretName(key->name)) << key->name;
      }
    }
  }
  EXPECT_EQ(FindProviderType("inference", "meta-reference"),
            FindProviderType("inference", "inline::cria"));
  EXPECT_EQ(FindProviderType("inference", "remote"),
            FindProviderType("inference", "remote::passthrough"));
  EXPECT_EQ(FindProviderType("files", "inline::cria"), nullptr);
}

}  // namespace
}  // namespace cria::stack
