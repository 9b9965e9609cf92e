#include "text/grammar_mask.h"

#include <algorithm>

namespace cria::text {
namespace {

void SetBit(std::span<uint64_t> bits, TokenId id) {
  bits[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
}

void ClearBit(std::span<uint64_t> bits, TokenId id) {
  bits[static_cast<size_t>(id) / 64] &= ~(uint64_t{1} << (id % 64));
}

}  // namespace

void GrammarMasks::Clear() {
  heads_.clear();
  head_bytes_ = 0;
  masks_.clear();
  mask_of_.clear();
  loops_.clear();
}

// The bytes first..last, followed by `bytes` - 1 continuation bytes, come back to `home`.
bool GrammarMasks::AllLoopBack(ConfigId config, ConfigId home, int bytes, uint8_t first,
                               uint8_t last, Loop* loop) {
  ConfigId before = GrammarPda::kDead;
  for (int byte = first; byte <= last; ++byte) {
    const ConfigId next = pda_.Step(config, static_cast<uint8_t>(byte));
    if (bytes == 1) {
      if (next != home) return false;
      continue;
    }
    if (next == before) continue;  // known to come back
    if (next == GrammarPda::kDead || pda_.CanEnd(next)) return false;
    loop->deepest = std::max(loop->deepest, pda_.Depth(next));
    if (!AllLoopBack(next, home, bytes - 1, 0x80, 0xBF, loop)) return false;
    before = next;
  }
  return true;
}

const GrammarMasks::Loop& GrammarMasks::LoopOf(ConfigId config) {
  const auto [found, added] = loops_.try_emplace(config);
  if (!added) return found->second;
  Loop loop;
  for (int byte = 0; byte < 0x80; ++byte)
    if (pda_.Step(config, static_cast<uint8_t>(byte)) == config)
      loop.ascii[byte / 64] |= uint64_t{1} << (byte % 64);
  // The well-formed sequences of The Unicode Standard 15.0, table 3-7.
  const auto tail = [&](uint8_t lead, int bytes, uint8_t first, uint8_t last) {
    const ConfigId next = pda_.Step(config, lead);
    if (next == GrammarPda::kDead || pda_.CanEnd(next)) return false;
    loop.deepest = std::max(loop.deepest, pda_.Depth(next));
    return AllLoopBack(next, config, bytes, first, last, &loop);
  };
  loop.others = AllLoopBack(config, config, 2, 0xC2, 0xDF, &loop) && tail(0xE0, 2, 0xA0, 0xBF) &&
                AllLoopBack(config, config, 3, 0xE1, 0xEC, &loop) && tail(0xED, 2, 0x80, 0x9F) &&
                AllLoopBack(config, config, 3, 0xEE, 0xEF, &loop) && tail(0xF0, 3, 0x90, 0xBF) &&
                AllLoopBack(config, config, 4, 0xF1, 0xF3, &loop) && tail(0xF4, 3, 0x80, 0x8F);
  return loops_[config] = loop;
}

bool GrammarMasks::StaysBelow(uint32_t node, ConfigId config) {
  constexpr uint32_t kWorthwhile = 16;  // nodes
  const std::span<const TokenTrie::Node> nodes = trie_.nodes();
  if (nodes[node].end - node < kWorthwhile || pda_.CanEnd(config)) return false;
  const bool known = loops_.contains(config);
  const uint8_t next = nodes[node + 1].byte;
  if (!known && (next >= 0x80 || pda_.Step(config, next) != config)) return false;
  return LoopOf(config).Covers(trie_.below(node));
}

void GrammarMasks::Fill(ConfigId config, std::span<uint64_t> mask) {
  if (const auto found = mask_of_.find(config); found != mask_of_.end()) {
    masks_.splice(masks_.begin(), masks_, found->second);
    std::copy(masks_.front().bits.begin(), masks_.front().bits.end(), mask.begin());
    return;
  }
  std::fill(mask.begin(), mask.end(), 0);
  Compute(config, mask);
  if (masks_.size() >= kMaxMasks) {
    mask_of_.erase(masks_.back().config);
    masks_.pop_back();
  }
  masks_.push_front({config, {mask.begin(), mask.end()}});
  mask_of_[config] = masks_.begin();
}

void GrammarMasks::Compute(ConfigId config, std::span<uint64_t> mask) {
  for (const GrammarPda::Part& part : pda_.Split(config, trie_.longest())) {
    const std::shared_ptr<const Head> head = HeadOf(part.head);
    if (pda_.StackDepth(part.rest) + head->deepest >= pda_.max_depth())
      return ComputeDirectly(config, mask);
    for (size_t i = 0; i < head->bits.size(); ++i) mask[i] |= head->bits[i];
    for (const TokenId id : head->tokens) SetBit(mask, id);
    if (part.rest == GrammarPda::kEmptyStack) continue;
    const ConfigId rest = pda_.Return(part.rest);
    uint64_t live[2] = {0, 0};
    for (int byte = 0; byte < 0x80; ++byte)
      if (pda_.Step(rest, static_cast<uint8_t>(byte)) != GrammarPda::kDead)
        live[byte / 64] |= uint64_t{1} << (byte % 64);
    for (const uint32_t exit : head->exits) {
      const TokenTrie::Below& below = trie_.below(exit);
      if (below.other || (below.next[0] & live[0]) != 0 || (below.next[1] & live[1]) != 0)
        SetWalked(rest, exit, mask);
    }
  }
}

// Near the limit of depth a head, which is made over the empty stack, would allow too much.
void GrammarMasks::ComputeDirectly(ConfigId config, std::span<uint64_t> mask) {
  std::fill(mask.begin(), mask.end(), 0);
  SetWalked(config, TokenTrie::kRoot, mask);
}

void GrammarMasks::SetWalked(ConfigId config, uint32_t from, std::span<uint64_t> mask) {
  Walk(config, from, 0, [&](uint32_t index, const TokenTrie::Node&, ConfigId reached) {
    for (const TokenId id : trie_.TokensAt(index)) SetBit(mask, id);
    if (!StaysBelow(index, reached)) return false;
    for (const TokenId id : trie_.TokensBelow(index)) SetBit(mask, id);
    return true;
  });
}

std::shared_ptr<const GrammarMasks::Head> GrammarMasks::HeadOf(ConfigId config) {
  if (const auto found = heads_.find(config); found != heads_.end()) return found->second;
  Head head;
  const auto [unlimited, reach] = pda_.Unlimited(config, trie_.longest());
  if (unlimited != GrammarPda::kDead && unlimited != config && reach > 0)
    head = MakeLimitedHead(config, *HeadOf(unlimited), reach);
  else
    head = MakeHead(config);
  if (head_bytes_ > kMaxHeadBytes) {
    heads_.clear();
    head_bytes_ = 0;
  }
  head_bytes_ += head.bytes();
  auto shared = std::make_shared<const Head>(std::move(head));
  heads_[config] = shared;
  return shared;
}

GrammarMasks::Head GrammarMasks::MakeHead(ConfigId config) {
  Head head;
  head.deepest = pda_.Depth(config);
  Walk(config, TokenTrie::kRoot, 0,
       [&](uint32_t index, const TokenTrie::Node& node, ConfigId reached) {
         head.deepest = std::max(head.deepest, pda_.Depth(reached));
         const auto tokens = trie_.TokensAt(index);
         head.tokens.insert(head.tokens.end(), tokens.begin(), tokens.end());
         if (pda_.CanEnd(reached) && node.height > 0) head.exits.push_back(index);
         if (!StaysBelow(index, reached)) return false;
         head.deepest = std::max(head.deepest, LoopOf(reached).deepest);
         const auto below = trie_.TokensBelow(index);
         head.tokens.insert(head.tokens.end(), below.begin(), below.end());
         return true;
       });
  if (head.tokens.size() * sizeof(TokenId) > trie_.mask_words() * sizeof(uint64_t)) {
    head.bits.assign(trie_.mask_words(), 0);
    for (const TokenId id : head.tokens) SetBit(head.bits, id);
    head.tokens = {};
  }
  return head;
}

// Tokens of at most `reach` bytes cannot tell the two apart, and only what is deeper must be
// walked.
GrammarMasks::Head GrammarMasks::MakeLimitedHead(ConfigId config, const Head& unlimited,
                                                 uint32_t reach) {
  Head head;
  head.deepest = std::max(unlimited.deepest, pda_.Depth(config));
  head.bits = unlimited.bits;
  head.bits.resize(trie_.mask_words(), 0);
  for (const TokenId id : unlimited.tokens) SetBit(head.bits, id);
  for (const TokenId id : trie_.LongerThan(reach)) ClearBit(head.bits, id);
  for (const uint32_t exit : unlimited.exits)
    if (trie_.node(exit).depth <= reach) head.exits.push_back(exit);
  Walk(config, TokenTrie::kRoot, reach + 1,
       [&](uint32_t index, const TokenTrie::Node& node, ConfigId reached) {
         head.deepest = std::max(head.deepest, pda_.Depth(reached));
         if (node.depth <= reach) return false;
         for (const TokenId id : trie_.TokensAt(index)) SetBit(head.bits, id);
         if (pda_.CanEnd(reached) && node.height > 0) head.exits.push_back(index);
         return false;
       });
  return head;
}

template <typename Visit>
void GrammarMasks::Walk(ConfigId config, uint32_t from, uint32_t min_depth, const Visit& visit) {
  const std::span<const TokenTrie::Node> nodes = trie_.nodes();
  path_[nodes[from].depth] = config;
  const uint32_t end = nodes[from].end;
  for (uint32_t i = from + 1; i < end;) {
    const TokenTrie::Node& node = nodes[i];
    if (static_cast<uint32_t>(node.depth) + node.height < min_depth) {
      i = node.end;
      continue;
    }
    const ConfigId reached = pda_.Step(path_[node.depth - 1u], node.byte);
    if (reached == GrammarPda::kDead) {
      i = node.end;
      continue;
    }
    path_[node.depth] = reached;
    i = visit(i, node, reached) ? node.end : i + 1;
  }
}

}  // namespace cria::text
