#include "text/grammar_mask.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace cria::text {
namespace {

void SetBit(std::span<uint64_t> bits, TokenId id) {
  bits[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
}

void ClearBit(std::span<uint64_t> bits, TokenId id) {
  bits[static_cast<size_t>(id) / 64] &= ~(uint64_t{1} << (id % 64));
}

bool HasBit(std::span<const uint64_t> bits, TokenId id) {
  return bits[static_cast<size_t>(id) / 64] >> (id % 64) & 1;
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

GrammarMasks::Loop GrammarMasks::CharsBetween(ConfigId config, ConfigId home) {
  Loop loop;
  for (int byte = 0; byte < 0x80; ++byte)
    if (pda_.Step(config, static_cast<uint8_t>(byte)) == home)
      loop.chars.ascii[byte / 64] |= uint64_t{1} << (byte % 64);
  // The well-formed sequences of The Unicode Standard 15.0, table 3-7.
  const auto tail = [&](uint8_t lead, int bytes, uint8_t first, uint8_t last) {
    const ConfigId next = pda_.Step(config, lead);
    if (next == GrammarPda::kDead || pda_.CanEnd(next)) return false;
    loop.deepest = std::max(loop.deepest, pda_.Depth(next));
    return AllLoopBack(next, home, bytes, first, last, &loop);
  };
  loop.chars.others =
      AllLoopBack(config, home, 2, 0xC2, 0xDF, &loop) && tail(0xE0, 2, 0xA0, 0xBF) &&
      AllLoopBack(config, home, 3, 0xE1, 0xEC, &loop) && tail(0xED, 2, 0x80, 0x9F) &&
      AllLoopBack(config, home, 3, 0xEE, 0xEF, &loop) && tail(0xF0, 3, 0x90, 0xBF) &&
      AllLoopBack(config, home, 4, 0xF1, 0xF3, &loop) && tail(0xF4, 3, 0x80, 0x8F);
  return loop;
}

const GrammarMasks::Loop& GrammarMasks::LoopOf(ConfigId config) {
  const auto found = loops_.find(config);
  if (found != loops_.end()) return found->second;
  return loops_.emplace(config, CharsBetween(config, config)).first->second;
}

GrammarPda::ConfigId GrammarMasks::HomeOf(ConfigId config, Loop* between) {
  constexpr int kWide = 8;  // characters: fewer are walked as fast
  const auto leads_to = [&](ConfigId home) {
    if (pda_.CanEnd(home)) return false;
    const TokenTrie::CharSet chars = LoopOf(home).chars;
    if (std::popcount(chars.ascii[0]) + std::popcount(chars.ascii[1]) < kWide) return false;
    *between = CharsBetween(config, home);
    return between->chars.Contains(chars);
  };
  if (leads_to(config)) return config;
  ConfigId before = config;
  for (uint8_t byte = ' '; byte < 0x7F; ++byte) {
    const ConfigId next = pda_.Step(config, byte);
    if (next == before || next == GrammarPda::kDead) continue;
    if (leads_to(next)) return next;
    before = next;
  }
  return GrammarPda::kDead;
}

bool GrammarMasks::StaysBelow(uint32_t node, ConfigId config) {
  constexpr uint32_t kWorthwhile = 16;  // nodes
  const std::span<const TokenTrie::Node> nodes = trie_.nodes();
  if (nodes[node].end - node < kWorthwhile || pda_.CanEnd(config)) return false;
  const bool known = loops_.contains(config);
  const uint8_t next = nodes[node + 1].byte;
  if (!known && (next >= 0x80 || pda_.Step(config, next) != config)) return false;
  return LoopOf(config).chars.Covers(trie_.below(node));
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
  Walk(config, from, [&](uint32_t index, const TokenTrie::Node&, ConfigId reached) {
    for (const TokenId id : trie_.TokensAt(index)) SetBit(mask, id);
    if (!StaysBelow(index, reached)) return false;
    for (const TokenId id : trie_.TokensBelow(index)) SetBit(mask, id);
    return true;
  });
}

std::shared_ptr<const GrammarMasks::Head> GrammarMasks::HeadOf(ConfigId config) {
  if (const auto found = heads_.find(config); found != heads_.end()) return found->second;
  Head head;
  const GrammarPda::Counted counted = pda_.CountsOf(config);
  const bool plain =
      counted.free == GrammarPda::kDead || counted.free == config || counted.inside == config;
  head = plain ? MakeHead(config) : MakeCountedHead(config, counted);
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
  Loop between;
  const ConfigId home = HomeOf(config, &between);
  if (home != GrammarPda::kDead) return MakeLoopingHead(config, home, between);
  Head head;
  head.deepest = pda_.Depth(config);
  Walk(config, TokenTrie::kRoot,
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

// What only loops is known of the vocabulary already: only the way to all other tokens is walked.
GrammarMasks::Head GrammarMasks::MakeLoopingHead(ConfigId config, ConfigId home,
                                                 const Loop& between) {
  const Loop loop = LoopOf(home);
  const auto partition = trie_.PartitionBy(loop.chars);
  Head head;
  head.bits = partition->inside;
  head.deepest = std::max({pda_.Depth(config), pda_.Depth(home), loop.deepest, between.deepest});
  path_[0] = config;
  uint32_t end = 0;  // of what can't be reached
  for (const uint32_t index : partition->outside) {
    if (index < end) continue;
    const TokenTrie::Node& node = trie_.node(index);
    const ConfigId reached = pda_.Step(path_[node.depth - 1u], node.byte);
    if (reached == GrammarPda::kDead) {
      end = node.end;
      continue;
    }
    path_[node.depth] = reached;
    head.deepest = std::max(head.deepest, pda_.Depth(reached));
    for (const TokenId id : trie_.TokensAt(index)) SetBit(head.bits, id);
    if (pda_.CanEnd(reached) && node.height > 0) head.exits.push_back(index);
  }
  return head;
}

GrammarPda::ConfigId GrammarMasks::After(ConfigId config, std::string_view bytes) {
  for (const char byte : bytes) {
    if (config == GrammarPda::kDead) break;
    config = pda_.Step(config, static_cast<uint8_t>(byte));
  }
  return config;
}

std::vector<uint64_t> GrammarMasks::BitsOf(const Head& head) const {
  std::vector<uint64_t> bits = head.bits;
  bits.resize(trie_.mask_words(), 0);
  for (const TokenId id : head.tokens) SetBit(bits, id);
  return bits;
}

// The counts matter to few tokens: to those that are longer than the most that may follow, and,
// while something must follow, to those that would end the repetition. Only these are tried.
GrammarMasks::Head GrammarMasks::MakeCountedHead(ConfigId config,
                                                 const GrammarPda::Counted& counted) {
  const std::shared_ptr<const Head> free = HeadOf(counted.free);
  std::vector<uint64_t> tried = BitsOf(*free);
  Head head;
  head.deepest = std::max(free->deepest, pda_.Depth(config));
  if (counted.min > 0) {
    const std::shared_ptr<const Head> inside = HeadOf(counted.inside);
    head.deepest = std::max(head.deepest, inside->deepest);
    head.bits = BitsOf(*inside);
    for (size_t i = 0; i < tried.size(); ++i) tried[i] &= ~head.bits[i];
  } else {
    head.bits = std::exchange(tried, std::vector<uint64_t>(trie_.mask_words(), 0));
  }
  for (const TokenId id : trie_.LongerThan(counted.max)) {
    if (!HasBit(head.bits, id)) continue;
    ClearBit(head.bits, id);
    SetBit(tried, id);
  }
  for (size_t i = 0; i < tried.size(); ++i)
    for (uint64_t word = tried[i]; word != 0; word &= word - 1) {
      const auto id = static_cast<TokenId>(i * 64 + static_cast<size_t>(std::countr_zero(word)));
      if (After(config, trie_.Bytes(id)) != GrammarPda::kDead) SetBit(head.bits, id);
    }
  for (const uint32_t exit : free->exits) {
    const bool sure = counted.min == 0 && trie_.node(exit).depth <= counted.max;
    if (sure || pda_.CanEnd(After(config, trie_.PathTo(exit)))) head.exits.push_back(exit);
  }
  return head;
}

template <typename Visit>
void GrammarMasks::Walk(ConfigId config, uint32_t from, const Visit& visit) {
  const std::span<const TokenTrie::Node> nodes = trie_.nodes();
  path_[nodes[from].depth] = config;
  const uint32_t end = nodes[from].end;
  for (uint32_t i = from + 1; i < end;) {
    const TokenTrie::Node& node = nodes[i];
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
