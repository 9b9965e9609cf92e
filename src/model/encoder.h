// A BERT encoder (Devlin et al.: "BERT", 2018): immutable packed weights, and the last hidden
// states of whole texts. It knows no text, no pooling and no policy.
#ifndef CRIA_MODEL_ENCODER_H_
#define CRIA_MODEL_ENCODER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "checkpoint/checkpoint.h"
#include "kernels/registry.h"
#include "model/kv_cache.h"
#include "model/linear.h"
#include "model/model.h"

namespace cria::model {

// A weight and a bias, both [H].
struct LayerNormWeights {
  std::vector<float> weight, bias;
};

struct EncoderLayer {
  Linear q, k, v, o, up, down;
  LayerNormWeights attention_norm, ffn_norm;  // each behind its part, not before it
  int64_t num_heads = 0;
};

// After Load all methods are const and may be called from several threads. Every token of a text
// sees all of them; activations are never rounded.
class Encoder {
 public:
  // Packs the weights with the pool's threads. kUnimplemented for a checkpoint that is no encoder,
  // kResourceExhausted when the weights don't fit the memory. Of `options` kernels and progress
  // count.
  static absl::StatusOr<std::shared_ptr<const Encoder>> Load(
      std::shared_ptr<const checkpoint::Checkpoint> checkpoint, const ModelOptions& options,
      base::ThreadPool& pool);

  const checkpoint::ModelConfig& config() const { return checkpoint_->config(); }
  uint64_t packed_bytes() const;  // memory of the packed weights

  // Tokens that a step best has, all texts together: enough to keep every thread busy, few enough
  // that their activations stay in the caches.
  static constexpr int64_t kStepTokens = 512;

  // The last hidden states of all texts as one ragged batch, [T, H], one text after the other. Each
  // text's are the same whatever else is in the batch. kInvalidArgument for an id outside the
  // vocabulary; kResourceExhausted for a text longer than the model has positions, and without
  // memory.
  absl::StatusOr<std::vector<float>> Hidden(std::span<const std::span<const int32_t>> texts,
                                            base::ThreadPool& pool) const;

 private:
  struct Step;

  Encoder(std::shared_ptr<const checkpoint::Checkpoint> checkpoint,
          const kernels::Kernels& kernels);
  absl::Status LoadLayers(const ModelOptions& options, base::ThreadPool& pool);
  absl::Status CheckTexts(std::span<const std::span<const int32_t>> texts) const;
  absl::Status Start(std::span<const std::span<const int32_t>> texts, Step* step,
                     base::ThreadPool& pool) const;
  void Embed(int32_t token, int64_t position, float* out) const;
  void Normalize(const LayerNormWeights& norm, Step* step, base::ThreadPool& pool) const;
  absl::Status SelfAttention(const EncoderLayer& layer, Step* step, base::ThreadPool& pool) const;
  void Attend(Step* step, base::ThreadPool& pool) const;
  absl::Status FeedForward(const EncoderLayer& layer, Step* step, base::ThreadPool& pool) const;

  std::shared_ptr<const checkpoint::Checkpoint> checkpoint_;
  const kernels::Kernels* kernels_;
  KvLayout kv_layout_;              // of one layer: the next overwrites what the last has left
  tensor::View words_, positions_;  // [V, H] and [positions, H], as stored
  std::vector<float> first_type_;   // [H] token type 0, that of every token
  LayerNormWeights embedding_norm_;
  std::vector<EncoderLayer> layers_;
};

}  // namespace cria::model

#endif  // CRIA_MODEL_ENCODER_H_
