#include "engine/speculation.h"

#include <gtest/gtest.h>

#include "engine/engine_testing.h"

namespace cria::engine {
namespace {

using text::TokenId;
using Ids = std::vector<TokenId>;

TEST(NgramDrafterTest, GuessesWhatFollowedBefore) {
  NgramDrafter drafter;
  const Ids tokens = {1, 2, 3, 4, 5, 6, 2, 3, 4};
  EXPECT_EQ(drafter.Draft(tokens, 3), (Ids{5, 6, 2}));
  // Beyond the end the guess repeats itself.
  EXPECT_EQ(NgramDrafter().Draft(tokens, 8), (Ids{5, 6, 2, 3, 4, 5, 6, 2}));
}

TEST(NgramDrafterTest, TheLastPlaceCounts) {
  NgramDrafter drafter;
  EXPECT_EQ(drafter.Draft(Ids{7, 8, 9, 1, 7, 8, 9, 2, 7, 8, 9}, 1), (Ids{2}));
}

TEST(NgramDrafterTest, NothingKnownGivesNothing) {
  NgramDrafter drafter;
  EXPECT_TRUE(drafter.Draft(Ids{}, 4).empty());
  EXPECT_TRUE(drafter.Draft(Ids{1, 2}, 4).empty());
  EXPECT_TRUE(drafter.Draft(Ids{1, 2, 3, 4, 5}, 4).empty());
  EXPECT_EQ(drafter.Draft(Ids{1, 2, 3, 4, 5, 2, 3, 4}, 1), (Ids{5}));  // grown
  EXPECT_TRUE(drafter.Draft(Ids{9, 9, 8, 7}, 4).empty());              // another sequence
}

TEST(ModelDrafterTest, ReadsALongPromptInParts) {
  base::ThreadPool pool(1, /*pin=*/false);
  const auto model = LoadStories(pool);
  auto drafter = ModelDrafter::Create(model, *model, 300, pool);
  ASSERT_TRUE(drafter.ok()) << drafter.status();
  const Ids prompt(200, 300);
  int calls = 1;
  while ((*drafter)->Draft(prompt, 1).empty() && calls < 10) ++calls;
  EXPECT_EQ(calls, 4);  // 199 tokens, 64 at a time
}

TEST(ModelDrafterTest, GuessesItsLikeliestTokens) {
  base::ThreadPool pool(1, /*pin=*/false);
  const auto model = LoadStories(pool);
  auto drafter = ModelDrafter::Create(model, *model, 64, pool);
  ASSERT_TRUE(drafter.ok()) << drafter.status();
  const Ids first = (*drafter)->Draft(Ids{1}, 6);
  ASSERT_EQ(first.size(), 6U);
  // The same from a longer beginning, and after a wrong turn.
  EXPECT_EQ((*drafter)->Draft(Ids{1, first[0], first[1]}, 4), Ids(first.begin() + 2, first.end()));
  (void)(*drafter)->Draft(Ids{1, 300, 301, 302}, 3);
  EXPECT_EQ((*drafter)->Draft(Ids{1}, 6), first);

  // No further than the context.
  EXPECT_EQ((*drafter)->Draft(Ids(62, 300), 6).size(), 2U);
}

// Says what it is told.
class Parrot : public Drafter {
 public:
  Ids Draft(std::span<const TokenId>, int64_t most) override {
    return Ids(static_cast<size_t>(most), 5);
  }
};

TEST(SpeculationTest, GuessesMoreWhileItPaysAndStopsWhenItDoesNot) {
  Speculation speculation(std::make_unique<Parrot>());
  const Ids tokens = {1, 2, 3};
  const auto guess = [&] {
    return static_cast<int64_t>(
        speculation.Guess(tokens, 100, /*token_s=*/1, /*answer_s=*/5).size());
  };
  int64_t count = guess();
  EXPECT_EQ(count, 2);  // 0.5, 0.25 > 1/5 > 0.125
  for (int i = 0; i < 10; ++i) {
    speculation.Judge(count, count);
    count = guess();
  }
  EXPECT_EQ(count, Speculation::kMost);
  int tries = 0, wrong = 0;
  for (int i = 0; i < 20; ++i) {
    count = guess();
    if (count == 0) continue;
    ++tries;
    wrong += static_cast<int>(count);
    speculation.Judge(count, 0);
  }
  EXPECT_LT(tries, 12);
  EXPECT_LT(wrong, 60);
  EXPECT_EQ(guess(), 0);
  // Now and then it tries again, once.
  int64_t probes = 0;
  for (int i = 0; i < 320; ++i) {
    count = guess();
    if (count > 0) speculation.Judge(count, 0);
    probes += count;
  }
  EXPECT_GE(probes, 5);
  EXPECT_LE(probes, 10);
}

}  // namespace
}  // namespace cria::engine
