#include "store/prompts.h"

#include <gtest/gtest.h>

#include "store/test_store.h"

namespace cria::store {
namespace {

using ::testing::ElementsAre;

TEST(CheckPromptTest, TakesTextsWhoseVariablesAreDeclared) {
  EXPECT_TRUE(CheckPrompt({"no variable, { one } {{}} {{ a b }} {{ a.b }} {{ open", {}}).ok());
  EXPECT_TRUE(CheckPrompt({"Hello {{name}}, {{  age\t}}, {{ _x1 }}", {"age", "name", "_x1"}}).ok());
  EXPECT_TRUE(CheckPrompt({"", {"unused"}}).ok());
}

TEST(CheckPromptTest, NamesWhatIsNotDeclared) {
  const auto undeclared = [](const char* name) {
    return HasStatus(absl::StatusCode::kInvalidArgument, name);
  };
  EXPECT_THAT(CheckPrompt({"Hello {{ name }}", {}}), undeclared("{{ name }}"));
  EXPECT_THAT(CheckPrompt({"{{a}} {{b}}", {"a"}}), undeclared("{{ b }}"));
  EXPECT_THAT(CheckPrompt({"{{{ c }}}", {}}), undeclared("{{ c }}"));
  EXPECT_THAT(CheckPrompt({"{{ a {{ d }}", {}}), undeclared("{{ d }}"));
}

TEST(CheckPromptTest, RefusesNamesThatAreNone) {
  for (const char* name : {"", "1a", "a b", "a-b", "\xC3\xA4", "{{a}}"})
    EXPECT_THAT(CheckPrompt({"", {name}}),
                HasStatus(absl::StatusCode::kInvalidArgument, "variables: expected names"))
        << name;
  EXPECT_THAT(CheckPrompt({"", {"a", "b", "a"}}),
              HasStatus(absl::StatusCode::kInvalidArgument, "'a' is there twice"));
}

class PromptsTest : public StoreTest {
 protected:
  std::string Create(const std::string& text) {
    const auto created = prompts().Create({text, {}}, {"ann", {}});
    EXPECT_TRUE(created.ok()) << created.status();
    return created->id;
  }
  std::string TextOf(const std::string& id, std::optional<int64_t> version = {}) {
    const auto got = prompts().Get(id, version);
    return got.ok() ? got->content.text : got.status().ToString();
  }
  std::vector<std::string> Texts(PromptVersion which, const ListOptions& options = {}) {
    const auto page = prompts().List(options, which);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> texts;
    for (const Prompt& prompt : page->items) texts.push_back(prompt.content.text);
    return texts;
  }
  Prompts& prompts() { return store().prompts(); }
};

TEST_P(PromptsTest, ComeBackAsTheyWereMade) {
  place().set_now(99);
  const auto created = prompts().Create({"Hi {{ a }}{{ b }}", {"b", "a"}}, {"ann", {}});
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_TRUE(IsPromptId(created->id));
  Reopen();
  const auto got = prompts().Get(created->id, std::nullopt);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->id, created->id);
  EXPECT_EQ(got->created, 99);
  EXPECT_EQ(got->version, 1);
  EXPECT_TRUE(got->is_default);
  EXPECT_EQ(got->content.text, "Hi {{ a }}{{ b }}");
  EXPECT_THAT(got->content.variables, ElementsAre("b", "a"));
  EXPECT_EQ(got->owner.principal, "ann");
}

TEST_P(PromptsTest, VersionsAreAdded) {
  const std::string id = Create("one");
  const auto two = prompts().AddVersion(id, 1, {"two", {}}, true);
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(two->version, 2);
  EXPECT_TRUE(two->is_default);
  const auto three = prompts().AddVersion(id, 2, {"three", {}}, false);
  ASSERT_TRUE(three.ok()) << three.status();
  EXPECT_EQ(three->version, 3);
  EXPECT_FALSE(three->is_default);
  EXPECT_EQ(TextOf(id), "two");
  EXPECT_EQ(TextOf(id, 1), "one");
  EXPECT_EQ(TextOf(id, 3), "three");
  const auto versions = prompts().Versions(id);
  ASSERT_TRUE(versions.ok()) << versions.status();
  ASSERT_EQ(versions->size(), 3u);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*versions)[i].version, i + 1);
    EXPECT_EQ((*versions)[i].is_default, i == 1);
  }
}

TEST_P(PromptsTest, AVersionFollowsTheLatestOnly) {
  const std::string id = Create("one");
  ASSERT_TRUE(prompts().AddVersion(id, 1, {"two", {}}, true).ok());
  EXPECT_THAT(prompts().AddVersion(id, 1, {"lost", {}}, true).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "that is 2"));
  EXPECT_THAT(prompts().AddVersion(id, 2, {"{{ x }}", {}}, true).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "{{ x }}"));
  EXPECT_EQ(prompts().Versions(id)->size(), 2u);
}

TEST_P(PromptsTest, TheDefaultCanBeAnyVersion) {
  const std::string id = Create("one");
  ASSERT_TRUE(prompts().AddVersion(id, 1, {"two", {}}, true).ok());
  const auto changed = prompts().SetDefault(id, 1);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_TRUE(changed->is_default);
  EXPECT_EQ(TextOf(id), "one");
  for (const int64_t version : {0, 3, -1})
    EXPECT_THAT(prompts().SetDefault(id, version).status(),
                HasStatus(absl::StatusCode::kNotFound,
                          "no such prompt '" + id + " version " + std::to_string(version)));
  EXPECT_EQ(TextOf(id), "one");
}

TEST_P(PromptsTest, ListsHaveOneVersionOfEach) {
  const std::string a = Create("a1");
  Create("b1");
  ASSERT_TRUE(prompts().AddVersion(a, 1, {"a2", {}}, false).ok());
  EXPECT_THAT(Texts(PromptVersion::kDefault), ElementsAre("b1", "a1"));
  EXPECT_THAT(Texts(PromptVersion::kLatest), ElementsAre("b1", "a2"));
  ListOptions after;
  after.after = a;
  after.order = Order::kAscending;
  EXPECT_THAT(Texts(PromptVersion::kLatest, after), ElementsAre("b1"));
  after.visible = [](const Owner& owner) { return owner.principal != "ann"; };
  after.after.reset();
  EXPECT_THAT(Texts(PromptVersion::kLatest, after), ElementsAre());
}

TEST_P(PromptsTest, DeletingDeletesAllVersions) {
  const std::string id = Create("one");
  ASSERT_TRUE(prompts().AddVersion(id, 1, {"two", {}}, true).ok());
  const std::string other = Create("other");
  ASSERT_TRUE(prompts().Delete(id).ok());
  const auto missing = HasStatus(absl::StatusCode::kNotFound, "no such prompt '" + id + "'");
  EXPECT_THAT(prompts().Get(id, std::nullopt).status(), missing);
  EXPECT_THAT(prompts().Get(id, 1).status(), missing);
  EXPECT_THAT(prompts().Versions(id).status(), missing);
  EXPECT_THAT(prompts().AddVersion(id, 2, {"", {}}, true).status(), missing);
  EXPECT_THAT(prompts().SetDefault(id, 1).status(), missing);
  EXPECT_THAT(prompts().Delete(id), missing);
  EXPECT_EQ(TextOf(other), "other");
}

CRIA_TEST_EVERY_BACKEND(PromptsTest);

}  // namespace
}  // namespace cria::store
