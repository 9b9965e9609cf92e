// Byte-pair merging: one piece of text to token ids.
#ifndef CRIA_TEXT_BPE_H_
#define CRIA_TEXT_BPE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "text/vocabulary.h"

namespace cria::text {

// What merges are looked for in: bytes, or characters with bytes for those that no token spells.
enum class BpeUnit : uint8_t { kByte, kCharacter };

// Scratch memory of one thread's Encode, kept between pieces.
struct BpeWorkspace {
  struct Symbol {
    uint32_t begin, length;  // bytes of the piece
    TokenId id;              // kNoToken: no token spells it
    // The merge with the next symbol, kNoRank if there is none.
    uint32_t rank;
    TokenId merged;
    uint32_t next, previous;  // list of symbols, of long pieces only
  };
  static constexpr uint32_t kNoRank = UINT32_MAX;

  std::vector<Symbol> symbols;
  std::vector<uint64_t> heap;  // rank, then position: the next merge first
  uint64_t steps = 0;          // pairs and symbols looked at so far: a measure of the work
};

// Immutable but for a memo of what it has computed; share freely between threads. The vocabulary
// must outlive it.
class BpeModel {
 public:
  struct Options {
    BpeUnit unit = BpeUnit::kByte;
    bool whole_pieces =
        false;  // a piece that is a token becomes it, whether or not merges lead there
    TokenId unknown = kNoToken;  // for what neither tokens nor bytes spell; kNoToken: it is dropped
    bool fuse_unknown = false;   // several unknowns in a row become one
  };

  virtual ~BpeModel() = default;
  // Appends the ids of `piece`, at most 2^31 bytes. O(n log n).
  virtual void Encode(std::string_view piece, BpeWorkspace* workspace,
                      std::vector<TokenId>* ids) const = 0;
};

// Merges the adjacent pair whose joined bytes are the token of the lowest rank, the leftmost of
// equals, until there is none. `ranks` by id; empty: the id is the rank (tiktoken). With ranks by
// falling score it is SentencePiece's BPE.
std::unique_ptr<const BpeModel> MakeRankedBpe(const Vocabulary& vocabulary,
                                              std::vector<uint32_t> ranks,
                                              const BpeModel::Options& options);

// Merges the adjacent pair of tokens that stands first in a list (Sennrich, Haddow, Birch: "Neural
// Machine Translation of Rare Words with Subword Units", 2016), the leftmost of equals, until there
// is none.
class MergeList {
 public:
  struct Merge {
    uint32_t rank;
    TokenId merged;
  };
  void Reserve(size_t count) { merges_.reserve(count); }
  // The merge of the next rank. A pair that is known already keeps its rank.
  void Add(TokenId left, TokenId right, TokenId merged) {
    merges_.try_emplace(Key(left, right), Merge{static_cast<uint32_t>(merges_.size()), merged});
  }
  const Merge* Find(TokenId left, TokenId right) const {
    const auto found = merges_.find(Key(left, right));
    return found == merges_.end() ? nullptr : &found->second;
  }

 private:
  static uint64_t Key(TokenId left, TokenId right) {
    return (uint64_t{static_cast<uint32_t>(left)} << 32) | static_cast<uint32_t>(right);
  }
  absl::flat_hash_map<uint64_t, Merge> merges_;
};
std::unique_ptr<const BpeModel> MakeMergeListBpe(const Vocabulary& vocabulary, MergeList merges,
                                                 const BpeModel::Options& options);

}  // namespace cria::text

#endif  // CRIA_TEXT_BPE_H_
