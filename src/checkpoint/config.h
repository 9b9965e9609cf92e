// What a checkpoint says about its model: every number that can differ is read from the files,
// never inferred.
#ifndef CRIA_CHECKPOINT_CONFIG_H_
#define CRIA_CHECKPOINT_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace cria::checkpoint {

// Bounds of what a config may claim: far above any model there is, small enough that no product of
// sizes overflows and that nothing large is allocated before tensors prove the numbers. Readers
// check kMaxLayers before they fill `layers`.
inline constexpr int64_t kMaxLayers = 4096;
inline constexpr int64_t kMaxWidth = int64_t{1} << 22;  // hidden and FFN widths
inline constexpr int64_t kMaxVocab = int64_t{1} << 24;
inline constexpr int64_t kMaxHeads = int64_t{1} << 14;
inline constexpr int64_t kMaxHeadDim = int64_t{1} << 14;
inline constexpr int64_t kMaxContext = int64_t{1} << 31;

// Which elements of a head rotate together: it follows from how wq and wk are stored.
enum class RopePairing : uint8_t { kAdjacent, kHalves };

struct RopeScaling {
  enum class Type : uint8_t { kNone, kLinear, kLlama3 };
  Type type = Type::kNone;
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  int64_t original_context = 8192;
};

struct LayerConfig {
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t ffn = 0;  // FFN hidden width
};

// What only an encoder has: a model that makes vectors of texts, as sentence-transformers uses it.
struct EncoderConfig {
  enum class Pooling : uint8_t { kMean, kFirstToken };
  Pooling pooling = Pooling::kMean;  // of a text's last hidden states
  int64_t max_tokens = 0;            // of one text, with the special tokens around it
  int64_t token_types = 2;
};

struct ModelConfig {
  std::string architecture;  // "llama", or "bert": then there is `encoder`
  std::string name;          // as the checkpoint calls itself; may be empty
  int64_t hidden = 0;
  int64_t vocab = 0;  // rows of the output head
  int64_t head_dim = 0;
  int64_t max_context = 0;
  std::vector<LayerConfig> layers;  // per-layer widths: a pruned model is only another list
  std::optional<EncoderConfig> encoder;
  double norm_eps = 1e-5;
  double rope_theta = 10000;
  int64_t rotary_dim = 0;  // elements of a head that rotate; usually head_dim
  RopeScaling rope_scaling;
  std::vector<float>
      rope_divisors;  // GGUF rope_freqs [rotary_dim / 2]: divide the frequencies; empty if none
  RopePairing rope_pairing = RopePairing::kHalves;
  bool tied_embeddings = false;  // the head is the embedding table

  // Device-quantised Meta checkpoints (int4 groups with int8 per-token activations).
  bool int8_token_activations = false;
  bool ffn_hadamard = false;  // SpinQuant R4: Hadamard transform in front of w2
  double lora_scale = 0;      // QLoRA: y += lora_scale * B(A x); 0 when there is no LoRA branch

  // Tokens, where the checkpoint says so.
  std::optional<int64_t> bos_id;
  std::vector<int64_t> eos_ids;  // every id that ends a generation
  std::optional<bool> add_bos;

  // From generation_config.json, where present: what the model's authors sample with.
  std::optional<double> temperature, top_p;
  std::optional<int64_t> top_k;
};

// OK for a decoder; kUnimplemented, with the name, for a model that makes no text.
absl::Status CheckMakesText(const ModelConfig& config);

// Checks that the numbers fit together and are within the bounds above. kDataLoss otherwise;
// kUnimplemented for another architecture.
absl::Status Validate(const ModelConfig& config);

}  // namespace cria::checkpoint

#endif  // CRIA_CHECKPOINT_CONFIG_H_
