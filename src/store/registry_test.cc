#include "store/registry.h"

#include <gtest/gtest.h>

#include "store/test_store.h"

namespace cria::store {
namespace {

class RegistryTest : public StoreTest {
 protected:
  void Register(const std::string& type, const std::string& identifier) {
    const auto made = registry().Register({type, identifier, "provider", "resource", "{}", {}});
    ASSERT_TRUE(made.ok()) << made.status();
  }
  std::vector<std::string> List(const std::string& type) {
    std::vector<std::string> identifiers;
    const auto resources = registry().List(type);
    EXPECT_TRUE(resources.ok()) << resources.status();
    for (const Resource& one : *resources) identifiers.push_back(one.identifier);
    return identifiers;
  }
  Registry& registry() { return store().registry(); }
};

TEST_P(RegistryTest, ResourcesComeBackAsTheyWereRegistered) {
  place().set_now(5);
  const Owner owner{"ann", {{"teams", {"a"}}}};
  const Resource resource{"model",
                          "ollama/llama3.2:3b",
                          "ollama",
                          "llama3.2:3b-instruct",
                          R"({"embedding_dimension":384})",
                          owner};
  ASSERT_TRUE(registry().Register(resource).ok());
  Reopen();
  const auto got = registry().Get("model", "ollama/llama3.2:3b");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->type, "model");
  EXPECT_EQ(got->identifier, resource.identifier);
  EXPECT_EQ(got->provider_id, "ollama");
  EXPECT_EQ(got->provider_resource_id, "llama3.2:3b-instruct");
  EXPECT_EQ(got->metadata, resource.metadata);
  EXPECT_EQ(got->owner, owner);
  EXPECT_EQ(got->created, 5);
}

TEST_P(RegistryTest, IdentifiersAreUniqueForTheirType) {
  Register("model", "a");
  Register("shield", "a");
  EXPECT_THAT(registry().Register({"model", "a", "other", "", "{}", {}}).status(),
              HasStatus(absl::StatusCode::kAlreadyExists, "model 'a' exists already"));
  EXPECT_EQ(registry().Get("model", "a")->provider_id, "provider");
}

TEST_P(RegistryTest, ListsAreOfOneTypeAndSorted) {
  for (const char* identifier : {"b", "B", "a/c", "a"}) Register("model", identifier);
  Register("shield", "s");
  EXPECT_THAT(List("model"), ::testing::ElementsAre("B", "a", "a/c", "b"));
  EXPECT_THAT(List("benchmark"), ::testing::ElementsAre());
}

TEST_P(RegistryTest, ResourcesChangeAndGo) {
  Register("model", "a");
  Register("model", "b");
  ASSERT_TRUE(registry().Update({"model", "a", "p2", "r2", R"({"x":1})", {}}).ok());
  const auto changed = registry().Get("model", "a");
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->provider_id, "p2");
  EXPECT_EQ(changed->provider_resource_id, "r2");
  EXPECT_EQ(changed->metadata, R"({"x":1})");
  EXPECT_EQ(registry().Get("model", "b")->provider_id, "provider");
  ASSERT_TRUE(registry().Unregister("model", "a").ok());
  const auto missing = HasStatus(absl::StatusCode::kNotFound, "no such model 'a'");
  EXPECT_THAT(registry().Get("model", "a").status(), missing);
  EXPECT_THAT(registry().Update({"model", "a", "p", "r", "{}", {}}), missing);
  EXPECT_THAT(registry().Unregister("model", "a"), missing);
  EXPECT_THAT(List("model"), ::testing::ElementsAre("b"));
}

CRIA_TEST_EVERY_BACKEND(RegistryTest);

}  // namespace
}  // namespace cria::store
