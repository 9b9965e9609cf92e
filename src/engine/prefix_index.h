// Which pages of keys and values exist already, by the tokens that they hold: sequences that begin
// alike compute their common beginning once.
#ifndef CRIA_ENGINE_PREFIX_INDEX_H_
#define CRIA_ENGINE_PREFIX_INDEX_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "model/kv_cache.h"
#include "text/tokenizer.h"

namespace cria::engine {

// A radix tree over whole pages, as in SGLang's RadixAttention (Zheng et al., "SGLang: Efficient
// Execution of Structured Language Model Programs", 2024). A page is known by the hash of all
// tokens up to its end. Pages stay after the sequences that made them, until Evict(). One thread at
// a time.
class PrefixIndex {
 public:
  using Key = uint64_t;  // of all tokens up to the end of a page
  static constexpr Key kNoPages = 0;

  // The keys of all whole pages of `tokens`. `keys` may hold those of the first pages already.
  static void ExtendKeys(std::span<const text::TokenId> tokens, std::vector<Key>* keys);

  // The pages known for `tokens` from page `first` on, at most up to page `end`; keys are those of
  // ExtendKeys.
  std::vector<std::shared_ptr<model::KvPage>> Find(std::span<const text::TokenId> tokens,
                                                   std::span<const Key> keys, int64_t first,
                                                   int64_t end);
  // Page `index` of `tokens` is `page`. Ignored if the page is known, or the one before is not.
  void Insert(std::span<const text::TokenId> tokens, std::span<const Key> keys, int64_t index,
              std::shared_ptr<model::KvPage> page);

  // Drops the page that was not used for the longest time, of those that no sequence holds and no
  // known page continues. False if there is none.
  bool Evict();
  void Clear() { nodes_.clear(); }
  size_t pages() const { return nodes_.size(); }

 private:
  using PageTokens = std::array<text::TokenId, model::KvLayout::kPageTokens>;
  struct Node {
    Key parent = kNoPages;
    PageTokens tokens{};
    std::shared_ptr<model::KvPage> page;
    uint64_t last_use = 0;
    int children = 0;
  };
  // The node of page `index`, if it holds these very tokens.
  Node* At(std::span<const text::TokenId> tokens, std::span<const Key> keys, int64_t index);

  absl::flat_hash_map<Key, Node> nodes_;
  uint64_t clock_ = 0;
};

}  // namespace cria::engine

#endif  // CRIA_ENGINE_PREFIX_INDEX_H_
