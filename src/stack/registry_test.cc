#include "stack/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "stack/router.h"

namespace cria::stack {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Canonical(const std::string& id) {
  if (id == "llama3.2:3b" || id == "meta-llama/Llama-3.2-3B-Instruct")
    return "Llama3.2-3B-Instruct";
  return id;
}

class MemoryStore : public RegistryStore {
 public:
  absl::StatusOr<std::vector<RegisteredModel>> Load() override {
    std::vector<RegisteredModel> all;
    for (const auto& [id, text] : kept) {
      CRIA_ASSIGN_OR_RETURN(RegisteredModel model,
                            RegisteredModelFromJson(base::json::parse(text)));
      all.push_back(std::move(model));
    }
    return all;
  }
  absl::Status Save(const RegisteredModel& model) override {
    if (full) return absl::ResourceExhaustedError("full");
    kept[model.identifier] = base::json::serialize(ToJson(model));
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& identifier) override {
    kept.erase(identifier);
    return absl::OkStatus();
  }

  std::map<std::string, std::string> kept;
  bool full = false;
};

ModelEntry Entry(const std::string& id, const std::string& provider = "",
                 const std::string& provider_model = "") {
  ModelEntry entry;
  entry.id = id;
  entry.provider_id = provider;
  entry.provider_model_id = provider_model;
  return entry;
}

RegisteredModel Model(const std::string& id, const std::string& provider = "",
                      const std::string& resource = "") {
  RegisteredModel model;
  model.identifier = id;
  model.provider_id = provider;
  model.provider_resource_id = resource;
  return model;
}

std::vector<std::string> Ids(const Registry& registry) {
  std::vector<std::string> ids;
  for (const RegisteredModel& model : registry.List()) ids.push_back(model.identifier);
  return ids;
}

std::string PlaceOf(const Registry& registry, const std::string& id) {
  const auto place = registry.Place(id);
  return place.ok() ? absl::StrCat(place->provider_id, " ", place->provider_model_id)
                    : std::string(place.status().message());
}

TEST(Registry, EveryNameOfAModelFindsIt) {
  Registry registry({"cria", "ollama"}, Canonical, nullptr);
  ASSERT_TRUE(registry.Load({Entry("llama3.2:3b"), Entry("mine", "ollama", "theirs:1b")}).ok());
  registry.SetListed("ollama", {{"phi3", provider::ModelType::kLlm, {}}});
  for (const char* id : {"llama3.2:3b", "Llama3.2-3B-Instruct", "meta-llama/Llama-3.2-3B-Instruct",
                         "cria/llama3.2:3b"})
    EXPECT_EQ(PlaceOf(registry, id), "cria llama3.2:3b") << id;
  for (const char* id : {"mine", "theirs:1b", "ollama/theirs:1b"})
    EXPECT_EQ(PlaceOf(registry, id), "ollama theirs:1b") << id;
  for (const char* id : {"phi3", "ollama/phi3"})
    EXPECT_EQ(PlaceOf(registry, id), "ollama phi3") << id;
  EXPECT_EQ(PlaceOf(registry, "ollama/not-listed:7b"), "ollama not-listed:7b");
  EXPECT_FALSE(registry.Find("ollama/not-listed:7b").ok());
  EXPECT_THAT(PlaceOf(registry, "other/x"),
              HasSubstr("model 'other/x': expected one of the models"));
  EXPECT_THAT(PlaceOf(registry, "ollama/"), HasSubstr("expected one of"));
  EXPECT_THAT(PlaceOf(registry, "mime"),
              HasSubstr("(llama3.2:3b, mine, ollama/phi3); did you mean mine?"));
}

TEST(Registry, AConfiguredNameComesBeforeAnothersOtherName) {
  Registry registry({"a", "b"}, Canonical, nullptr);
  ASSERT_TRUE(registry.Load({Entry("llama3.2:3b", "a"), Entry("Llama3.2-3B-Instruct", "b")}).ok());
  EXPECT_EQ(PlaceOf(registry, "llama3.2:3b"), "a llama3.2:3b");
  EXPECT_EQ(PlaceOf(registry, "Llama3.2-3B-Instruct"), "b Llama3.2-3B-Instruct");
}

TEST(Registry, RegistersAndKeeps) {
  MemoryStore store;
  {
    Registry registry({"cria", "ollama"}, Canonical, &store);
    ASSERT_TRUE(registry.Load({Entry("configured")}).ok());
    ASSERT_TRUE(registry.Register(Model("m", "ollama", "theirs")).ok());
    EXPECT_TRUE(registry.Register(Model("m", "ollama", "theirs")).ok());
    EXPECT_EQ(registry.Register(Model("m", "cria")).status().code(),
              absl::StatusCode::kAlreadyExists);
    EXPECT_THAT(std::string(registry.Register(Model("n")).status().message()),
                HasSubstr("provider_id: expected one of cria, ollama, found none"));
    EXPECT_THAT(std::string(registry.Register(Model("n", "vllm")).status().message()),
                HasSubstr("found 'vllm'"));
    EXPECT_FALSE(registry.Register(Model("", "cria")).ok());
    store.full = true;
    EXPECT_EQ(registry.Register(Model("n", "cria")).status().code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(Ids(registry), ElementsAre("configured", "m"));
    store.full = false;
  }
  Registry again({"cria", "ollama"}, Canonical, &store);
  ASSERT_TRUE(again.Load({Entry("configured")}).ok());
  EXPECT_EQ(PlaceOf(again, "m"), "ollama theirs");
  EXPECT_TRUE(again.Unregister("m").ok());
  EXPECT_EQ(again.Unregister("m").code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store.kept.empty());
  // Of a provider that is gone.
  Registry fewer({"cria"}, Canonical, &store);
  ASSERT_TRUE(store.Save(Model("x", "ollama", "x")).ok());
  ASSERT_TRUE(fewer.Load({}).ok());
  EXPECT_THAT(Ids(fewer), ElementsAre());
  EXPECT_EQ(store.kept.size(), 1u);
}

TEST(Registry, OnlyProviderNeedsNoName) {
  Registry registry({"cria"}, Canonical, nullptr);
  const auto model = registry.Register(Model("m"));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->provider_id, "cria");
  EXPECT_EQ(model->provider_resource_id, "m");
}

TEST(Registry, ListsOfProvidersReplaceEachOther) {
  Registry registry({"cria", "ollama"}, Canonical, nullptr);
  ASSERT_TRUE(registry.Load({Entry("llama3.2:3b", "cria")}).ok());
  registry.SetListed("cria", {{"llama3.2:3b", provider::ModelType::kLlm, {}},
                              {"b", provider::ModelType::kLlm, {}}});
  EXPECT_THAT(Ids(registry), ElementsAre("llama3.2:3b", "cria/b"));
  registry.SetListed("cria", {{"c", provider::ModelType::kLlm, {}}});
  EXPECT_THAT(Ids(registry), ElementsAre("llama3.2:3b", "cria/c"));
  EXPECT_TRUE(registry.Unregister("cria/c").ok());
  EXPECT_THAT(Ids(registry), ElementsAre("llama3.2:3b"));
}

TEST(Registry, ModelsThatAreThereOnlyIfPresent) {
  Registry registry({"cria"}, Canonical, nullptr);
  ModelEntry entry = Entry("embed");
  entry.if_present = true;
  ASSERT_TRUE(registry.Load({entry}).ok());
  EXPECT_THAT(Ids(registry), ElementsAre());
  EXPECT_FALSE(registry.Find("embed").ok());
  registry.SetListed("cria", {{"embed", provider::ModelType::kLlm, {}}});
  EXPECT_THAT(Ids(registry), ElementsAre("embed"));
  EXPECT_TRUE(registry.Find("embed").ok());
}

TEST(Registry, DamagedRecordsAreRefused) {
  for (const char* text : {"[]", "{}", R"({"identifier":1,"provider_id":"a"})",
                           R"({"identifier":"a","provider_id":"","provider_resource_id":"c"})"})
    EXPECT_FALSE(RegisteredModelFromJson(base::json::parse(text)).ok()) << text;
}

TEST(Registry, ManyThreads) {
  Registry registry({"a"}, Canonical, nullptr);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&registry, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string id = absl::StrCat("m", t, "-", i);
        EXPECT_TRUE(registry.Register(Model(id)).ok());
        EXPECT_TRUE(registry.Find(id).ok());
        registry.SetListed("a", {{id, provider::ModelType::kLlm, {}}});
        if (i % 2 == 0) {
          EXPECT_TRUE(registry.Unregister(id).ok());
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  size_t registered = 0;
  for (const RegisteredModel& model : registry.List()) registered += !model.listed;
  EXPECT_EQ(registered, 100u);
}

class ListingProvider : public provider::Inference {
 public:
  explicit ListingProvider(absl::StatusOr<std::vector<provider::ModelInfo>> models)
      : models_(std::move(models)) {}
  absl::StatusOr<std::unique_ptr<chat::Stream>> Chat(const chat::ChatRequest&) override {
    return absl::UnimplementedError("no");
  }
  absl::StatusOr<std::unique_ptr<chat::Stream>> Complete(const chat::CompletionRequest&) override {
    return absl::UnimplementedError("no");
  }
  absl::StatusOr<chat::Embeddings> Embed(const chat::EmbeddingRequest&) override {
    return absl::UnimplementedError("no");
  }
  absl::StatusOr<int64_t> CountTokens(const chat::ChatRequest&) override {
    return absl::UnimplementedError("no");
  }
  absl::StatusOr<std::vector<provider::ModelInfo>> Models() override { return models_; }
  provider::Health health() override { return {}; }

 private:
  absl::StatusOr<std::vector<provider::ModelInfo>> models_;
};

TEST(Router, GivesTheProviderAndItsNameForTheModel) {
  Registry registry({"good", "bad", "absent"}, Canonical, nullptr);
  ASSERT_TRUE(registry.Load({Entry("lost", "absent")}).ok());
  const std::vector<provider::ModelInfo> models = {{"m", provider::ModelType::kEmbedding, {}}};
  const auto good = std::make_shared<ListingProvider>(models);
  Router router(
      {{"good", good}, {"bad", std::make_shared<ListingProvider>(absl::UnavailableError("down"))}},
      registry);
  const absl::Status refreshed = router.Refresh();
  EXPECT_EQ(refreshed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refreshed.message()), HasSubstr("provider 'bad': down"));
  const auto route = router.Route("m");
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_EQ(route->provider, good);
  EXPECT_EQ(route->model.provider_model_id, "m");
  EXPECT_EQ(route->model.identifier, "good/m");
  EXPECT_EQ(route->model.type, provider::ModelType::kEmbedding);
  EXPECT_EQ(router.Route("lost").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(router.Route("x").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace cria::stack
