#include "store/conversations.h"

#include <gtest/gtest.h>

#include "store/test_store.h"

namespace cria::store {
namespace {

namespace json = base::json;
using ::testing::ElementsAre;

json::object Item(const std::string& id) { return {{"id", id}, {"type", "message"}}; }

class ConversationsTest : public StoreTest {
 protected:
  Conversation Create(std::vector<json::object> items = {}) {
    auto created = conversations().Create({{"topic", "x"}}, std::move(items), {"ann", {}});
    EXPECT_TRUE(created.ok()) << created.status();
    return *std::move(created);
  }
  void Append(const std::string& id, std::vector<json::object> items) {
    const auto added = conversations().Append(id, std::move(items));
    ASSERT_TRUE(added.ok()) << added.status();
  }
  std::vector<std::string> Items(const std::string& id, const ListOptions& options) {
    const auto page = conversations().ListItems(id, options);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return {};
    has_more_ = page->has_more;
    return IdsOf(*page);
  }
  std::vector<std::string> Items(const std::string& id) {
    ListOptions options;
    options.order = Order::kAscending;
    return Items(id, options);
  }
  Conversations& conversations() { return store().conversations(); }

  bool has_more_ = false;
};

TEST_P(ConversationsTest, ComeBackAsTheyWereMade) {
  place().set_now(4711);
  const std::string id = Create({Item("a")}).id;
  EXPECT_TRUE(IsConversationId(id));
  Reopen();
  const auto got = conversations().Get(id);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->id, id);
  EXPECT_EQ(got->created, 4711);
  EXPECT_EQ(got->metadata, R"({"topic":"x"})");
  EXPECT_EQ(got->owner.principal, "ann");
  EXPECT_THAT(Items(id), ElementsAre("a"));
}

TEST_P(ConversationsTest, MetadataIsReplaced) {
  const std::string id = Create().id;
  const auto changed = conversations().SetMetadata(id, {{"a", "1"}});
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->metadata, R"({"a":"1"})");
  EXPECT_EQ(conversations().Get(id)->metadata, R"({"a":"1"})");
}

TEST_P(ConversationsTest, ItemsKeepTheirOrder) {
  const std::string id = Create({Item("z"), Item("a")}).id;
  const std::string other = Create({Item("other")}).id;
  Append(id, {Item("m"), Item("b")});
  EXPECT_THAT(Items(id), ElementsAre("z", "a", "m", "b"));
  ListOptions options;
  options.limit = 3;
  EXPECT_THAT(Items(id, options), ElementsAre("b", "m", "a"));
  EXPECT_TRUE(has_more_);
  options.after = "a";
  EXPECT_THAT(Items(id, options), ElementsAre("z"));
  EXPECT_FALSE(has_more_);
  options.after = "other";
  EXPECT_THAT(conversations().ListItems(id, options).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "after: no such conversation item"));
  EXPECT_THAT(Items(other), ElementsAre("other"));
}

TEST_P(ConversationsTest, AFilterOfOwnersIsNotForItems) {
  const std::string id = Create({Item("a")}).id;
  ListOptions options;
  options.visible = [](const Owner& owner) { return owner.principal == "ann"; };
  EXPECT_THAT(Items(id, options), ElementsAre("a"));
}

TEST_P(ConversationsTest, ItemsWithoutAnIdGetOne) {
  const std::string id = Create().id;
  const auto added = conversations().Append(id, {json::object{{"type", "message"}}});
  ASSERT_TRUE(added.ok()) << added.status();
  const std::string item = added->front().id;
  EXPECT_TRUE(IsHexId(item, "msg_", 48)) << item;
  const auto got = conversations().GetItem(id, item);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, R"({"type":"message","id":")" + item + "\"}");
}

TEST_P(ConversationsTest, ItemsAreAddedAllOrNone) {
  const std::string id = Create({Item("a")}).id;
  EXPECT_THAT(conversations().Append(id, {Item("b"), Item("a")}).status(),
              HasStatus(absl::StatusCode::kAlreadyExists, "conversation item 'a'"));
  EXPECT_THAT(Items(id), ElementsAre("a"));
  EXPECT_THAT(conversations().Append(id, std::vector<json::object>(21)).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "at most 20"));
  EXPECT_TRUE(conversations().Append(id, std::vector<json::object>(20)).ok());
  EXPECT_THAT(conversations().Append(id, {json::object{{"id", 7}}}).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "id"));
  // Another conversation may use the same ids.
  EXPECT_THAT(Items(Create({Item("a")}).id), ElementsAre("a"));
}

TEST_P(ConversationsTest, AnItemCanBeDeleted) {
  const std::string id = Create({Item("a"), Item("b"), Item("c")}).id;
  ASSERT_TRUE(conversations().DeleteItem(id, "b").ok());
  EXPECT_THAT(Items(id), ElementsAre("a", "c"));
  Append(id, {Item("b")});
  EXPECT_THAT(Items(id), ElementsAre("a", "c", "b"));
}

TEST_P(ConversationsTest, DeletingOneDeletesItsItems) {
  const std::string id = Create({Item("a")}).id;
  const std::string other = Create({Item("a")}).id;
  ASSERT_TRUE(conversations().Delete(id).ok());
  EXPECT_THAT(conversations().Get(id).status(), HasStatus(absl::StatusCode::kNotFound, id));
  auto connection = *(*MakeDatabase(place().options().database))->Connect();
  std::vector<std::string> left;
  ASSERT_TRUE(connection
                  ->Query("SELECT conversation FROM conversation_items", {},
                          [&](const Row& row) {
                            left.emplace_back(row.Text(0));
                            return true;
                          })
                  .ok());
  EXPECT_THAT(left, ElementsAre(other));
}

TEST_P(ConversationsTest, WhatIsNotThereIsNamed) {
  const auto missing = HasStatus(absl::StatusCode::kNotFound, "no such conversation 'conv_x'");
  EXPECT_THAT(conversations().Get("conv_x").status(), missing);
  EXPECT_THAT(conversations().SetMetadata("conv_x", {}).status(), missing);
  EXPECT_THAT(conversations().Delete("conv_x"), missing);
  EXPECT_THAT(conversations().Append("conv_x", {Item("a")}).status(), missing);
  EXPECT_THAT(conversations().ListItems("conv_x", {}).status(), missing);
  EXPECT_THAT(conversations().GetItem("conv_x", "a").status(), missing);
  EXPECT_THAT(conversations().DeleteItem("conv_x", "a"), missing);
  const std::string id = Create().id;
  const auto no_item = HasStatus(absl::StatusCode::kNotFound, "no such conversation item 'a'");
  EXPECT_THAT(conversations().GetItem(id, "a").status(), no_item);
  EXPECT_THAT(conversations().DeleteItem(id, "a"), no_item);
}

CRIA_TEST_EVERY_BACKEND(ConversationsTest);

}  // namespace
}  // namespace cria::store
