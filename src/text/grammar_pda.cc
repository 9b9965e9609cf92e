#include "text/grammar_pda.h"

#include <algorithm>

namespace cria::text {

GrammarPda::GrammarPda(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)) {
  Clear();
}

void GrammarPda::Clear() {
  stacks_.assign(1, Entry{});
  depths_.assign(1, 0);
  stack_ids_.clear();
  configs_.clear();
  config_ids_.clear();
  next_.clear();
  returns_.clear();
  InternConfig({});  // kDead
  std::fill(next_.begin(), next_.end(), kDead);
}

GrammarPda::StackId GrammarPda::Intern(const Entry& entry) {
  const auto [it, added] = stack_ids_.try_emplace(entry, static_cast<StackId>(stacks_.size()));
  if (added) {
    stacks_.push_back(entry);
    depths_.push_back(depths_[entry.below] + 1);
  }
  return it->second;
}

GrammarPda::ConfigId GrammarPda::InternConfig(std::vector<StackId> stacks) {
  const auto found = config_ids_.find(stacks);
  if (found != config_ids_.end()) return found->second;
  if (configs_.size() >= kMaxConfigs) {
    exhausted_ = true;
    return kDead;
  }
  const auto id = static_cast<ConfigId>(configs_.size());
  config_ids_.emplace(stacks, id);
  const bool can_end = !stacks.empty() && stacks[0] == kEmptyStack;
  uint32_t depth = 0;
  for (const StackId stack : stacks) depth = std::max(depth, depths_[stack]);
  configs_.push_back({std::move(stacks), depth, can_end});
  next_.resize(next_.size() + 256, kUnknown);
  return id;
}

GrammarPda::ConfigId GrammarPda::Start() {
  VisitState(grammar_->start(), kEmptyStack);
  return FinishVisits();
}

GrammarPda::ConfigId GrammarPda::MakeStep(ConfigId config, uint8_t byte) {
  uint8_t first = 0, last = 0xFF;  // the bytes around it that the same edges take
  for (const StackId stack : configs_[config].stacks) {
    if (stack == kEmptyStack) continue;
    const Entry top = stacks_[stack];
    for (const Grammar::ByteEdge& edge : grammar_->bytes(top.where)) {
      if (edge.last < byte) {
        first = std::max(first, static_cast<uint8_t>(edge.last + 1));
      } else if (edge.first > byte) {
        last = std::min(last, static_cast<uint8_t>(edge.first - 1));
      } else {
        first = std::max(first, edge.first);
        last = std::min(last, edge.last);
        VisitState(edge.target, top.below);
      }
    }
  }
  const ConfigId next = FinishVisits();
  std::fill(&next_[size_t{config} << 8 | first], &next_[size_t{config} << 8 | last] + 1, next);
  return next;
}

GrammarPda::ConfigId GrammarPda::Return(StackId rest) {
  const auto [it, added] = returns_.try_emplace(rest, kDead);
  if (added) {
    VisitReturn(rest);
    it->second = FinishVisits();
  }
  return it->second;
}

void GrammarPda::VisitState(uint32_t state, StackId below) {
  if (stacks_.size() >= kMaxStacks || visited_.size() >= kMaxStacksPerConfig) {
    exhausted_ = true;
    return;
  }
  const StackId stack = Intern({state, 0, 0, false, below});
  if (visited_.insert(stack).second) todo_.push_back(stack);
}

void GrammarPda::VisitReturn(StackId stack) {
  if (stack == kEmptyStack) {
    found_.push_back(kEmptyStack);
    return;
  }
  const Entry top = stacks_[stack];
  if (top.repetition)
    VisitRepetition(top);
  else
    VisitState(top.where, top.below);
}

void GrammarPda::VisitRepetition(const Entry& repetition) {
  const Grammar::CallEdge& edge = grammar_->call(repetition.where);
  if (repetition.min == 0) VisitState(edge.next, repetition.below);
  if (repetition.max == 0) return;
  if (depths_[repetition.below] >= grammar_->max_stack_depth()) return;
  Entry once = repetition;
  if (once.min > 0 && once.min != kNever) --once.min;
  if (once.max != kUnbounded) --once.max;
  VisitState(edge.start, Intern(once));
}

GrammarPda::ConfigId GrammarPda::FinishVisits() {
  while (!todo_.empty()) {
    const StackId stack = todo_.back();
    todo_.pop_back();
    const Entry top = stacks_[stack];
    if (!grammar_->bytes(top.where).empty()) found_.push_back(stack);
    if (grammar_->final(top.where)) VisitReturn(top.below);
    uint32_t index = grammar_->first_call(top.where);
    for (const Grammar::CallEdge& edge : grammar_->calls(top.where)) {
      const bool too_deep = depths_[top.below] >= grammar_->max_stack_depth();
      if (edge.counted())
        VisitRepetition({index, edge.min, edge.max, true, top.below});
      else if (edge.tail)
        VisitState(edge.start, top.below);
      else if (!too_deep)
        VisitState(edge.start, Intern({edge.next, 0, 0, false, top.below}));
      ++index;
    }
  }
  visited_.clear();
  std::vector<StackId> stacks = std::move(found_);
  found_.clear();
  std::sort(stacks.begin(), stacks.end());
  stacks.erase(std::unique(stacks.begin(), stacks.end()), stacks.end());
  return InternConfig(std::move(stacks));
}

// The top and the repetitions right below it, over the empty stack.
GrammarPda::StackId GrammarPda::CopyTop(StackId stack, uint32_t reach, StackId* rest) {
  std::vector<Entry> entries = {stacks_[stack]};
  while (entries.back().below != kEmptyStack && stacks_[entries.back().below].repetition)
    entries.push_back(stacks_[entries.back().below]);
  *rest = entries.back().below;
  StackId copy = kEmptyStack;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (entry->min != kNever) entry->min = std::min(entry->min, reach + 1);
    if (entry->repetition && entry->max >= reach) entry->max = kUnbounded;
    entry->below = copy;
    copy = Intern(*entry);
  }
  return copy;
}

std::vector<GrammarPda::Part> GrammarPda::Split(ConfigId config, uint32_t reach) {
  std::vector<std::pair<StackId, StackId>> tops;  // rest, top
  for (const StackId stack : configs_[config].stacks) {
    if (stack == kEmptyStack) continue;
    StackId rest = kEmptyStack;
    const StackId top = CopyTop(stack, reach, &rest);
    tops.emplace_back(rest, top);
  }
  std::sort(tops.begin(), tops.end());
  std::vector<Part> parts;
  for (size_t i = 0; i < tops.size();) {
    const StackId rest = tops[i].first;
    std::vector<StackId> stacks;
    for (; i < tops.size() && tops[i].first == rest; ++i) stacks.push_back(tops[i].second);
    stacks.erase(std::unique(stacks.begin(), stacks.end()), stacks.end());
    parts.push_back({InternConfig(std::move(stacks)), rest});
  }
  return parts;
}

GrammarPda::Counted GrammarPda::CountsOf(ConfigId head) {
  const std::vector<StackId> stacks = configs_[head].stacks;
  StackId repetition = kEmptyStack;
  for (const StackId stack : stacks) {
    if (stack == kEmptyStack) return {};
    const StackId below = stacks_[stack].below;
    if (below == kEmptyStack) continue;
    if (repetition != kEmptyStack && repetition != below) return {};
    if (stacks_[below].below != kEmptyStack) return {};
    repetition = below;
  }
  if (repetition == kEmptyStack) return {};
  const Entry counts = stacks_[repetition];
  const auto with_min = [&](uint32_t min) {
    Entry other = counts;
    other.min = min;
    other.max = kUnbounded;
    const StackId below = Intern(other);
    std::vector<StackId> changed = stacks;
    for (StackId& stack : changed) {
      Entry top = stacks_[stack];
      if (top.below == kEmptyStack) continue;
      top.below = below;
      stack = Intern(top);
    }
    // When no more are due the repetition may end as well.
    if (min == 0 && counts.min > 0) VisitState(grammar_->call(other.where).next, other.below);
    found_.insert(found_.end(), changed.begin(), changed.end());
    return FinishVisits();
  };
  return {with_min(0), counts.min > 0 ? with_min(kNever) : kDead, counts.min, counts.max};
}

GrammarPda::ConfigId GrammarPda::Compact(ConfigId config) {
  const std::vector<Entry> old = std::move(stacks_);
  const std::vector<StackId> kept = configs_[config].stacks;
  Clear();
  absl::flat_hash_map<StackId, StackId> moved = {{kEmptyStack, kEmptyStack}};
  std::vector<StackId> stacks;
  for (const StackId stack : kept) {
    std::vector<StackId> path;
    for (StackId at = stack; !moved.contains(at); at = old[at].below) path.push_back(at);
    for (auto at = path.rbegin(); at != path.rend(); ++at) {
      Entry entry = old[*at];
      entry.below = moved[entry.below];
      moved[*at] = Intern(entry);
    }
    stacks.push_back(moved[stack]);
  }
  std::sort(stacks.begin(), stacks.end());
  return InternConfig(std::move(stacks));
}

}  // namespace cria::text
