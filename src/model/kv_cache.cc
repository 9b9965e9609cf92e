#include "model/kv_cache.h"

#include <cstring>

#include "base/check.h"
#include "base/checked_math.h"

namespace cria::model {

KvLayout::KvLayout(const checkpoint::ModelConfig& config, kernels::KvType type)
    : type_(type), block_bytes_(kernels::KvBlockBytes(type, kPageTokens, config.head_dim)) {
  for (const checkpoint::LayerConfig& layer : config.layers) {
    layer_offsets_.push_back(page_bytes_);
    page_bytes_ += 2 * static_cast<size_t>(layer.num_kv_heads) * block_bytes_;
  }
}

uint64_t KvLayout::BytesFor(int64_t tokens) const {
  return static_cast<uint64_t>(base::CeilDiv(tokens, kPageTokens)) * page_bytes_;
}

std::shared_ptr<KvPage> KvPage::Allocate(const KvLayout& layout) {
  std::shared_ptr<KvPage> page(new KvPage);
  if (!base::AlignedBuffer::Allocate(layout.page_bytes(), &page->buffer_)) return nullptr;
  page->live_bytes_ = layout.live_bytes_;
  page->live_bytes_->fetch_add(page->buffer_.size(), std::memory_order_relaxed);
  return page;
}

KvPage::~KvPage() {
  if (live_bytes_ != nullptr) live_bytes_->fetch_sub(buffer_.size(), std::memory_order_relaxed);
}

absl::Status KvCache::Reserve(int64_t tokens) {
  const int64_t wanted = length_ + tokens;
  if (wanted > max_tokens_)
    return absl::ResourceExhaustedError(
        absl::StrCat("context is full: ", wanted, " tokens are needed, ", max_tokens_,
                     " fit; shorten the prompt or raise --context"));
  const auto add = [&](std::shared_ptr<KvPage>* page) {
    *page = KvPage::Allocate(*layout_);
    if (*page != nullptr) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for the KV cache: ", layout_->page_bytes(), " bytes for page ",
                     owned_.size(), "; use a smaller --context or --kv-type int8"));
  };
  // A page that others read too is copied before its rest is written.
  const bool partial = length_ % KvLayout::kPageTokens != 0;
  const auto last = static_cast<size_t>(length_ / KvLayout::kPageTokens);
  if (tokens > 0 && partial && owned_[last].use_count() > 1) {
    std::shared_ptr<KvPage> copy;
    CRIA_RETURN_IF_ERROR(add(&copy));
    std::memcpy(copy->data(), owned_[last]->data(), layout_->page_bytes());
    pages_[last] = copy->data();
    owned_[last] = std::move(copy);
  }
  const auto pages = static_cast<size_t>(base::CeilDiv(wanted, KvLayout::kPageTokens));
  while (owned_.size() < pages) {
    std::shared_ptr<KvPage> page;
    CRIA_RETURN_IF_ERROR(add(&page));
    pages_.push_back(page->data());
    owned_.push_back(std::move(page));
  }
  return absl::OkStatus();
}

void KvCache::Commit(int64_t tokens) {
  length_ += tokens;
  CRIA_CHECK_LE(length_, static_cast<int64_t>(owned_.size()) * KvLayout::kPageTokens);
}

void KvCache::Truncate(int64_t length) {
  CRIA_CHECK_LE(length, length_);
  length_ = length;
  const auto pages = static_cast<size_t>(base::CeilDiv(length, KvLayout::kPageTokens));
  owned_.resize(pages);
  pages_.resize(pages);
}

void KvCache::Adopt(std::span<const std::shared_ptr<KvPage>> pages) {
  CRIA_CHECK_EQ(length_ % KvLayout::kPageTokens, 0);
  Truncate(length_);  // drops what was only reserved
  for (const std::shared_ptr<KvPage>& page : pages) {
    owned_.push_back(page);
    pages_.push_back(page->data());
  }
  length_ += static_cast<int64_t>(pages.size()) * KvLayout::kPageTokens;
  CRIA_CHECK_LE(length_, max_tokens_);
}

const std::shared_ptr<KvPage>& KvCache::full_page(int64_t index) const {
  CRIA_CHECK_LE((index + 1) * KvLayout::kPageTokens, length_);
  return owned_[static_cast<size_t>(index)];
}

}  // namespace cria::model
