// The text decoder of any Llama-architecture checkpoint: immutable packed weights and one forward
// step over a ragged batch. It knows no sampling, no text and no policy.
#ifndef CRIA_MODEL_MODEL_H_
#define CRIA_MODEL_MODEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "checkpoint/checkpoint.h"
#include "kernels/registry.h"
#include "model/kv_cache.h"
#include "model/linear.h"
#include "model/rope_table.h"

namespace cria::model {

struct ModelOptions {
  const kernels::Kernels* kernels = nullptr;  // nullptr: the best this processor runs
  kernels::KvType kv_type = kernels::KvType::kBf16;
  bool f32_activations =
      false;  // never round activations to bf16 or int8: slower, closest to the stored weights
  // Where the packed weights are kept between runs (see PackedPath); empty: nowhere.
  std::string packed_path;
  std::function<void(double)>
      progress;  // called with the part packed so far, in (0, 1], from the loading thread
};

// Which rows of a step need logits: only those are multiplied with the output head.
enum class LogitsWanted : uint8_t { kNone, kLast, kAll };

// What one sequence does in a step: its next tokens, which go to positions cache->length() and on.
struct SequenceStep {
  KvCache* cache = nullptr;  // made with the model's kv_layout()
  std::span<const int32_t> tokens;
  LogitsWanted logits = LogitsWanted::kLast;
  // How long the prompt is that the tokens are a part of; 0: they are all there is. Prompts of at
  // most kShortPrompt tokens are multiplied as answers are (kernels::Kernels::answer_activations),
  // wherever a prompt is cut and whatever else is in the step: a sequence gets the same results in
  // any company.
  int64_t prompt_tokens = 0;
  static constexpr int64_t kShortPrompt = 64;
};

// The buffers of a step, reused from step to step. One step at a time; nothing in it survives the
// next step.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  struct Buffers;
  Buffers& buffers() { return *buffers_; }

 private:
  std::unique_ptr<Buffers> buffers_;
};

// The result of a step: the wanted logit rows in the order of the sequences and their tokens. Lives
// in the workspace.
struct StepLogits {
  const float* data = nullptr;
  int64_t rows = 0;
  int64_t vocab = 0;
  std::span<const float> row(int64_t i) const {
    return {data + i * vocab, static_cast<size_t>(vocab)};
  }
};

// One decoder layer's weights.
struct DecoderLayer {
  std::vector<float> attention_norm, ffn_norm;  // [H]
  Linear q, k, v, o, gate, up, down;
  checkpoint::LayerConfig config;
};

// After Load all methods are const and may be called from several threads, each with its own
// caches, workspace and pool.
class Model {
 public:
  // The most tokens (all sequences together) that one Forward takes: longer prompts go in chunks.
  static constexpr int64_t kMaxStepTokens = 512;

  // Packs the weights with the pool's threads. kResourceExhausted when they don't fit the memory,
  // kUnimplemented for weight types without kernels and for encoders (see encoder.h).
  static absl::StatusOr<std::shared_ptr<const Model>> Load(
      std::shared_ptr<const checkpoint::Checkpoint> checkpoint, const ModelOptions& options,
      base::ThreadPool& pool);

  const checkpoint::ModelConfig& config() const { return checkpoint_->config(); }
  const checkpoint::Checkpoint& checkpoint() const { return *checkpoint_; }
  const kernels::Kernels& kernels() const { return *kernels_; }
  const KvLayout& kv_layout() const { return kv_layout_; }
  const std::vector<DecoderLayer>& layers() const { return layers_; }
  const Linear& head() const { return head_; }  // [V, H]
  uint64_t packed_bytes() const;                // memory of the packed weights
  // Why the packed weights could not be kept, if they could not.
  const absl::Status& packed_file_status() const { return packed_file_status_; }

  // Runs all sequences' tokens through the model, fills their caches and returns the wanted logits.
  // Each sequence's result is the same whether it runs alone, in parts or beside others.
  // kInvalidArgument for an id outside the vocabulary or more than kMaxStepTokens;
  // kResourceExhausted when a cache is full: then no cache has changed.
  absl::StatusOr<StepLogits> Forward(std::span<const SequenceStep> steps, Workspace& workspace,
                                     base::ThreadPool& pool) const;

  // As Forward, but returns the final hidden state after the last norm [rows, H] instead of logits
  // (embeddings).
  absl::StatusOr<StepLogits> Hidden(std::span<const SequenceStep> steps, Workspace& workspace,
                                    base::ThreadPool& pool) const;

 private:
  Model(std::shared_ptr<const checkpoint::Checkpoint> checkpoint, const kernels::Kernels& kernels,
        kernels::KvType kv_type);

  absl::Status LoadLayers(const ModelOptions& options, base::ThreadPool& pool);
  absl::Status RunDecoder(std::span<const SequenceStep> steps, Workspace& workspace,
                          base::ThreadPool& pool) const;
  absl::Status RunLayer(size_t index, std::span<const SequenceStep> steps,
                        Workspace::Buffers& buffers, base::ThreadPool& pool) const;
  absl::Status SelfAttention(size_t index, std::span<const SequenceStep> steps,
                             Workspace::Buffers& buffers, base::ThreadPool& pool) const;
  absl::Status FeedForward(const DecoderLayer& layer, Workspace::Buffers& buffers,
                           base::ThreadPool& pool) const;
  void Embed(int32_t token, float* out) const;

  std::shared_ptr<const checkpoint::Checkpoint> checkpoint_;
  const kernels::Kernels* kernels_;
  KvLayout kv_layout_;
  RopeTable rope_;
  kernels::RopePairing pairing_;
  tensor::View embedding_;               // [V, H], as stored
  std::vector<float> embedding_scales_;  // I8 tables: [V, groups]
  std::vector<DecoderLayer> layers_;
  std::vector<float> final_norm_;  // [H]
  Linear head_;                    // [V, H]
  absl::Status packed_file_status_;
};

}  // namespace cria::model

#endif  // CRIA_MODEL_MODEL_H_
