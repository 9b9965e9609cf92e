// Which tokens a configuration of a grammar allows.
#ifndef CRIA_TEXT_GRAMMAR_MASK_H_
#define CRIA_TEXT_GRAMMAR_MASK_H_

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "text/grammar_pda.h"
#include "text/token_trie.h"

namespace cria::text {

// Walks the trie along the automaton, and remembers what it found in two caches. As in XGrammar
// (Dong et al., "XGrammar: Flexible and Efficient Structured Generation Engine for Large Language
// Models", 2024) the larger part of a mask depends on the top of the stack only: it is made once
// for each head, along with the trie nodes where the head returns, from which the few tokens that
// reach further are walked under the stack at hand. One thread at a time.
class GrammarMasks {
 public:
  static constexpr size_t kMaxMasks = 64;                    // whole masks kept
  static constexpr size_t kMaxHeadBytes = size_t{16} << 20;  // of all heads kept

  // Both are kept by reference, and must outlive this.
  GrammarMasks(GrammarPda& pda, const TokenTrie& trie)
      : pda_(pda), trie_(trie), path_(trie.longest() + 1) {}

  // Sets the bits of the allowed tokens in trie.mask_words() words, and clears all others.
  void Fill(GrammarPda::ConfigId config, std::span<uint64_t> mask);
  // To be called when the automaton was compacted: its ids have changed.
  void Clear();

 private:
  using ConfigId = GrammarPda::ConfigId;

  // What a head allows by itself. `bits` is empty where the list is shorter.
  struct Head {
    std::vector<uint64_t> bits;
    std::vector<TokenId> tokens;
    std::vector<uint32_t>
        exits;             // nodes at which it may return and below which there are more tokens
    uint32_t deepest = 0;  // stack on the way, which the rest at hand must leave room for
    size_t bytes() const {
      return bits.size() * sizeof(uint64_t) + tokens.size() * sizeof(TokenId) +
             exits.size() * sizeof(uint32_t);
    }
  };
  struct Mask {
    ConfigId config;
    std::vector<uint64_t> bits;
  };

  // Characters that lead from a configuration back to itself. Inside a string that is nearly all of
  // them, and most of the trie need not be walked.
  struct Loop {
    TokenTrie::CharSet chars;  // none of the bytes of those above U+007F may be the end
    uint32_t deepest = 0;      // stack on the way
  };

  void Compute(ConfigId config, std::span<uint64_t> mask);
  void ComputeDirectly(ConfigId config, std::span<uint64_t> mask);
  // Adds the tokens that go on from the node `from`, reached at `config`.
  void SetWalked(ConfigId config, uint32_t from, std::span<uint64_t> mask);
  std::shared_ptr<const Head> HeadOf(ConfigId config);
  Head MakeHead(ConfigId config);
  Head MakeLoopingHead(ConfigId config, ConfigId home, const Loop& between);
  Head MakeCountedHead(ConfigId config, const GrammarPda::Counted& counted);
  std::vector<uint64_t> BitsOf(const Head& head) const;
  ConfigId After(ConfigId config, std::string_view bytes);  // where they lead
  const Loop& LoopOf(ConfigId config);
  bool AllLoopBack(ConfigId config, ConfigId home, int bytes, uint8_t first, uint8_t last,
                   Loop* loop);
  // Those that lead from `config` to `home`.
  Loop CharsBetween(ConfigId config, ConfigId home);
  // Where all characters of a wide loop lead, from it and from `config` (which may be the same);
  // kDead if there is no such place.
  ConfigId HomeOf(ConfigId config, Loop* between);
  // True if every path below the node stays where it is, at `config`, and none of them ends it.
  bool StaysBelow(uint32_t node, ConfigId config);

  // Calls visit(node index, node, configuration) for every node below `from` that can be reached
  // from `config` there. It may return true: nothing below need be visited.
  template <typename Visit>
  void Walk(ConfigId config, uint32_t from, const Visit& visit);

  GrammarPda& pda_;
  const TokenTrie& trie_;
  std::vector<ConfigId> path_;  // by depth: where the walk is
  absl::flat_hash_map<ConfigId, Loop> loops_;
  absl::flat_hash_map<ConfigId, std::shared_ptr<const Head>> heads_;
  size_t head_bytes_ = 0;
  std::list<Mask> masks_;  // the last used first
  absl::flat_hash_map<ConfigId, std::list<Mask>::iterator> mask_of_;
};

}  // namespace cria::text

#endif  // CRIA_TEXT_GRAMMAR_MASK_H_
