#include "store/quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include "store/test_store.h"

namespace cria::store {
namespace {

class QuotaTest : public StoreTest {
 protected:
  QuotaUse Use(std::string_view key, const QuotaRule& rule) {
    const auto use = store().quota().Use(key, rule);
    EXPECT_TRUE(use.ok()) << use.status();
    return use.value_or(QuotaUse());
  }
};

TEST_P(QuotaTest, CountsUpToTheLimit) {
  place().set_now(1050);
  const QuotaRule rule{2, 100};
  QuotaUse use = Use("key", rule);
  EXPECT_TRUE(use.allowed);
  EXPECT_EQ(use.used, 1);
  EXPECT_EQ(use.resets_at, 1100);
  EXPECT_TRUE(Use("key", rule).allowed);
  use = Use("key", rule);
  EXPECT_FALSE(use.allowed);
  EXPECT_EQ(use.used, 2);
  EXPECT_EQ(use.resets_at, 1100);
  EXPECT_TRUE(Use("another", rule).allowed);
  EXPECT_FALSE(Use("third", {0, 100}).allowed);
}

TEST_P(QuotaTest, BeginsAnewWithEachPeriod) {
  const QuotaRule rule{1, 100};
  place().set_now(1099);
  EXPECT_TRUE(Use("key", rule).allowed);
  Reopen();
  EXPECT_FALSE(Use("key", rule).allowed);
  place().set_now(1100);
  EXPECT_TRUE(Use("key", rule).allowed);
  // A clock that is put back gives nothing away.
  place().set_now(1099);
  EXPECT_FALSE(Use("key", rule).allowed);
}

TEST_P(QuotaTest, RequestsAtTheSameMomentAreCountedOnce) {
  std::atomic<int> allowed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) allowed += Use("key", {70, 100}).allowed ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed, 70);
}

TEST_P(QuotaTest, AnswersLater) {
  std::promise<absl::StatusOr<QuotaUse>> answer;
  ASSERT_TRUE(store()
                  .quota()
                  .UseLater("key", {3, 100},
                            [&](const absl::StatusOr<QuotaUse>& use) { answer.set_value(use); })
                  .ok());
  const auto use = answer.get_future().get();
  ASSERT_TRUE(use.ok()) << use.status();
  EXPECT_TRUE(use->allowed);
  EXPECT_EQ(use->used, 1);
}

TEST_P(QuotaTest, ForgetsWhatIsOver) {
  const QuotaRule rule{1, 100};
  place().set_now(1000);
  Use("old", rule);
  place().set_now(1100);
  Use("new", rule);
  EXPECT_EQ(*store().quota().ForgetOld(), 1);
  EXPECT_EQ(*store().quota().ForgetOld(), 0);
  EXPECT_FALSE(Use("new", rule).allowed);
}

TEST_P(QuotaTest, AnUnusablePeriodIsRefused) {
  EXPECT_THAT(store().quota().Use("key", {1, 0}).status(),
              HasStatus(absl::StatusCode::kInvalidArgument, "period"));
}

CRIA_TEST_EVERY_BACKEND(QuotaTest);

TEST(QuotaSecretTest, TheTokenIsNotStored) {
  TestPlace place(Backend::kSqlite);
  const std::string token = "sk-this-is-the-secret-token";
  {
    auto store = Store::Open(place.options());
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->quota().Use(token, {1, 100}).ok());
  }
  std::ifstream file(place.options().database.path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  // echo -n sk-this-is-the-secret-token | sha256sum
  EXPECT_NE(bytes.find("7a2b00da34cb6f9e852b77fd71ea781b126fea7ed725788e8fd233522f1a09f4"),
            std::string::npos);
  EXPECT_EQ(bytes.find(token), std::string::npos);
}

}  // namespace
}  // namespace cria::store
