#include "text/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/rng.h"

namespace cria::text {
namespace {

using Ids = std::vector<TokenId>;

// Tokens by the definition in bpe.h, one merge at a time; `rank` of two neighbours, or -1.
template <typename Rank>
std::vector<std::string> MergeSlowly(const std::string& piece, const Rank& rank) {
  std::vector<std::string> parts;
  for (const char c : piece) parts.emplace_back(1, c);
  for (;;) {
    int best = -1;
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const int candidate = rank(parts[i], parts[i + 1]);
      if (candidate < 0 || (best >= 0 && candidate >= best)) continue;
      best = candidate;
      at = i;
    }
    if (best < 0) return parts;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

// Ids 0 to 3 are "a" to "d"; the others join two of those before them.
struct RandomTokens {
  std::vector<std::string> tokens = {"a", "b", "c", "d"};
  std::vector<std::pair<std::string, std::string>> merges;
  Vocabulary vocabulary;
  MergeList list;

  explicit RandomTokens(base::Rng* rng) {
    while (tokens.size() < 60) {
      const std::string& left = Any(rng);
      const std::string& right = Any(rng);
      const std::string joined = left + right;
      if (joined.size() > 12) continue;
      merges.emplace_back(left, right);
      if (std::find(tokens.begin(), tokens.end(), joined) == tokens.end()) tokens.push_back(joined);
    }
    EXPECT_TRUE(vocabulary.Resize(tokens.size()).ok());
    for (size_t id = 0; id < tokens.size(); ++id)
      EXPECT_TRUE(vocabulary.Set(static_cast<TokenId>(id), tokens[id], TokenType::kNormal).ok());
    vocabulary.BuildIndex();
    for (const auto& [left, right] : merges)
      list.Add(vocabulary.Find(left), vocabulary.Find(right), vocabulary.Find(left + right));
  }

  std::string Any(base::Rng* rng) const {
    return tokens[rng->Below(static_cast<uint32_t>(tokens.size()))];
  }
  Ids IdsOf(const std::vector<std::string>& parts) const {
    Ids ids;
    for (const std::string& part : parts) ids.push_back(vocabulary.Find(part));
    return ids;
  }
};

std::string RandomPiece(base::Rng* rng, uint32_t longest) {
  std::string piece;
  for (uint32_t length = 1 + rng->Below(longest); length > 0; --length)
    piece += static_cast<char>('a' + rng->Below(rng->Below(3) == 0 ? 4 : 2));
  return piece;
}

Ids Encode(const BpeModel& model, std::string_view piece) {
  BpeWorkspace workspace;
  Ids ids;
  model.Encode(piece, &workspace, &ids);
  return ids;
}

// Short pieces and long ones go different ways.
TEST(BpeTest, RankedMergesAreTheDefinition) {
  base::Rng rng(1);
  for (int round = 0; round < 40; ++round) {
    const RandomTokens random(&rng);
    const auto model = MakeRankedBpe(random.vocabulary, {}, {});
    const auto rank = [&](const std::string& a, const std::string& b) {
      return random.vocabulary.Find(a + b);
    };
    for (int i = 0; i < 40; ++i) {
      const std::string piece = RandomPiece(&rng, i % 2 == 0 ? 20 : 300);
      ASSERT_EQ(Encode(*model, piece), random.IdsOf(MergeSlowly(piece, rank))) << piece;
    }
  }
}

TEST(BpeTest, ListedMergesAreTheDefinition) {
  base::Rng rng(2);
  for (int round = 0; round < 40; ++round) {
    RandomTokens random(&rng);
    std::map<std::pair<std::string, std::string>, int> order;
    for (const auto& merge : random.merges)
      order.try_emplace(merge, static_cast<int>(order.size()));
    const auto rank = [&](const std::string& a, const std::string& b) {
      const auto found = order.find({a, b});
      return found == order.end() ? -1 : found->second;
    };
    const auto model = MakeMergeListBpe(random.vocabulary, std::move(random.list), {});
    for (int i = 0; i < 40; ++i) {
      const std::string piece = RandomPiece(&rng, i % 2 == 0 ? 20 : 300);
      ASSERT_EQ(Encode(*model, piece), random.IdsOf(MergeSlowly(piece, rank))) << piece;
    }
  }
}

TEST(BpeTest, EqualRanksMergeTheLeftmostFirst) {
  Vocabulary vocabulary;
  ASSERT_TRUE(vocabulary.Resize(2).ok());
  ASSERT_TRUE(vocabulary.Set(0, "a", TokenType::kNormal).ok());
  ASSERT_TRUE(vocabulary.Set(1, "aa", TokenType::kNormal).ok());
  vocabulary.BuildIndex();
  const auto model = MakeRankedBpe(vocabulary, {}, {});
  EXPECT_EQ(Encode(*model, "aaa"), (Ids{1, 0}));
  Ids expected(100, 1);
  expected.push_back(0);
  EXPECT_EQ(Encode(*model, std::string(201, 'a')), expected);
}

TEST(BpeTest, WholePiecesNeedNoMerges) {
  Vocabulary vocabulary;
  ASSERT_TRUE(vocabulary.Resize(3).ok());
  for (TokenId id = 0; id < 3; ++id)
    ASSERT_TRUE(vocabulary.Set(id, std::string(&"a\0b\0abb"[2 * id]), TokenType::kNormal).ok());
  vocabulary.BuildIndex();
  EXPECT_EQ(Encode(*MakeMergeListBpe(vocabulary, {}, {.whole_pieces = true}), "abb"), (Ids{2}));
  EXPECT_EQ(Encode(*MakeMergeListBpe(vocabulary, {}, {}), "abb"), (Ids{0, 1, 1}));
  EXPECT_EQ(Encode(*MakeMergeListBpe(vocabulary, {}, {.whole_pieces = true}), "bab"),
            (Ids{1, 0, 1}));
}

// The work for one piece of `size` bytes of `unit`, whatever the time.
uint64_t Steps(const BpeModel& model, std::string_view unit, size_t size) {
  std::string piece;
  while (piece.size() < size) piece += unit;
  BpeWorkspace workspace;
  Ids ids;
  model.Encode(piece, &workspace, &ids);
  return workspace.steps;
}

TEST(BpeTest, WorkGrowsWithTheLengthOfAPieceAlone) {
  base::Rng rng(3);
  for (int round = 0; round < 8; ++round) {
    RandomTokens random(&rng);
    std::vector<std::unique_ptr<const BpeModel>> models;
    models.push_back(MakeRankedBpe(random.vocabulary, {}, {}));
    models.push_back(MakeMergeListBpe(random.vocabulary, std::move(random.list), {}));
    for (const auto& model : models) {
      for (const std::string& unit :
           {std::string("a"), std::string("ab"), std::string("dcba"), RandomPiece(&rng, 1000)}) {
        EXPECT_LE(Steps(*model, unit, 1000), 5000u);
        EXPECT_LE(Steps(*model, unit, 100'000), 500'000u);
        EXPECT_LE(Steps(*model, unit, 63), 63u * 64);
      }
    }
  }
}

}  // namespace
}  // namespace cria::text
