#include "text/token_trie.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "text/utf8.h"

namespace cria::text {
std::shared_ptr<const TokenTrie> BuildTokenTrie(const Tokenizer& tokenizer, int64_t model_vocab) {
  const auto size =
      static_cast<TokenId>(std::clamp<int64_t>(model_vocab, 0, tokenizer.vocab_size()));
  std::vector<std::string> tokens(static_cast<size_t>(size));
  for (TokenId id = 0; id < size; ++id)
    if (!tokenizer.IsSpecial(id)) tokens[static_cast<size_t>(id)] = tokenizer.TokenBytes(id, false);
  return TokenTrie::FromTokens(tokens);
}

std::shared_ptr<const TokenTrie> TokenTrie::FromTokens(std::span<const std::string> tokens) {
  auto trie = std::make_shared<TokenTrie>();
  size_t longest = 0, total = 0;
  for (const std::string& token : tokens) {
    if (token.size() > kMaxTokenBytes) continue;
    longest = std::max(longest, token.size());
    total += token.size();
  }
  CRIA_CHECK_LT(total, size_t{UINT32_MAX});
  trie->offsets_.push_back(0);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].size() <= kMaxTokenBytes) trie->bytes_ += tokens[id];
    trie->offsets_.push_back(static_cast<uint32_t>(trie->bytes_.size()));
    if (!trie->Bytes(static_cast<TokenId>(id)).empty())
      trie->tokens_.push_back(static_cast<TokenId>(id));
  }
  trie->by_length_ = trie->tokens_;
  std::stable_sort(trie->by_length_.begin(), trie->by_length_.end(), [&](TokenId a, TokenId b) {
    return trie->Bytes(a).size() > trie->Bytes(b).size();
  });
  trie->longer_counts_.assign(longest + 1, 0);
  for (const TokenId id : trie->tokens_)
    for (size_t n = 0; n < trie->Bytes(id).size(); ++n) ++trie->longer_counts_[n];
  std::sort(trie->tokens_.begin(), trie->tokens_.end(), [&](TokenId a, TokenId b) {
    const std::string_view left = trie->Bytes(a), right = trie->Bytes(b);
    return left != right ? left < right : a < b;
  });

  // In sorted order each token adds the nodes behind what it shares with the one before.
  std::vector<Node>& nodes = trie->nodes_;
  std::vector<uint32_t> path = {0};  // nodes from the root to the token before
  const auto close = [&](size_t depth) {
    while (path.size() > depth + 1) {
      const uint32_t node = path.back();
      path.pop_back();
      nodes[node].end = static_cast<uint32_t>(nodes.size());
      Node& parent = nodes[path.back()];
      parent.height =
          std::max<uint16_t>(parent.height, static_cast<uint16_t>(nodes[node].height + 1));
    }
  };
  nodes.push_back({});
  trie->below_.resize(1);
  std::string_view before;
  for (uint32_t i = 0; i < trie->tokens_.size(); ++i) {
    const std::string_view token = trie->Bytes(trie->tokens_[i]);
    const auto [a, b] = std::mismatch(token.begin(), token.end(), before.begin(), before.end());
    const auto shared = static_cast<size_t>(a - token.begin());
    close(shared);
    for (size_t depth = shared; depth < token.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(nodes.size()));
      nodes.push_back(
          {0, i, static_cast<uint16_t>(depth + 1), 0, static_cast<uint8_t>(token[depth])});
    }
    trie->below_.resize(nodes.size());
    trie->AddBelow(token, path);
    before = token;
  }
  close(0);
  nodes[kRoot].end = static_cast<uint32_t>(nodes.size());
  nodes.push_back({0, static_cast<uint32_t>(trie->tokens_.size()), 0, 0, 0});
  return trie;
}

// Adds the token's bytes to the nodes on its path: to path[n] those from the n-th on.
void TokenTrie::AddBelow(std::string_view token, std::span<const uint32_t> path) {
  Below rest;
  std::array<bool, 5> utf8 = {true, true, true, true, true};  // of the tails 0 to 4 bytes shorter
  for (size_t n = token.size(); n-- > 0;) {
    const auto byte = static_cast<uint8_t>(token[n]);
    const uint64_t bit = byte < 0x80 ? uint64_t{1} << (byte % 64) : 0;
    rest.ascii[byte / 64 % 2] |= bit;
    rest.other |= byte >= 0x80;
    const Utf8Char first = DecodeUtf8(token.substr(n));
    std::shift_right(utf8.begin(), utf8.end(), 1);
    utf8[0] = first.kind == Utf8Char::Kind::kIncomplete ||
              (first.kind == Utf8Char::Kind::kValid && utf8[first.length]);
    Below& node = below_[path[n]];
    node.next[byte / 64 % 2] |= bit;
    node.ascii[0] |= rest.ascii[0];
    node.ascii[1] |= rest.ascii[1];
    node.other |= rest.other;
    node.utf8 &= utf8[0];
  }
}

std::shared_ptr<const TokenTrie::Partition> TokenTrie::PartitionBy(const CharSet& set) const {
  absl::MutexLock lock(&mutex_);
  for (const auto& partition : partitions_)
    if (partition->set == set) return partition;
  if (partitions_.size() == kMaxPartitions) partitions_.erase(partitions_.begin());
  partitions_.push_back(std::make_shared<const Partition>(MakePartition(set)));
  return partitions_.back();
}

TokenTrie::Partition TokenTrie::MakePartition(const CharSet& set) const {
  constexpr size_t kOutside = SIZE_MAX;
  Partition partition = {set, std::vector<uint64_t>(mask_words(), 0), {}};
  std::vector<bool> outside(nodes_.size(), false);
  outside[kRoot] = true;  // never listed
  // By depth: the node, its byte, and where the character begins that goes on or begins behind it.
  std::vector<uint32_t> path(longest() + 1u, kRoot);
  std::string bytes(longest() + 1u, '\0');
  std::vector<size_t> begins(longest() + 1u, 0);
  const auto begin_after = [&](size_t depth, uint8_t byte) {
    const size_t begin = begins[depth - 1];
    if (begin == kOutside || (begin == depth - 1 && !set.Has(byte))) return kOutside;
    if (byte < 0x80) return begin == depth - 1 ? depth : kOutside;
    const Utf8Char c = DecodeUtf8(std::string_view(bytes).substr(begin, depth - begin));
    if (c.kind == Utf8Char::Kind::kValid) return depth;
    return c.kind == Utf8Char::Kind::kIncomplete ? begin : kOutside;
  };
  for (uint32_t i = 1; i + 1 < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    path[node.depth] = i;
    bytes[node.depth - 1u] = static_cast<char>(node.byte);
    begins[node.depth] = begin_after(node.depth, node.byte);
    const std::span<const TokenId> tokens = TokensAt(i);
    if (begins[node.depth] != kOutside) {
      for (const TokenId id : tokens)
        partition.inside[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
    } else if (!tokens.empty()) {
      for (size_t at = node.depth; !outside[path[at]]; --at) outside[path[at]] = true;
    }
  }
  for (uint32_t i = 1; i + 1 < nodes_.size(); ++i)
    if (outside[i]) partition.outside.push_back(i);
  return partition;
}

std::span<const TokenId> TokenTrie::LongerThan(size_t bytes) const {
  if (bytes >= longer_counts_.size()) return {};
  return {by_length_.data(), longer_counts_[bytes]};
}

std::string_view TokenTrie::Bytes(TokenId id) const {
  if (id < 0 || id >= vocab_size()) return {};
  const uint32_t begin = offsets_[static_cast<size_t>(id)];
  return std::string_view(bytes_).substr(begin, offsets_[static_cast<size_t>(id) + 1] - begin);
}

}  // namespace cria::text
