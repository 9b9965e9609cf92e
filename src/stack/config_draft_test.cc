#include "stack/config_draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/build_config.h"
#include "stack/config_reader.h"
#include "stack/stack_testing.h"

namespace cria::stack {
namespace {

using ::testing::HasSubstr;

ConfigDraft Draft(std::vector<std::string> inference) {
  BuildConfig build;
  build.name = "x";
  build.providers["inference"] = std::move(inference);
  auto draft = ConfigDraft::From(MakeRunConfig(build), "run.yaml");
  EXPECT_TRUE(draft.ok()) << draft.status();
  return *std::move(draft);
}

size_t Find(const ConfigDraft& draft, const std::string& about, const std::string& text) {
  for (size_t i = 0; i < draft.questions().size(); ++i)
    if (draft.questions()[i].about == about && draft.questions()[i].text == text) return i;
  ADD_FAILURE() << about << " " << text;
  return 0;
}

TEST(ConfigDraft, AnswersAreCheckedAndWritten) {
  ConfigDraft draft = Draft({"inline::cria", "remote::vllm"});
  const size_t url = Find(draft, "inference vllm", "Address of its API");
  EXPECT_EQ(draft.questions()[url].default_answer, "${env.VLLM_URL:=http://localhost:8000/v1}");
  EXPECT_EQ(draft.Answer(url, "gpu:8000").message(),
            "expected an address that begins with http:// or https://, found 'gpu:8000'");
  EXPECT_TRUE(draft.Answer(url, "http://gpu:8000/v1").ok());
  const size_t token = Find(draft, "inference vllm", "API token");
  EXPECT_TRUE(draft.questions()[token].secret);
  EXPECT_FALSE(draft.Answer(token, "${env.lower}").ok());
  EXPECT_TRUE(draft.Answer(token, "${env.MY_TOKEN}").ok());
  EXPECT_TRUE(draft.Answer(Find(draft, "inference cria", "Threads; 0: every core"), "4").ok());
  const size_t port = Find(draft, "server", "Port");
  EXPECT_EQ(draft.Answer(port, "80").message(),
            "expected a whole number 1024 to 65535, found '80'");
  EXPECT_TRUE(draft.Answer(port, "9000").ok());
  EXPECT_TRUE(draft.Answer(Find(draft, "server", "Address to listen at"), "").ok());
  draft.SetName("renamed");

  const auto config =
      ReadStackConfig(draft.RunYaml(), "run.yaml", TestEnvironment({{"MY_TOKEN", "0123"}}));
  ASSERT_TRUE(config.ok()) << config.status() << draft.RunYaml();
  EXPECT_EQ(config->distro_name, "renamed");
  EXPECT_EQ(config->server.port, 9000);
  EXPECT_EQ(config->server.host, "127.0.0.1");
  const auto& providers = config->providers.at("inference");
  EXPECT_EQ(providers[0].config.at("threads"), 4);
  EXPECT_EQ(providers[1].config.at("base_url"), "http://gpu:8000/v1");
  EXPECT_EQ(providers[1].config.at("api_token"), "0123");
  EXPECT_THAT(draft.RunYaml(), HasSubstr("api_token: ${env.MY_TOKEN}"));
}

TEST(ConfigDraft, SomeAnswersAreNeeded) {
  auto draft = ConfigDraft::From(
      "providers: {inference: [{provider_id: p, provider_type: remote::passthrough}]}\n",
      "run.yaml");
  ASSERT_TRUE(draft.ok()) << draft.status();
  const size_t url = Find(*draft, "inference p", "Address of its API");
  EXPECT_EQ(draft->Answer(url, "").message(), "expected an answer, found none");
  EXPECT_TRUE(draft->Answer(url, "http://stack:8321").ok());
  EXPECT_THAT(draft->RunYaml(), HasSubstr("base_url: http://stack:8321"));
}

}  // namespace
}  // namespace cria::stack
