#include "checkpoint/gguf_writer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/quote.h"
#include "checkpoint/gguf_header.h"
#include "checkpoint/gguf_names.h"
#include "checkpoint/rope_rows.h"
#include "checkpoint/rope_scaling.h"
#include "checkpoint/weight_table.h"
#include "tensor/block_codec.h"

namespace cria::checkpoint {
namespace {

using tensor::DType;

constexpr char kRopeDivisors[] = "rope_freqs.weight";

absl::Status CheckExpressible(const ModelConfig& config, const TokenizerData& tokenizer) {
  CRIA_RETURN_IF_ERROR(CheckMakesText(config));
  if (config.int8_token_activations || config.ffn_hadamard || config.lora_scale != 0)
    return absl::UnimplementedError("a device-quantised model can't be written as a GGUF file");
  if (tokenizer.kind != TokenizerData::Kind::kNone &&
      tokenizer.kind != TokenizerData::Kind::kVocabulary)
    return absl::UnimplementedError(
        "a tokenizer.json or tokenizer.model can't be written into a GGUF file: it holds a "
        "vocabulary");
  if (config.eos_ids.size() > 3)
    return absl::UnimplementedError(absl::StrCat(
        config.eos_ids.size(), " EOS ids can't be written into a GGUF file, at most 3 can"));
  return absl::OkStatus();
}

// One number if all layers agree, else one a layer.
void SetPerLayer(std::string_view key, const std::vector<LayerConfig>& layers,
                 int64_t LayerConfig::*field, GgufMetadata* metadata) {
  std::vector<int32_t> numbers;
  for (const LayerConfig& layer : layers) numbers.push_back(static_cast<int32_t>(layer.*field));
  if (std::equal(numbers.begin() + 1, numbers.end(), numbers.begin()))
    metadata->SetU32(key, static_cast<uint32_t>(numbers[0]));
  else
    metadata->SetI32s(key, numbers);
}

// The numbers of a valid config fit: config.h bounds them.
void SetConfig(const ModelConfig& config, GgufMetadata* metadata) {
  const auto set = [&](std::string_view key, int64_t value) {
    metadata->SetU32(key, static_cast<uint32_t>(value));
  };
  metadata->SetString("general.architecture", "llama");
  if (!config.name.empty()) metadata->SetString("general.name", config.name);
  set("llama.block_count", static_cast<int64_t>(config.layers.size()));
  set("llama.context_length", config.max_context);
  set("llama.embedding_length", config.hidden);
  set("llama.vocab_size", config.vocab);
  set("llama.attention.key_length", config.head_dim);
  set("llama.attention.value_length", config.head_dim);
  set("llama.rope.dimension_count", config.rotary_dim);
  SetPerLayer("llama.feed_forward_length", config.layers, &LayerConfig::ffn, metadata);
  SetPerLayer("llama.attention.head_count", config.layers, &LayerConfig::num_heads, metadata);
  SetPerLayer("llama.attention.head_count_kv", config.layers, &LayerConfig::num_kv_heads, metadata);
  metadata->SetF32("llama.attention.layer_norm_rms_epsilon", static_cast<float>(config.norm_eps));
  metadata->SetF32("llama.rope.freq_base", static_cast<float>(config.rope_theta));
  if (config.rope_scaling.type == RopeScaling::Type::kLinear) {
    metadata->SetString("llama.rope.scaling.type", "linear");
    metadata->SetF32("llama.rope.scaling.factor", static_cast<float>(config.rope_scaling.factor));
  }
}

void SetTokenizer(const ModelConfig& config, const TokenizerData& data, GgufMetadata* metadata) {
  constexpr std::string_view kEosKeys[] = {
      "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
  if (config.bos_id)
    metadata->SetU32("tokenizer.ggml.bos_token_id", static_cast<uint32_t>(*config.bos_id));
  for (size_t i = 0; i < config.eos_ids.size(); ++i)
    metadata->SetU32(kEosKeys[i], static_cast<uint32_t>(config.eos_ids[i]));
  if (config.add_bos) metadata->SetBool("tokenizer.ggml.add_bos_token", *config.add_bos);
  if (!data.chat_template.empty())
    metadata->SetString("tokenizer.chat_template", data.chat_template);
  if (data.kind != TokenizerData::Kind::kVocabulary) return;
  const Vocabulary& vocabulary = data.vocabulary;
  metadata->SetString("tokenizer.ggml.model", vocabulary.model);
  metadata->SetString("tokenizer.ggml.pre", vocabulary.pre.empty() ? "default" : vocabulary.pre);
  metadata->SetStrings("tokenizer.ggml.tokens", vocabulary.tokens);
  if (!vocabulary.scores.empty()) metadata->SetF32s("tokenizer.ggml.scores", vocabulary.scores);
  if (!vocabulary.types.empty()) metadata->SetI32s("tokenizer.ggml.token_type", vocabulary.types);
  if (!vocabulary.merges.empty() || vocabulary.model == "gpt2")
    metadata->SetStrings("tokenizer.ggml.merges", vocabulary.merges);
  metadata->SetBool("tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix);
}

bool IsVector(const WeightSpec& weight) {
  return weight.role == WeightRole::kNorm || weight.role == WeightRole::kBias;
}

std::vector<uint8_t> ToF32(const tensor::View& view) {
  const auto count = static_cast<size_t>(*view.shape.Elements());
  std::vector<float> values(count);
  tensor::Decode(view.dtype, view.bytes.data(), static_cast<int64_t>(count), values.data());
  const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
  return {bytes, bytes + count * sizeof(float)};
}

class GgufModelWriter {
 public:
  GgufModelWriter(const Checkpoint& checkpoint, const TokenizerData& tokenizer)
      : checkpoint_(checkpoint), config_(checkpoint.config()), tokenizer_(tokenizer) {}

  absl::Status Write(const std::string& path) {
    const absl::StatusOr<std::string> header = Header();
    if (!header.ok()) return base::Annotate(header.status(), path);
    CRIA_ASSIGN_OR_RETURN(const auto writer,
                          TensorFileWriter::Create(path, *header, specs_, kGgufDefaultAlignment));
    if (!divisors_.empty())
      CRIA_RETURN_IF_ERROR(writer->Append(
          kRopeDivisors,
          {reinterpret_cast<const uint8_t*>(divisors_.data()), divisors_.size() * sizeof(float)}));
    for (const WeightSpec& weight : weights_) CRIA_RETURN_IF_ERROR(Append(weight, writer.get()));
    return writer->Finish();
  }

 private:
  absl::StatusOr<std::string> Header() {
    CRIA_RETURN_IF_ERROR(CheckExpressible(config_, tokenizer_));
    GgufMetadata metadata;
    SetConfig(config_, &metadata);
    SetTokenizer(config_, tokenizer_, &metadata);
    CRIA_RETURN_IF_ERROR(ListTensors());
    return GgufHeader(metadata, specs_);
  }

  absl::Status ListTensors() {
    divisors_ = config_.rope_scaling.type == RopeScaling::Type::kLlama3 ? Llama3Divisors(config_)
                                                                        : config_.rope_divisors;
    if (config_.rope_scaling.type == RopeScaling::Type::kLlama3 && !config_.rope_divisors.empty())
      return absl::UnimplementedError(
          "a llama3 rope scaling beside a table of rope divisors can't be written");
    if (!divisors_.empty())
      specs_.push_back({kRopeDivisors, DType::kF32, {static_cast<int64_t>(divisors_.size())}});
    for (WeightSpec& weight : WeightTable(config_)) {
      const tensor::View* view = checkpoint_.Find(weight.name);
      if (view == nullptr) continue;
      if (view->dtype == DType::kI8)
        return absl::UnimplementedError(absl::StrCat(
            "tensor ", base::Quote(weight.name), ": int8 with scales can't be written as GGUF"));
      specs_.push_back({NameOf(weight), IsVector(weight) ? DType::kF32 : view->dtype, view->shape});
      weights_.push_back(std::move(weight));
    }
    return absl::OkStatus();
  }

  static std::string NameOf(const WeightSpec& weight) {
    const auto name = GgufFromCanonical(weight.name);
    CRIA_CHECK(name.has_value());  // the table has no other names
    return *name;
  }

  absl::Status Append(const WeightSpec& weight, TensorFileWriter* writer) {
    tensor::View view = *checkpoint_.Find(weight.name);
    std::vector<uint8_t> swapped;
    if (config_.rope_pairing == RopePairing::kHalves && FollowsRopePairing(weight)) {
      swapped = SwapRopePairing(view, config_);
      view.bytes = swapped;
    }
    if (IsVector(weight) && view.dtype != DType::kF32)
      return writer->Append(NameOf(weight), ToF32(view));
    return writer->Append(NameOf(weight), view.bytes);
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const TokenizerData& tokenizer_;
  std::vector<float> divisors_;
  std::vector<TensorSpec> specs_;
  std::vector<WeightSpec> weights_;
};

}  // namespace

absl::Status WriteGguf(const Checkpoint& checkpoint, const std::string& path,
                       const GgufWriteOptions& options) {
  const TokenizerData& tokenizer =
      options.tokenizer != nullptr ? *options.tokenizer : checkpoint.tokenizer();
  return GgufModelWriter(checkpoint, tokenizer).Write(path);
}

}  // namespace cria::checkpoint
