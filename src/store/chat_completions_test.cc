#include "store/chat_completions.h"

#include <gtest/gtest.h>

#include "store/test_store.h"

namespace cria::store {
namespace {

using ::testing::ElementsAre;

ChatCompletion Made(const std::string& id, int64_t created, const std::string& model = "m",
                    const Owner& owner = {}) {
  return {id, created, model, R"([{"role":"user"}])", R"({"id":")" + id + "\"}", owner};
}

class ChatCompletionsTest : public StoreTest {
 protected:
  void Put(const ChatCompletion& completion) {
    const absl::Status status = completions().Put(completion);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::vector<std::string> List(const ChatCompletionListOptions& options) {
    const auto page = completions().List(options);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return {};
    has_more_ = page->has_more;
    return IdsOf(*page);
  }
  ChatCompletions& completions() { return store().chat_completions(); }

  bool has_more_ = false;
};

TEST_P(ChatCompletionsTest, ComeBackAsTheyWerePut) {
  const Owner owner{"ann", {{"roles", {"admin", "user"}}, {"teams", {}}}};
  ChatCompletion put = Made("chatcmpl-1", 77, "llama3.2:3b", owner);
  put.input = R"([{"role":"user","content":"it's \"9 \u20ac\"?"}])";
  Put(put);
  Reopen();
  const auto got = completions().Get("chatcmpl-1");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->created, 77);
  EXPECT_EQ(got->model, "llama3.2:3b");
  EXPECT_EQ(got->input, put.input);
  EXPECT_EQ(got->response, put.response);
  EXPECT_EQ(got->owner, owner);
}

TEST_P(ChatCompletionsTest, AnIdIsTakenOnce) {
  Put(Made("a", 1));
  EXPECT_THAT(completions().Put(Made("a", 2)),
              HasStatus(absl::StatusCode::kAlreadyExists, "chat completion 'a'"));
  EXPECT_EQ(completions().Get("a")->created, 1);
}

TEST_P(ChatCompletionsTest, OneThatIsNotThereIsNamed) {
  EXPECT_THAT(completions().Get("b").status(),
              HasStatus(absl::StatusCode::kNotFound, "chat completion 'b'"));
}

TEST_P(ChatCompletionsTest, PagesFollowTimeAndThenTheOrderOfStoring) {
  Put(Made("c", 30));
  Put(Made("a", 10));
  Put(Made("b1", 20));
  Put(Made("b2", 20));
  Put(Made("b3", 20));
  ChatCompletionListOptions options;
  EXPECT_THAT(List(options), ElementsAre("c", "b3", "b2", "b1", "a"));
  EXPECT_FALSE(has_more_);
  options.limit = 2;
  EXPECT_THAT(List(options), ElementsAre("c", "b3"));
  EXPECT_TRUE(has_more_);
  options.after = "b3";
  EXPECT_THAT(List(options), ElementsAre("b2", "b1"));
  EXPECT_TRUE(has_more_);
  options.after = "b1";
  EXPECT_THAT(List(options), ElementsAre("a"));
  EXPECT_FALSE(has_more_);
  options.order = Order::kAscending;
  EXPECT_THAT(List(options), ElementsAre("b2", "b3"));
  EXPECT_TRUE(has_more_);
}

TEST_P(ChatCompletionsTest, AListMayBeOfOneModel) {
  Put(Made("a", 1, "x"));
  Put(Made("b", 2, "y"));
  Put(Made("c", 3, "x"));
  ChatCompletionListOptions options;
  options.model = "x";
  EXPECT_THAT(List(options), ElementsAre("c", "a"));
  options.after = "b";
  EXPECT_THAT(completions().List(options).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "after: no such chat completion 'b'"));
  options.after.reset();
  options.model = "z";
  EXPECT_THAT(List(options), ElementsAre());
  EXPECT_FALSE(has_more_);
}

TEST_P(ChatCompletionsTest, CursorsAndLimitsAreChecked) {
  Put(Made("a", 1));
  ChatCompletionListOptions options;
  options.after = "nobody";
  EXPECT_THAT(
      completions().List(options).status(),
      HasStatus(absl::StatusCode::kInvalidArgument, "after: no such chat completion 'nobody'"));
  options.after.reset();
  for (const int64_t limit : {int64_t{0}, int64_t{-1}, kMaxPageItems + 1}) {
    options.limit = limit;
    EXPECT_THAT(completions().List(options).status(),
                HasStatus(absl::StatusCode::kInvalidArgument, "limit: expected 1 to"));
  }
}

TEST_P(ChatCompletionsTest, WhatIsNotVisibleIsAsThoughItWereNotThere) {
  const Owner ann{"ann", {}}, bob{"bob", {}};
  // More of the other's than are read at a time.
  Put(Made("first", 1, "m", ann));
  for (int i = 0; i < 250; ++i)
    ASSERT_TRUE(
        completions()
            .PutLater(Made("bob" + std::to_string(i), 2, "m", bob), [](const absl::Status&) {})
            .ok());
  Put(Made("last", 3, "m", ann));
  ChatCompletionListOptions options;
  options.visible = [](const Owner& owner) { return owner.principal == "ann"; };
  EXPECT_THAT(List(options), ElementsAre("last", "first"));
  EXPECT_FALSE(has_more_);
  options.limit = 1;
  EXPECT_THAT(List(options), ElementsAre("last"));
  EXPECT_TRUE(has_more_);
  options.after = "last";
  EXPECT_THAT(List(options), ElementsAre("first"));
  EXPECT_FALSE(has_more_);
  options.after = "bob7";
  EXPECT_THAT(completions().List(options).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "after: no such"));
}

TEST_P(ChatCompletionsTest, APageOfLargeOnesEndsEarly) {
  for (int i = 0; i < 4; ++i) {
    ChatCompletion large = Made(std::to_string(i), i);
    large.response = std::string(kMaxPageBytes / 2, 'x');
    Put(large);
  }
  ChatCompletionListOptions options;
  EXPECT_THAT(List(options), ElementsAre("3", "2"));
  EXPECT_TRUE(has_more_);
  options.after = "2";
  EXPECT_THAT(List(options), ElementsAre("1", "0"));
  EXPECT_FALSE(has_more_);
}

CRIA_TEST_EVERY_BACKEND(ChatCompletionsTest);

}  // namespace
}  // namespace cria::store
