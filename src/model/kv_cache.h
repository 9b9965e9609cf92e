// The keys and values of the tokens that a sequence has seen, in pages that are taken as the
// sequence grows.
//
// Shape letters of this folder: T tokens of a step, H hidden, D head_dim, F FFN width, V
// vocabulary, P page tokens.
#ifndef CRIA_MODEL_KV_CACHE_H_
#define CRIA_MODEL_KV_CACHE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "checkpoint/config.h"
#include "kernels/attention.h"

namespace cria::model {

// Where each layer's and head's rows lie in a page. A page holds, for every layer and KV head, a K
// block and a V block of kPageTokens rows (kernels::KvBlockBytes). Immutable; share freely.
class KvLayout {
 public:
  static constexpr int64_t kPageTokens = 32;  // P

  KvLayout(const checkpoint::ModelConfig& config, kernels::KvType type);

  kernels::KvType type() const { return type_; }
  size_t block_bytes() const { return block_bytes_; }
  size_t page_bytes() const { return page_bytes_; }
  size_t KOffset(size_t layer, int64_t kv_head) const {
    return layer_offsets_[layer] + 2 * static_cast<size_t>(kv_head) * block_bytes_;
  }
  size_t VOffset(size_t layer, int64_t kv_head) const {
    return KOffset(layer, kv_head) + block_bytes_;
  }
  // Bytes that `tokens` tokens of one sequence occupy.
  uint64_t BytesFor(int64_t tokens) const;
  // Bytes of all pages of this layout that exist. Any thread.
  uint64_t live_bytes() const { return live_bytes_->load(std::memory_order_relaxed); }

 private:
  kernels::KvType type_;
  size_t block_bytes_ = 0;
  size_t page_bytes_ = 0;
  std::vector<size_t> layer_offsets_;
  std::shared_ptr<std::atomic<uint64_t>> live_bytes_ = std::make_shared<std::atomic<uint64_t>>(0);
  friend class KvPage;
};

// The keys and values of kPageTokens tokens, for all layers. Shared by the sequences that begin
// alike: whoever shares a page only reads it.
class KvPage {
 public:
  // nullptr when there is no memory.
  static std::shared_ptr<KvPage> Allocate(const KvLayout& layout);
  ~KvPage();
  KvPage(const KvPage&) = delete;
  KvPage& operator=(const KvPage&) = delete;

  uint8_t* data() { return buffer_.data(); }
  const uint8_t* data() const { return buffer_.data(); }

 private:
  KvPage() = default;
  base::AlignedBuffer buffer_;
  std::shared_ptr<std::atomic<uint64_t>> live_bytes_;
};

// The cache of one sequence. One thread at a time. Holds positions [0, length()).
class KvCache {
 public:
  // `layout` must outlive the cache. `max_tokens`: the most that Grow allows.
  KvCache(const KvLayout& layout, int64_t max_tokens) : layout_(&layout), max_tokens_(max_tokens) {}

  const KvLayout& layout() const { return *layout_; }
  int64_t length() const { return length_; }
  int64_t max_tokens() const { return max_tokens_; }

  // Makes room for positions [length(), length() + tokens) without counting them yet.
  // kResourceExhausted when the context limit or the memory is exceeded; the cache is unchanged
  // then.
  absl::Status Reserve(int64_t tokens);
  // Counts reserved positions as filled.
  void Commit(int64_t tokens);
  // Forgets everything from position `length` on.
  void Truncate(int64_t length);
  // Adds whole pages of another sequence that has the same tokens up to their end. length() must be
  // a multiple of kPageTokens.
  void Adopt(std::span<const std::shared_ptr<KvPage>> pages);
  // Page `index`, all of whose positions are filled.
  const std::shared_ptr<KvPage>& full_page(int64_t index) const;

  const uint8_t* const* pages() const { return pages_.data(); }
  // For writing: of a position that was reserved.
  uint8_t* page_of(int64_t position) {
    return owned_[static_cast<size_t>(position / KvLayout::kPageTokens)]->data();
  }
  uint64_t bytes() const { return owned_.size() * layout_->page_bytes(); }

 private:
  const KvLayout* layout_;
  int64_t max_tokens_;
  int64_t length_ = 0;
  std::vector<std::shared_ptr<KvPage>> owned_;
  std::vector<const uint8_t*> pages_;  // data() of each
};

}  // namespace cria::model

#endif  // CRIA_MODEL_KV_CACHE_H_
