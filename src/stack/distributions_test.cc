#include "stack/distributions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "stack/config_reader.h"
#include "stack/config_writer.h"
#include "stack/stack_testing.h"

namespace cria::stack {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DistributionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    home_ = (fs::path(testing::TempDir()) / "cria_distributions_test").string();
    fs::remove_all(home_);
    environment_ = TestEnvironment({{"LLAMA_HOME", home_}});
  }
  void TearDown() override { fs::remove_all(home_); }

  void Put(const std::string& path, const std::string& name) {
    ASSERT_TRUE(WritePrivateFile(home_ + "/" + path, "distro_name: " + name + "\n").ok());
  }
  std::string Loaded(const std::string& name) {
    const auto config = LoadDistribution(name, environment_);
    return config.ok() ? config->distro_name : std::string(config.status().message());
  }

  std::string home_;
  Environment environment_;
};

TEST_F(DistributionsTest, EmbeddedOnesRunWithoutFiles) {
  EXPECT_EQ(Loaded("starter"), "starter");
  EXPECT_EQ(Loaded("local-ollama"), "ollama");
  EXPECT_FALSE(fs::exists(home_));
  const auto config = LoadDistribution("starter", environment_);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(CheckRunnable(*config).ok());
  EXPECT_EQ(config->server.host, "127.0.0.1");
  EXPECT_EQ(config->server.port, 8321);
  ASSERT_EQ(config->providers.at("inference").size(), 1u);
  EXPECT_EQ(config->providers.at("inference")[0].type, "inline::cria");
  EXPECT_EQ(config->registered_resources.models[0].id, "smollm2:135m");
  EXPECT_TRUE(config->registered_resources.models[1].if_present);
  EXPECT_EQ(config->storage.backends.at("kv_default").settings.at("db_path").as_string(),
            home_ + "/distributions/starter/kvstore.db");
  const auto more =
      LoadDistribution("starter", Overlay({{"OLLAMA_URL", "http://a:1/v1"}}, environment_));
  ASSERT_TRUE(more.ok());
  EXPECT_EQ(more->providers.at("inference")[1].id, "ollama");
  for (const EmbeddedDistribution& one : EmbeddedDistributions()) {
    const auto each =
        LoadDistribution(one.name, Overlay({{"PASSTHROUGH_URL", "http://a"}}, environment_));
    ASSERT_TRUE(each.ok()) << each.status();
    EXPECT_TRUE(CheckRunnable(*each).ok()) << one.name;
    EXPECT_EQ(each->distro_name, one.name);
    EXPECT_NE(DescriptionOf(one), "") << one.name;
  }
}

TEST_F(DistributionsTest, NamesAndPathsAreFound) {
  Put("distributions/mine/mine-run.yaml", "a");
  Put("distributions/plain/run.yaml", "b");
  Put("builds/conda/old-run.yaml", "c");
  Put("distributions/starter/starter-run.yaml", "own");
  EXPECT_EQ(Loaded("mine"), "a");
  EXPECT_EQ(Loaded("plain"), "b");
  EXPECT_EQ(Loaded("old"), "c");
  EXPECT_EQ(Loaded("starter"), "own");  // before the embedded one
  EXPECT_EQ(Loaded(home_ + "/distributions/mine"), "a");
  EXPECT_EQ(Loaded(home_ + "/distributions/mine/"), "a");
  EXPECT_EQ(Loaded(home_ + "/builds/conda/old-run.yaml"), "c");
  EXPECT_THAT(Loaded("startr"), HasSubstr("distribution 'startr': expected one of"));
  EXPECT_THAT(Loaded("startr"), HasSubstr("did you mean starter?"));
  EXPECT_THAT(Loaded("./no.yaml"), HasSubstr("./no.yaml: expected a run.yaml, found no such file"));
  EXPECT_THAT(Loaded(home_ + "/builds"), HasSubstr("expected a run.yaml in that folder"));
  EXPECT_THAT(Loaded("a b"), HasSubstr("expected a name of letters"));
  Put("distributions/half/half-build.yaml", "x");
  EXPECT_THAT(Loaded("half"), HasSubstr("llama stack configure half"));
}

TEST_F(DistributionsTest, ListedAndRemoved) {
  Put("distributions/mine/mine-run.yaml", "a");
  Put("distributions/mine/kvstore.db", "data");
  Put("builds/docker/old-run.yaml", "c");
  fs::create_directories(home_ + "/distributions/empty");
  auto all = ListDistributions(environment_);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].name, "mine");
  for (const DistributionSource& one : *all) {
    const auto own = FindOwnDistribution(one.name, environment_);
    ASSERT_TRUE(own.ok()) << own.status();
    EXPECT_TRUE(RemoveDistribution(*own, environment_).ok());
  }
  EXPECT_FALSE(fs::exists(home_ + "/distributions/mine"));
  EXPECT_FALSE(fs::exists(home_ + "/builds/docker/old-run.yaml"));
  EXPECT_TRUE(ListDistributions(environment_)->empty());
  EXPECT_EQ(FindOwnDistribution("starter", environment_).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(FindOwnDistribution("../x", environment_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(DistributionsTest, ACopyHasItsOwnFolder) {
  const std::string text = RunYamlAs(*FindEmbeddedDistribution("starter"), "mine");
  const auto config = ReadStackConfig(text, "run.yaml", environment_);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->distro_name, "mine");
  EXPECT_EQ(config->storage.backends.at("sql_default").settings.at("db_path").as_string(),
            home_ + "/distributions/mine/sql_store.db");
  EXPECT_EQ(text.find("starter"), std::string::npos) << text;
}

}  // namespace
}  // namespace cria::stack
