#include "model/kv_cache.h"

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

absl::Status KvCache::Reserve(int64_t tokens) {
  const int64_t wanted = length_ + tokens;
  if (wanted > max_tokens_)
    return absl::ResourceExhaustedError(
        absl::StrCat("context is full: ", wanted, " tokens are needed, ", max_tokens_,
                     " fit; shorten the prompt or raise --context"));
  const auto pages = static_cast<size_t>(base::CeilDiv(wanted, KvLayout::kPageTokens));
  while (buffers_.size() < pages) {
    base::AlignedBuffer buffer;
    if (!base::AlignedBuffer::Allocate(layout_->page_bytes(), &buffer))
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for the KV cache: ", layout_->page_bytes(), " bytes for page ",
                       buffers_.size(), "; use a smaller --context or --kv-type int8"));
    pages_.push_back(buffer.data());
    buffers_.push_back(std::move(buffer));
  }
  return absl::OkStatus();
}

void KvCache::Commit(int64_t tokens) {
  length_ += tokens;
  CRIA_CHECK_LE(length_, static_cast<int64_t>(buffers_.size()) * KvLayout::kPageTokens);
}

void KvCache::Truncate(int64_t length) {
  CRIA_CHECK_LE(length, length_);
  length_ = length;
}

}  // namespace cria::model
