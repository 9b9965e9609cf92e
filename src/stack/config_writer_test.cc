#include "stack/config_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "base/file.h"
#include "stack/config_reader.h"
#include "stack/distributions.h"
#include "stack/stack_testing.h"
#include "stack/yaml_document.h"

namespace cria::stack {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

StackConfig Read(const std::string& text, const Environment& environment) {
  auto config = ReadStackConfig(text, "run.yaml", environment);
  EXPECT_TRUE(config.ok()) << config.status() << "\n" << text;
  return config.ok() ? *std::move(config) : StackConfig();
}

TEST(ConfigWriter, EveryDistributionComesBackAsItWas) {
  const Environment plain = TestEnvironment();
  const Environment full = TestEnvironment({{"OLLAMA_URL", "http://h:1/v1"},
                                            {"OPENAI_API_KEY", "sk-secret"},
                                            {"PASSTHROUGH_URL", "http://h:2"},
                                            {"INFERENCE_MODEL", "m"},
                                            {"LLAMA_STACK_PORT", "9999"},
                                            {"POSTGRES_PASSWORD", "pg-secret"}});
  for (const EmbeddedDistribution& one : EmbeddedDistributions()) {
    for (const Environment& environment : {plain, full}) {
      if (!environment("PASSTHROUGH_URL") && std::string_view(one.name) == "passthrough") continue;
      const StackConfig config = Read(std::string(one.run_yaml), environment);
      const std::string text = WriteStackConfig(config);
      EXPECT_EQ(ToJson(Read(text, environment)), ToJson(config)) << text;
      EXPECT_EQ(WriteStackConfig(Read(text, environment)), text);
      EXPECT_THAT(text, Not(HasSubstr("secret")));
      // Read in one environment and written, it is still what another makes of it.
      EXPECT_EQ(ToJson(Read(text, full)), ToJson(Read(std::string(one.run_yaml), full))) << text;
    }
  }
}

TEST(ConfigWriter, VariablesStayAndValuesThatChangedAreWritten) {
  const Environment environment = TestEnvironment({{"OPENAI_API_KEY", "sk-1"}});
  StackConfig config = Read(
      "providers:\n  inference:\n  - provider_id: openai\n    provider_type: remote::openai\n"
      "    config: {api_key: \"${env.OPENAI_API_KEY}\"}\n"
      "  - provider_id: ${env.VLLM_URL:+vllm}\n    provider_type: remote::vllm\n"
      "server: {port: \"${env.PORT:=8321}\", host: \"${env.HOST:=}\", auth: {provider_config: "
      "{type: "
      "\"${env.AUTH:=}\"}}}\n",
      environment);
  std::string text = WriteStackConfig(config);
  EXPECT_THAT(text, HasSubstr("      api_key: ${env.OPENAI_API_KEY}\n"));
  EXPECT_THAT(text, HasSubstr("  - provider_id: ${env.VLLM_URL:+vllm}\n"));
  EXPECT_THAT(text, HasSubstr("  port: ${env.PORT:=8321}\n"));
  EXPECT_THAT(text, HasSubstr("  host: ${env.HOST:=}\n"));
  EXPECT_THAT(text, HasSubstr("      type: ${env.AUTH:=}\n"));
  config.server.port = 9000;
  text = WriteStackConfig(config);
  EXPECT_THAT(text, HasSubstr("  port: 9000\n"));
}

TEST(ConfigWriter, SecretsAreHiddenFromPeople) {
  const StackConfig config = Read(
      "providers: {inference: [{provider_id: a, provider_type: remote::openai, config: {api_key: "
      "sk-1, network: {headers: {Authorization: Bearer x}}}}]}",
      TestEnvironment());
  EXPECT_THAT(WriteStackConfig(config), HasSubstr("sk-1"));
  const std::string shown = WriteStackConfig(config, Secrets::kHidden);
  EXPECT_THAT(shown, Not(HasSubstr("sk-1")));
  EXPECT_THAT(shown, Not(HasSubstr("Bearer")));
  const std::string json = base::json::serialize(RedactedJson(config));
  EXPECT_THAT(json, Not(HasSubstr("sk-1")));
  EXPECT_THAT(json, HasSubstr(R"("api_key":"********")"));
}

TEST(ConfigWriter, AnyTextComesBack) {
  const base::json::value value = base::json::parse(R"({
    "words": ["yes", "No", "null", "~", "", "12", "1e5", "0x1F", "12:30", "2024-01-02", "true",
              "a: b", "a #b", "#a", "- a", "a:", " a", "a ", "[a]", "{a}", "*a", "&a", "!a", "%a",
              "@a", "`a`", "it's", "\"q\"", "back\\slash", "two\nlines", "tab\t", "\u0001", "äöü",
              "a, b", "http://h:1/v1", "${env.X:=a b}", "a/b.c_d-e", "127.0.0.1", "|", ">", "?x"],
    "nested": {"list": [[1, [2]], [], {}, {"a": {"b": [{"c": null}]}}], "number": 2.5, "odd key:": 1}
  })");
  const std::string text = WriteYaml(value.as_object());
  const auto node = ParseYaml(text, "f");
  ASSERT_TRUE(node.ok()) << node.status() << "\n" << text;
  EXPECT_EQ(ToJson(*node), value) << text;
}

TEST(ConfigWriter, TheFileIsItsOwnersAlone) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "cria_writer_test";
  std::filesystem::remove_all(folder);
  const std::string path = folder / "deep" / "run.yaml";
  ASSERT_TRUE(WritePrivateFile(path, "distro_name: x\n").ok());
  struct stat about {};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
  ASSERT_EQ(stat(std::filesystem::path(path).parent_path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0700u);
  EXPECT_THAT(base::ReadFile(path, 10'000).value_or(""), HasSubstr("distro_name: x\n"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cria::stack
