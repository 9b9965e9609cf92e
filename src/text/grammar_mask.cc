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
    for (const uint32_t exit : head->exits)
      Walk(rest, exit, 0, [&](uint32_t index, const TokenTrie::Node&, ConfigId) {
        for (const TokenId id : trie_.TokensAt(index)) SetBit(mask, id);
      });
  }
}

// Near the limit of depth a head, which is made over the empty stack, would allow too much.
void GrammarMasks::ComputeDirectly(ConfigId config, std::span<uint64_t> mask) {
  std::fill(mask.begin(), mask.end(), 0);
  Walk(config, TokenTrie::kRoot, 0, [&](uint32_t index, const TokenTrie::Node&, ConfigId) {
    for (const TokenId id : trie_.TokensAt(index)) SetBit(mask, id);
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
         if (node.depth <= reach) return;
         for (const TokenId id : trie_.TokensAt(index)) SetBit(head.bits, id);
         if (pda_.CanEnd(reached) && node.height > 0) head.exits.push_back(index);
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
    visit(i, node, reached);
    ++i;
  }
}

}  // namespace cria::text
