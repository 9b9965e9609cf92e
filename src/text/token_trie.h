// The vocabulary as a trie over bytes.
#ifndef CRIA_TEXT_TOKEN_TRIE_H_
#define CRIA_TEXT_TOKEN_TRIE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "text/grammar.h"

namespace cria::text {

// Nodes stand in the order of a depth-first walk with sorted children, so that a subtree is a range
// of nodes and its tokens are a range of tokens. Immutable; share freely.
class TokenTrie {
 public:
  struct Node {
    uint32_t end = 0;  // one past the last node of its subtree
    uint32_t first_token =
        0;                // in tokens(); those of this very node end where the next node's begin
    uint16_t depth = 0;   // bytes from the root
    uint16_t height = 0;  // bytes from here to the deepest node below
    uint8_t byte = 0;
  };
  // What the paths below a node are made of.
  struct Below {
    uint64_t next[2] = {0, 0};   // a bit for each byte below 0x80 that a path begins with
    uint64_t ascii[2] = {0, 0};  // and for each that is anywhere on one
    bool other = false;          // there are bytes from 0x80 on
    bool utf8 = true;            // each path is well-formed, but may end inside a character
  };
  struct CharSet {
    uint64_t ascii[2] = {0, 0};  // a bit for each character below U+0080
    bool others = false;         // all characters above
    bool Has(uint8_t byte) const {
      return byte < 0x80 ? (ascii[byte / 64] >> (byte % 64) & 1) != 0 : others;
    }
    bool Contains(const CharSet& set) const {
      return (set.ascii[0] & ~ascii[0]) == 0 && (set.ascii[1] & ~ascii[1]) == 0 &&
             (others || !set.others);
    }
    bool Covers(const Below& below) const {
      return (below.ascii[0] & ~ascii[0]) == 0 && (below.ascii[1] & ~ascii[1]) == 0 &&
             (!below.other || (others && below.utf8));
    }
    bool operator==(const CharSet&) const = default;
  };
  // The vocabulary cut in two by a set of characters.
  struct Partition {
    CharSet set;
    std::vector<uint64_t> inside;   // [mask_words] tokens of such characters alone, the last of
                                    // which may be incomplete
    std::vector<uint32_t> outside;  // the nodes on the paths to all others, in order
  };
  static constexpr uint32_t kRoot = 0;
  static constexpr size_t kMaxTokenBytes = 4096;  // longer tokens are never allowed

  // `tokens[id]` are the bytes of a token; tokens without bytes are left out.
  static std::shared_ptr<const TokenTrie> FromTokens(std::span<const std::string> tokens);

  std::span<const Node> nodes() const { return {nodes_.data(), nodes_.size() - 1}; }
  const Node& node(uint32_t index) const { return nodes_[index]; }
  // Tokens that are spelled exactly by the path to the node.
  std::span<const TokenId> TokensAt(uint32_t node) const {
    return {tokens_.data() + nodes_[node].first_token,
            tokens_.data() + nodes_[node + 1].first_token};
  }
  // Tokens that are longer than the path to the node, which is their beginning.
  std::span<const TokenId> TokensBelow(uint32_t node) const {
    return {tokens_.data() + nodes_[node + 1].first_token,
            tokens_.data() + nodes_[nodes_[node].end].first_token};
  }
  // The bytes from the root to the node.
  std::string_view PathTo(uint32_t node) const {
    return Bytes(tokens_[nodes_[node].first_token]).substr(0, nodes_[node].depth);
  }
  const Below& below(uint32_t node) const { return below_[node]; }
  // Made once for each set and kept for all users of the trie. Any thread.
  std::shared_ptr<const Partition> PartitionBy(const CharSet& set) const;
  std::span<const TokenId> LongerThan(size_t bytes) const;
  std::string_view Bytes(TokenId id) const;  // empty for ids that are left out or out of range
  uint32_t longest() const { return nodes_[kRoot].height; }
  int32_t vocab_size() const { return static_cast<int32_t>(offsets_.size()) - 1; }
  size_t mask_words() const { return (offsets_.size() - 1 + 63) / 64; }

 private:
  static constexpr size_t kMaxPartitions = 16;  // about 100 KB each
  void AddBelow(std::string_view token, std::span<const uint32_t> path);
  Partition MakePartition(const CharSet& set) const;

  std::string bytes_;                    // of all tokens
  std::vector<uint32_t> offsets_;        // [vocab_size + 1] into bytes_
  std::vector<Node> nodes_;              // and one more, that only ends the tokens of the last
  std::vector<Below> below_;             // of each node
  std::vector<TokenId> tokens_;          // sorted by their bytes
  std::vector<TokenId> by_length_;       // longest first
  std::vector<uint32_t> longer_counts_;  // [n]: how many are longer than n bytes
  mutable absl::Mutex mutex_;
  mutable std::vector<std::shared_ptr<const Partition>> partitions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cria::text

#endif  // CRIA_TEXT_TOKEN_TRIE_H_
