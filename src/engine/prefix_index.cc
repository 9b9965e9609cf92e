#include "engine/prefix_index.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace cria::engine {
namespace {

constexpr int64_t kPageTokens = model::KvLayout::kPageTokens;

std::span<const text::TokenId> PageOf(std::span<const text::TokenId> tokens, int64_t index) {
  return tokens.subspan(static_cast<size_t>(index * kPageTokens), static_cast<size_t>(kPageTokens));
}

}  // namespace

void PrefixIndex::ExtendKeys(std::span<const text::TokenId> tokens, std::vector<Key>* keys) {
  const auto pages = static_cast<int64_t>(tokens.size()) / kPageTokens;
  for (auto index = static_cast<int64_t>(keys->size()); index < pages; ++index) {
    const Key before = index == 0 ? kNoPages : keys->back();
    const Key key = absl::HashOf(before, absl::MakeConstSpan(PageOf(tokens, index).data(),
                                                             static_cast<size_t>(kPageTokens)));
    keys->push_back(std::max<Key>(key, 1));
  }
}

PrefixIndex::Node* PrefixIndex::At(std::span<const text::TokenId> tokens, std::span<const Key> keys,
                                   int64_t index) {
  const auto found = nodes_.find(keys[static_cast<size_t>(index)]);
  if (found == nodes_.end()) return nullptr;
  Node& node = found->second;
  const Key parent = index == 0 ? kNoPages : keys[static_cast<size_t>(index) - 1];
  const bool same = node.parent == parent && std::ranges::equal(node.tokens, PageOf(tokens, index));
  return same ? &node : nullptr;
}

std::vector<std::shared_ptr<model::KvPage>> PrefixIndex::Find(std::span<const text::TokenId> tokens,
                                                              std::span<const Key> keys,
                                                              int64_t first, int64_t end) {
  std::vector<std::shared_ptr<model::KvPage>> pages;
  ++clock_;
  for (int64_t index = first; index < end; ++index) {
    Node* node = At(tokens, keys, index);
    if (node == nullptr) break;
    node->last_use = clock_;
    pages.push_back(node->page);
  }
  return pages;
}

void PrefixIndex::Insert(std::span<const text::TokenId> tokens, std::span<const Key> keys,
                         int64_t index, std::shared_ptr<model::KvPage> page) {
  Node node;
  if (index > 0) {
    Node* before = At(tokens, keys, index - 1);
    if (before == nullptr) return;
    node.parent = keys[static_cast<size_t>(index) - 1];
  }
  const Key key = keys[static_cast<size_t>(index)];
  if (nodes_.contains(key)) return;
  std::ranges::copy(PageOf(tokens, index), node.tokens.begin());
  node.page = std::move(page);
  node.last_use = ++clock_;
  if (index > 0) ++nodes_.at(node.parent).children;
  nodes_.emplace(key, std::move(node));
}

bool PrefixIndex::Evict() {
  auto oldest = nodes_.end();
  for (auto it = nodes_.begin(); it != nodes_.end(); ++it) {
    const Node& node = it->second;
    if (node.children > 0 || node.page.use_count() > 1) continue;
    if (oldest == nodes_.end() || node.last_use < oldest->second.last_use) oldest = it;
  }
  if (oldest == nodes_.end()) return false;
  if (const auto parent = nodes_.find(oldest->second.parent); parent != nodes_.end())
    --parent->second.children;
  nodes_.erase(oldest);
  return true;
}

}  // namespace cria::engine
